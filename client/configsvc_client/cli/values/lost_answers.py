"""A write whose answer was lost, and that a person sends again: its precondition fails, for it was done before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, PreconditionFailed

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, KeyInfo


WriteDone = TypeVar("WriteDone")


def accept_earlier(
    admin: Admin, write: Callable[[], WriteDone], before: Callable[[PreconditionFailed], WriteDone | None]
) -> WriteDone:
    """What the write gives, or what it gave before, if this caller did the very same.

    Args:
        admin: asks who the caller is, once the service has named who made the change.
        write: sends it.
        before: what the write came to, from what the refusal says of the key; None if the key is not as it leaves it.

    Raises:
        PreconditionFailed: somebody else changed the key, or this caller changed it otherwise.
    """
    try:
        return write()
    except PreconditionFailed as error:
        done = before(error) if _is_own(admin, error) else None
        if done is None:
            raise
        return done


def get_refused_revision(error: PreconditionFailed) -> int | None:
    """The revision that the refusal says the key has."""
    found = error.members.get("revision")
    return found if isinstance(found, int) else None


def find_key_at(admin: Admin, namespace: Namespace, key: str, error: PreconditionFailed) -> KeyInfo | None:
    """The key, if it still is at the revision that the refusal says, and this caller may read it."""
    try:
        info = admin.values.find_keys(namespace, [key]).get(names.parse_key(key))
    except ConfigsvcError:
        return None
    return info if info and info.revision == get_refused_revision(error) else None


def _is_own(admin: Admin, error: PreconditionFailed) -> bool:
    changed_by = error.members.get("changed_by")
    try:
        return changed_by is not None and admin.access.whoami()["iam"]["principal"] == changed_by  # type: ignore[index]  # off the wire
    except (ConfigsvcError, KeyError, TypeError):
        return False
