"""Tell what differs between what two namespaces serve."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.entry import Entry
from configsvc.model.errors import InvalidRequest
from configsvc.model.names import Key, Namespace
from configsvc.service import access, paging, records
from configsvc.service.compare import Apart, apart, shown
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head
from configsvc.service.snapshot import key_states


def diff_against(  # noqa: PLR0917  # two namespaces, limit and cursor as in every listing
    ports: Ports, caller: Caller, here: Namespace, there: Namespace, limit: int, cursor: str | None
) -> dict[str, object]:
    """`{"namespace", "revision", "against", "against_revision", "differences": [...], "cursor"}` in order of key.

    A difference is `{"key", "here", "there", "values"}`: `here` and `there` are `{"version", "form", "content_type"}`
    or None; `values` says "same", "different", or "unknown" where one is sealed, None where only one has the key. Both
    revisions are served ones; each namespace is read at one revision, the two not at one moment.

    Raises:
        NotFound: one is absent, or not the caller's to read; it is named.
        InvalidRequest: against itself, or a bad limit or cursor.
        Contended: one changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    if here == there:
        raise InvalidRequest("Name another namespace, or two revisions of this one.", field="against")
    after = paging.after(cursor, "", names.key)
    paging.checked(limit)
    held, found = access.look(ports, caller, (records.head(here), records.head(there)), writes=False)
    heads = [access.readable(held, found, namespace) for namespace in (here, there)]
    (one, entries), (other, others) = (_served(ports, head) for head in heads)
    differences = (each for each in apart(entries, others) if each.key > after)
    page, more = paging.page(differences, limit, lambda each: each.key)
    ends = {"namespace": here, "revision": one.served, "against": there, "against_revision": other.served}
    return {**ends, "differences": [_described(each) for each in page], "cursor": more}


def _served(ports: Ports, head: Head) -> tuple[Head, dict[Key, Entry]]:
    head, states = key_states(ports, head)
    return head, {state.key: state.entry for state in states if state.entry}


def _described(each: Apart) -> dict[str, object]:
    return {"key": each.key, "here": shown(each.here), "there": shown(each.there), "values": each.values}
