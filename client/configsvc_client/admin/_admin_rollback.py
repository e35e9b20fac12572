"""Back to what a whole namespace served once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from configsvc.model import names
from configsvc.model.errors import Gone
from configsvc_client.admin import _back
from configsvc_client.admin._back import WayBack
from configsvc_client.admin._history import LogFilter
from configsvc_client.admin._parts import Facet
from configsvc_client.admin._wire import Changed


class Rollbacks(Facet):
    """Namespaces as they were."""

    def revision_at(self, namespace: str, time: str) -> int:
        """The revision that a namespace had at a time (RFC 3339 in UTC, or a date).

        Raises:
            Gone: the change log does not go so far back.
        """
        name = names.namespace(namespace)
        before = self._parts.history.changes(name, LogFilter(before_time=time))
        last = next(iter(deque(before, maxlen=1)), None)
        if last is None:
            raise Gone(f"The change log of {name} has nothing from before {time}. Name a later time or a revision.")
        return last.revision

    def way_back(self, namespace: str, revision: int) -> WayBack:
        """What differs between what is served and what was at a revision.

        Raises:
            NotFound: the namespace has not come to that revision.
            Gone: it is beyond the log.
        """
        name = names.namespace(namespace)
        # Read first: what is written after it makes the first change set fail its condition.
        current = int(str(self._parts.namespaces.get(name)["revision"]))
        now, then = self._parts.reader.snapshot(name), self._parts.reader.snapshot(name, revision)
        return WayBack(name, current, _back.steps(now, then))

    def go_back(self, way: WayBack, message: str = "") -> Iterator[Changed]:
        """Go it, in change sets of up to 40 keys, each all or nothing and only while nobody else writes.

        Raises:
            PreconditionFailed: someone wrote meanwhile; what is done stays, look at the way that is left.
            Conflict: a version's data key is retired.
            Gone: a version's value was destroyed or pruned.
        """
        revision = way.revision
        for group in _back.split(way.steps):
            done = self._parts.writer.change(way.namespace, [each.change for each in group], message, revision)
            revision = done.revision
            yield done
