"""Who may what. Deny by default; a namespace that is absent and one that may not be read look the same.

Grants are the one thing a write is decided on without a condition: they are cached for up to 10 seconds, so a
revoked grant holds that much longer, in a write as in a read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, Forbidden, Hidden, NotFound
from configsvc.model.grants import Action, Grant, Principal, allows, allows_everywhere, is_administrator
from configsvc.model.names import Namespace
from configsvc.service import records
from configsvc.service.found import Found, live_head, one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Address, Granted, Head


class Access(NamedTuple):
    """What a caller holds: the grants of the API key, those of the IAM principal, and CONFIGSVC_ADMINS' word.

    `principal` is the IAM principal, for the text of a refusal.
    """

    reader: tuple[Grant, ...]
    writer: tuple[Grant, ...]
    administrator: bool
    principal: str | None = None

    def may_read(self, namespace: Namespace) -> bool:
        """Reads are judged by the API key."""
        return allows(self.reader, "read", namespace)

    def may(self, action: Action, namespace: Namespace) -> bool:
        """Everything else is judged by the IAM principal."""
        return allows(self.writer, action, namespace) or (action == "admin" and self.administrator)

    def may_know(self, namespace: Namespace) -> bool:
        """Whether a refusal may say that the namespace is there."""
        return self.may_read(namespace) or allows(self.writer, "read", namespace)

    def may_everywhere(self) -> bool:
        """Whether grants are the caller's to see and set."""
        return self.administrator or allows_everywhere(self.writer, "admin")


def look(ports: Ports, caller: Caller, addresses: Iterable[Address], *, writes: bool) -> tuple[Access, Found]:
    """One read: the records, and with them those grants that are not cached."""
    reader, writer = caller.api_key, caller.principal if writes else None
    readers, writers = _kept(ports, reader), _kept(ports, writer)
    wanted = list(addresses)
    wanted += [records.granted(who) for who, grants in ((reader, readers), (writer, writers)) if who and grants is None]
    found = ports.repository.get(wanted) if wanted else {}
    return Access(
        _read(ports, reader or "", found) if readers is None else readers,
        _read(ports, writer or "", found) if writers is None else writers,
        writer is not None and is_administrator(ports.admins, Principal(writer)),
        writer,
    ), found


def _kept(ports: Ports, principal: str | None) -> tuple[Grant, ...] | None:
    """Grants that are known without a read; nobody has none."""
    return ports.grants.get(principal) if principal else ()


def _read(ports: Ports, principal: str, found: Found) -> tuple[Grant, ...]:
    granted = one(found, records.granted(principal), Granted)
    grants = granted.grants if granted else ()
    ports.grants.put(principal, grants)
    return grants


def readable(access: Access, found: Found, namespace: Namespace) -> Head:
    """HEAD of a namespace that the caller may read.

    Raises:
        NotFound: it is absent, or not the caller's to know of.
    """
    if not access.may_read(namespace):
        raise _hidden(namespace)
    head = live_head(found, namespace)
    if head is None:
        raise absent(namespace)
    return head


def require(access: Access, found: Found, namespace: Namespace, action: Action) -> None:
    """Whether the caller may do that in a namespace that is there.

    Raises:
        Forbidden, NotFound.
    """
    if not access.may(action, namespace):
        raise refused(access, found, namespace, action)
    if live_head(found, namespace) is None:
        raise absent(namespace)


def refused(access: Access, found: Found, namespace: Namespace, action: Action) -> ConfigsvcError:
    """The refusal that tells no more than the caller may know."""
    if live_head(found, namespace) is not None and access.may_know(namespace):
        return lacking(access, action, namespace)
    return _hidden(namespace)


def lacking(access: Access, action: Action, pattern: str, why: str = "") -> Forbidden:
    """The refusal that names the action, the namespaces, the IAM principal without it, and the command that grants it.

    Args:
        access: what the caller holds.
        action: what the principal lacks.
        pattern: a namespace, or `*`.
        why: a sentence that comes first.
    """
    who = access.principal or "your IAM principal"
    named = "'*'" if pattern == "*" else pattern
    return Forbidden(
        f"{why} This needs the {action} action on {pattern}, and {who} does not have it. An administrator grants it: "
        f"configsvc grant {access.principal or 'PRINCIPAL'} -a {action} -n {named}".lstrip(),
        action=action, namespace=pattern, principal=access.principal, lacks="iam",
    )  # fmt: skip


def require_everywhere(access: Access) -> None:
    """Whether the caller may see and set grants.

    Raises:
        Forbidden.
    """
    if not access.may_everywhere():
        raise lacking(access, "admin", "*", "Only who administers every namespace sees and changes grants.")


def absent(namespace: Namespace) -> NotFound:
    """The one answer for what is absent and for what may not be read."""
    return NotFound(_absent(namespace), namespace=namespace)


def _hidden(namespace: Namespace) -> Hidden:
    """The same answer to who lacks the grant, whether it is there or not; the log tells them apart."""
    return Hidden(_absent(namespace), namespace=namespace)


def _absent(namespace: Namespace) -> str:
    return (
        f"There is no namespace {namespace}, or your API key lacks the read action on it. `configsvc whoami` shows the "
        f"key's principal; if the namespace exists, an administrator grants that: configsvc grant PRINCIPAL -a read "
        f"-n {namespace}"
    )
