"""Change sets: several changes of a namespace at once, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from configsvc.model import names
from configsvc.model.change_set import Activate
from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc.model.sizes import refused_namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client.admin._activations import Activations
from configsvc_client.admin._draft import Draft, decided
from configsvc_client.admin._fits import served_with
from configsvc_client.admin._namespaces import Namespaces
from configsvc_client.admin._protection import Rules
from configsvc_client.admin._reader import Known
from configsvc_client.admin._together import check_together
from configsvc_client.admin._wire import Changed
from configsvc_client.admin._writer import Change, Part, Writer


class ChangeSets:
    """The change sets of namespaces.

    Args:
        writer: seals and sends them.
        rules: the writer's own settings, which decide the form of each value.
        activations: looks at versions before they are served.
        namespaces: for their limits.
    """

    def __init__(self, writer: Writer, rules: Rules, activations: Activations, namespaces: Namespaces) -> None:
        self._writer = writer
        self._rules = rules
        self._activations = activations
        self._namespaces = namespaces

    def apply(
        self, namespace: str, changes: Sequence[Change], message: str = "", *, if_match: int | None = None,
        declassify: bool = False,
    ) -> Changed:  # fmt: skip
        """Apply drafts, `Activate`s and `Delete`s in one change set: all or nothing, at most 40 of them, 1 MiB stored.

        `declassify` lets an `Activate` serve a plain version in the place of a sealed one. A draft says so itself.

        Raises:
            TooLarge: they do not fit; checked before anything is sealed.
            Unprocessable: an `Activate` needs `declassify`.
        """
        name = names.namespace(namespace)
        activates = [each for each in changes if isinstance(each, Activate)]
        self._activations.check(name, activates, declassify=declassify)
        ready = [decided(each, name, self._rules) if isinstance(each, Draft) else each for each in changes]
        drafts = [each for each in ready if isinstance(each, Draft)]
        check_together(name, drafts, len(ready) - len(drafts))
        return self._writer.change(name, ready, message, if_match)

    def check(self, namespace: str, drafts: Sequence[Draft], advice: str = "Split it.") -> None:
        """Check that one change set takes all these drafts, before anything is sealed or sent.

        Raises:
            TooLarge: it does not.
            Unprocessable: a plain value is not what its content type says.
        """
        name = names.namespace(namespace)
        check_together(name, [decided(each, name, self._rules) for each in drafts], advice=advice)

    def check_room(self, snapshot: SealedSnapshot, drafts: Sequence[Draft]) -> None:
        """Refuse drafts that a namespace has no room for beside what it serves, before anything is sealed or sent.

        Costs one request, for the namespace's limit, if it would serve more than it does.

        Raises:
            TooLarge: names the namespace, its size, its limit and what raises it.
        """
        if served_with(snapshot, drafts, "ascii") <= served_with(snapshot, (), "ascii"):
            return
        found = self._namespaces.get(snapshot.namespace)
        limit, charset = found["snapshot_bytes"], found["charset"]
        size = served_with(snapshot, drafts, "ascii" if charset == "ascii" else "utf8")
        if isinstance(limit, int) and size > limit:
            raise refused_namespace(snapshot.namespace, size, limit)

    def store(
        self, namespace: str, drafts: Sequence[Draft], message: str = "", *, known: Known | None = None
    ) -> Iterator[Part]:
        """Store any number of drafts in as few change sets as the limits allow; yields each as it is done or refused.

        `known` saves asking for the keys once more, where they were read before.
        """
        name, ready = names.namespace(namespace), list[Draft]()
        for each in drafts:
            try:
                ready.append(decided(each, name, self._rules))
            except (Misconfigured, Unprocessable) as error:
                yield Part((each.key,), error=error)
        yield from self._writer.store(name, ready, message, known)
