"""Whether a reader would get the same value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configsvc_client.cli._content import canonical

if TYPE_CHECKING:
    from configsvc_client.admin import Draft, Opened


def same(draft: Draft, opened: Opened) -> bool:
    """Whether value and content type are the same: JSON by what it means, however it is spelt."""
    if draft.content_type != opened.content_type:
        return False
    if draft.data == opened.data or draft.content_type != "application/json":
        return draft.data == opened.data
    return canonical(draft.data) == canonical(opened.data) != ""
