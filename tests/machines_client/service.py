"""A service in which every value says its namespace and revision, so that anything mixed shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Namespace
from configsvc_client._ports import Found
from tests.client.sealing import data_key, envelope, found

KEYS = ("k0", "k1", "k2")
NAMESPACES = (Namespace("first.test"), Namespace("second.test"))
DATA_KEYS = (bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34)))


def value(namespace: str, revision: int) -> str:
    """What every key of a namespace holds at a revision."""
    return f"{namespace}@{revision}"


class LabelledService:
    """Serves the newest revision of each namespace, or an older one while it is `behind`; an entry may be broken.

    `failing` is raised instead of any answer.
    """

    def __init__(self) -> None:
        self.revisions = dict.fromkeys(NAMESPACES, 1)
        self.behind = dict.fromkeys(NAMESPACES, 0)
        self.broken: set[Namespace] = set()
        self.data_keys = dict.fromkeys(NAMESPACES, 0)
        self.failing: Callable[[], ConfigsvcError] | None = None
        self.asked = 0

    def served(self, namespace: Namespace) -> Found:
        """One namespace as it is answered now."""
        revision = self.revisions[namespace] - self.behind[namespace]
        raw = DATA_KEYS[self.data_keys[namespace]]
        text = value(namespace, revision).encode()
        entries = [envelope(f"{namespace}.{key}", text, namespace=namespace, raw=raw, version=revision) for key in KEYS]
        if namespace in self.broken:
            entries[-1] = entries[-1]._replace(version=revision + 1)
        tag = f"{self.behind[namespace]}{'b' if namespace in self.broken else 'a'}{self.data_keys[namespace]}"
        keys = [data_key(raw, namespace)]
        return found(entries, revision=revision, namespace=namespace, data_keys=keys, tag=tag)

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[Namespace, Found]:
        """See `Gateway.fetch`."""
        del deadline
        self.asked += 1
        if meanwhile:
            meanwhile()
        if self.failing:
            raise self.failing()
        answers = {namespace: self.served(namespace) for namespace in known}
        return {namespace: each for namespace, each in answers.items() if each.etag != known[namespace]}
