"""A repeated write whose first answer was lost: its precondition fails because the first attempt was stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, PreconditionFailed

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, KeyInfo


WriteDone = TypeVar("WriteDone")


def accept_repeated(
    admin: Admin, write: Callable[[], WriteDone], before: Callable[[PreconditionFailed], WriteDone | None]
) -> WriteDone:
    """The result of the write, or of an identical earlier write by the same caller.

    Args:
        admin: looks up who the caller is, if the service names who made the change.
        write: sends the write.
        before: rebuilds the earlier result from the refusal; None if the key is not as the write leaves it.

    Raises:
        PreconditionFailed: somebody else changed the key, or this caller changed it differently.
    """
    try:
        return write()
    except PreconditionFailed as error:
        done = before(error) if _is_own(admin, error) else None
        if done is None:
            raise
        return done


def get_refused_revision(error: PreconditionFailed) -> int | None:
    """The key's revision, as the refusal names it."""
    found = error.members.get("revision")
    return found if isinstance(found, int) else None


def find_key_at(admin: Admin, namespace: Namespace, key: str, error: PreconditionFailed) -> KeyInfo | None:
    """The key, if it is still at the revision that the refusal names, and this caller may read it."""
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
