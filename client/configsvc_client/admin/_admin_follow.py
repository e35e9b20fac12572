"""Follow namespaces as they change."""

from __future__ import annotations

from configsvc.model import names
from configsvc_client.admin._following import Following
from configsvc_client.admin._parts import Facet


class Follows(Facet):
    """Namespaces as they change."""

    def follow(self, *namespaces: str) -> Following:
        """What looks at namespaces again and again, at the cost of a poll. Nothing is asked yet."""
        return Following(self._parts.gateway, [names.namespace(each) for each in namespaces], self._parts.clock)
