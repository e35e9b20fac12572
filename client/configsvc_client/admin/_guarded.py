"""Compare and set: a draft that is stored only while its key is as it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, PreconditionFailed
from configsvc.model.names import Key
from configsvc_client.admin._draft import Draft
from configsvc_client.admin._reader import Known


class Guarded(NamedTuple):
    """Drafts with their preconditions, the keys that those rest on, and the keys that someone wrote too early."""

    drafts: list[Draft]
    known: Known
    overtaken: dict[str, ConfigsvcError]


def guarded(draft: Draft, known: Known) -> Draft:
    """The draft with its precondition: the key's revision, or that nothing is served where it was never written."""
    if draft.key in known:
        return draft._replace(if_match=known[draft.key].revision, create_only=False)
    return draft._replace(if_match=None, create_only=True)


def guard(drafts: Iterable[Draft], known: Known, served: Mapping[Key, int]) -> Guarded:
    """The drafts, so far as their keys still serve what they did in a snapshot that was read before `known`.

    `served` are that snapshot's versions. Between the two someone may have written: what is decided on the snapshot
    does not hold for those keys.
    """
    found = Guarded([], known, {})
    for draft in drafts:
        active = known[draft.key].active if draft.key in known else None
        if active == served.get(draft.key):
            found.drafts.append(guarded(draft, known))
        else:
            found.overtaken[draft.key] = PreconditionFailed("Someone else wrote the key meanwhile.", key=draft.key)
    return found
