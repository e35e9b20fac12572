"""Change sets: several changes of a namespace at once, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, check_put, count_stored_bytes
from configsvc.model.errors import Misconfigured, NotFound, TooLarge, Unprocessable
from configsvc.model.names import Key, Namespace
from configsvc.model.sizes import refuse_large_namespace
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client.admin.namespaces import Namespaces
from configsvc_client.admin.reading import Known, Reader
from configsvc_client.admin.sealing.drafts import Draft, decide_form
from configsvc_client.admin.sealing.protection import FormRules
from configsvc_client.admin.sealing.sealer import check_size, count_served_bytes, make_sized_put
from configsvc_client.admin.wire import writes
from configsvc_client.admin.wire.writes import Changed
from configsvc_client.admin.writing import Part, RequestedChange, Writer


class ChangeSets:
    """The change sets of namespaces.

    Args:
        writer: seals and sends them.
        rules: the writer's own settings, which decide the form of each value.
        activations: checks versions before they are served.
        namespaces: tells their limits.
    """

    def __init__(self, writer: Writer, rules: FormRules, activations: Activations, namespaces: Namespaces) -> None:
        self._writer = writer
        self._rules = rules
        self._activations = activations
        self._namespaces = namespaces

    def apply(
        self, namespace: str, changes: Sequence[RequestedChange], message: str = "", *, if_match: int | None = None,
        declassify: bool = False,
    ) -> Changed:  # fmt: skip
        """Apply drafts, `Activate`s and `Delete`s in one change set, all or nothing: at most 40 of them, 1 MiB stored.

        `declassify` lets an `Activate` replace a sealed version with a plain one. A draft has its own flag for that.

        Raises:
            TooLarge: they do not fit; checked before anything is sealed.
            Unprocessable: an `Activate` needs `declassify`.
        """
        name = names.parse_namespace(namespace)
        activates = [each for each in changes if isinstance(each, Activate)]
        self._activations.check(name, activates, declassify=declassify)
        ready = [decide_form(each, name, self._rules) if isinstance(each, Draft) else each for each in changes]
        drafts = [each for each in ready if isinstance(each, Draft)]
        check_together(name, drafts, len(ready) - len(drafts))
        return self._writer.change(name, ready, message, if_match)

    def check(self, namespace: str, drafts: Sequence[Draft], advice: str = "Split it.") -> None:
        """Check that one change set can hold all these drafts, before anything is sealed or sent.

        Raises:
            TooLarge: it cannot.
            Unprocessable: a plain value does not match its content type.
        """
        name = names.parse_namespace(namespace)
        check_together(name, [decide_form(each, name, self._rules) for each in drafts], advice=advice)

    def check_room(self, snapshot: SealedSnapshot, drafts: Sequence[Draft]) -> None:
        """Refuse drafts that do not fit into a namespace with what it serves, before anything is sealed or sent.

        If the namespace would grow, this costs one request, for its limit.

        Raises:
            TooLarge: names the namespace, its size, its limit and how to raise it.
        """
        if count_served_bytes(snapshot, drafts, "ascii") <= count_served_bytes(snapshot, (), "ascii"):
            return
        found = self._namespaces.get(snapshot.namespace)
        limit, charset = found["snapshot_bytes"], found["charset"]
        size = count_served_bytes(snapshot, drafts, "ascii" if charset == "ascii" else "utf8")
        if isinstance(limit, int) and size > limit:
            raise refuse_large_namespace(snapshot.namespace, size, limit)

    def store(
        self, namespace: str, drafts: Sequence[Draft], message: str = "", *, known: Known | None = None
    ) -> Iterator[Part]:
        """Store any number of drafts in as few change sets as the limits allow; yields the result of each.

        Pass `known` to save a request if the keys were read before.
        """
        name, ready = names.parse_namespace(namespace), list[Draft]()
        for each in drafts:
            try:
                ready.append(decide_form(each, name, self._rules))
            except (Misconfigured, Unprocessable) as error:
                yield Part((each.key,), error=error)
        yield from self._writer.store(name, ready, message, known)


class Activations:
    """Checks versions before they are served.

    Args:
        reader: reads entries.
        rules: the writer's own settings, whose CONFIGSVC_SEALED_KEYS refuses plain versions.
    """

    def __init__(self, reader: Reader, rules: FormRules) -> None:
        self._reader = reader
        self._rules = rules

    def check(self, namespace: Namespace, activates: Iterable[Activate], *, declassify: bool) -> None:
        """Refuse to replace a sealed version with a plain one, unless the caller asks for it.

        For a key that serves nothing, the latest version counts.

        Raises:
            Unprocessable: names the keys.
            NotFound, Gone: there is no such version, or its value was destroyed.
            Misconfigured: a plain version of a key that CONFIGSVC_SEALED_KEYS names.
        """
        found: list[Key] = []
        for each in activates:
            if self._reader.entry(namespace, each.key, each.version).form == "plain":
                self._rules.named(namespace, each.key, "plain")
                if self._is_sealed(namespace, each.key):
                    found.append(each.key)
        refuse_declassifying(found, declassify=declassify)

    def _is_sealed(self, namespace: Namespace, key: Key) -> bool:
        try:
            served: Entry = self._reader.entry(namespace, key)
        except NotFound:
            known = self._reader.known(namespace, [key])
            return key in known and known[key].form != "plain"
        return served.form != "plain"


def refuse_declassifying(keys: Iterable[Key], *, declassify: bool) -> None:
    """Refuse to replace sealed values with plain ones.

    Raises:
        Unprocessable: there are such keys, and the caller did not ask for it; `declassifies` names them.
    """
    named = [str(each) for each in keys]
    if named and not declassify:
        raise Unprocessable(
            f'A plain version would replace a sealed one: {", ".join(named)}. Set "declassify": true if you want that.',
            declassifies=named,
        )


_LONGEST_VERSION = 10**9


def check_together(namespace: Namespace, drafts: Sequence[Draft], others: int = 0, advice: str = "Split it.") -> None:
    """Whether one change set takes all of them.

    Args:
        namespace: where they go.
        drafts: with the forms that count.
        others: operations beside them, which store nothing.
        advice: what to do if it does not.

    Raises:
        TooLarge: more than 40, more than 1 MiB stored or 2 MiB sent, or a value that is too large by itself.
        Unprocessable: a plain value is not what its content type says.
    """
    count = len(drafts) + others
    if count > limits.OPERATIONS:
        raise TooLarge(
            f"A change set takes at most {limits.OPERATIONS} keys, and these are {count}. {advice}",
            limit=limits.OPERATIONS, size=count,
        )  # fmt: skip
    for draft in drafts:
        check_size(namespace, draft)
    puts = [make_sized_put(namespace, draft, _LONGEST_VERSION) for draft in drafts]
    for put in puts:
        check_put(put)
    size = sum(count_stored_bytes(put.value) for put in puts)
    if size > limits.CHANGE_SET_BYTES:
        larger = any(draft.form != "plain" for draft in drafts)
        raise TooLarge(
            f"A change set takes at most {limits.CHANGE_SET_BYTES} bytes of stored values, and these take {size}"
            f"{': a sealed value is a third larger than it was' if larger else ''}. {advice}",
            limit=limits.CHANGE_SET_BYTES, size=size,
        )  # fmt: skip
    sent = writes.count_sent_bytes(puts)
    if sent > limits.REQUEST_BYTES:
        raise TooLarge(
            f"A request has at most {limits.REQUEST_BYTES} bytes, and this one may have {sent}, because some "
            f"characters are longer in JSON. {advice}", limit=limits.REQUEST_BYTES, size=sent,
        )  # fmt: skip
