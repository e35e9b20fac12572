"""A service in which every value says its namespace and revision, so that anything mixed shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError, NotFound
from configsvc.model.names import Namespace
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.sealing import make_data_key, make_envelope, make_snapshot

KEYS = ("k0", "k1", "k2")
NAMESPACES = (Namespace("first.test"), Namespace("second.test"))
DATA_KEYS = (bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34)))

JUMP = 2 * 10**9


def value(namespace: str, revision: int) -> str:
    """Returns the value of every key of a namespace at a revision."""
    return f"{namespace}@{revision}"


class LabelledService:
    """Serves the newest revision of each namespace, or an older one while it is `behind`; an entry may be broken.

    `failing` is raised instead of any answer. A namespace that is `hostile` is answered at a revision that no writes
    explain (`jumped`), with other entries (`other`), or not at all (`absent`).
    """

    def __init__(self) -> None:
        self.revisions = dict.fromkeys(NAMESPACES, 1)
        self.behind = dict.fromkeys(NAMESPACES, 0)
        self.broken: set[Namespace] = set()
        self.data_keys = {(namespace, 1): 0 for namespace in NAMESPACES}
        self.hostile: dict[Namespace, str] = {}
        self._sealed: dict[tuple[Namespace, int, bool, str], FetchedSnapshot] = {}
        self.failing: Callable[[], ConfigsvcError] | None = None
        self.asked = 0

    def write(self, namespace: Namespace, *, rotate: bool) -> None:
        """One revision more."""
        data_key = self.data_keys[namespace, self.revisions[namespace]]
        self.revisions[namespace] += 1
        self.data_keys[namespace, self.revisions[namespace]] = (data_key + rotate) % 3
        self.behind[namespace] = 0
        self.broken.discard(namespace)
        self.hostile.pop(namespace, None)

    def served(self, namespace: Namespace) -> FetchedSnapshot:
        """One namespace as it is answered now: the same each time."""
        revision = self.revisions[namespace] - self.behind[namespace]
        name = (namespace, revision, namespace in self.broken, self.hostile.get(namespace, ""))
        if name not in self._sealed:
            self._sealed[name] = self._seal(*name)
        return self._sealed[name]

    def _seal(self, namespace: Namespace, revision: int, broken: bool, hostile: str) -> FetchedSnapshot:  # noqa: FBT001  # a name's parts
        data_key_at = self.data_keys[namespace, revision]
        raw = DATA_KEYS[data_key_at]
        text = "evil" if hostile else value(namespace, revision)
        entries = [
            make_envelope(f"{namespace}.{key}", text.encode(), namespace=namespace, raw=raw, version=revision)
            for key in KEYS
        ]
        if broken:
            entries[-1] = entries[-1]._replace(version=revision + 1)
        tag = f"{'b' if broken else 'a'}{data_key_at}{hostile}"
        at = revision + JUMP if hostile == "jumped" else revision
        return make_snapshot(
            entries, revision=at, namespace=namespace, data_keys=[make_data_key(raw, namespace)], tag=tag
        )

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
        """See `Gateway.fetch`."""
        del deadline
        self.asked += 1
        if while_waiting:
            while_waiting()
        if self.failing:
            raise self.failing()
        answers = {namespace: self.served(namespace) for namespace in known}
        new = {namespace: each for namespace, each in answers.items() if each.etag != known[namespace]}
        absent = {each for each in known if self.hostile.get(each) == "absent"}
        return {**new, **{each: NotFound("There is no such namespace.") for each in absent}}
