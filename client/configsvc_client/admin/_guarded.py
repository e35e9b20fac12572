"""Compare and set: a draft that is stored only while its key is as it was read."""

from __future__ import annotations

from configsvc_client.admin._draft import Draft
from configsvc_client.admin._reader import Known


def guarded(draft: Draft, known: Known) -> Draft:
    """The draft with its precondition: the key's revision, or that nothing is served where it was never written."""
    if draft.key in known:
        return draft._replace(if_match=known[draft.key].revision, create_only=False)
    return draft._replace(if_match=None, create_only=True)
