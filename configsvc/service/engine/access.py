"""Decides who may do what: deny by default. An absent namespace looks the same as one the caller may not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from configsvc.model.errors import ConfigsvcError, Forbidden, Hidden, NotFound
from configsvc.model.grants import Action, Grant, Principal, allows, allows_everywhere, is_administrator
from configsvc.model.names import Namespace
from configsvc.service.engine import records
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import Head, Record, RecordAddress, StoredGrants

FoundRecords = Mapping[RecordAddress, Record]

RecordKind = TypeVar("RecordKind", bound=Record)


def find_record(found: FoundRecords, address: RecordAddress, kind: type[RecordKind]) -> RecordKind | None:
    """Returns the record at that address, or None.

    Raises:
        TypeError: the record is of another kind, so the table is not ours.
    """
    record = found.get(address)
    if record is None or isinstance(record, kind):
        return record
    raise TypeError(f"{address.pk} {address.sk} holds no {kind.__name__}")


def find_live_head(found: FoundRecords, namespace: str) -> Head | None:
    """Returns HEAD of a live namespace. A deleted namespace keeps its HEAD, but is absent to everyone."""
    head = find_record(found, records.head(namespace), Head)
    return head if head and head.state == "live" else None


class CallerRights(NamedTuple):
    """The rights of a caller: grants of the API key and of the IAM principal, and whether CONFIGSVC_ADMINS lists it.

    `principal` is the IAM principal and `api_key` the API key's, for the text of a refusal.
    """

    reader: tuple[Grant, ...]
    writer: tuple[Grant, ...]
    administrator: bool
    principal: str | None = None
    api_key: str | None = None

    def may_read(self, namespace: Namespace) -> bool:
        """Whether the API key may read the namespace; reads are judged by the API key."""
        return allows(self.reader, "read", namespace)

    def may(self, action: Action, namespace: Namespace) -> bool:
        """Whether the IAM principal may take the action; everything but reads is judged by it."""
        return allows(self.writer, action, namespace) or (action == "admin" and self.administrator)

    def may_know(self, namespace: Namespace) -> bool:
        """Whether a refusal may reveal that the namespace exists."""
        return self.may_read(namespace) or allows(self.writer, "read", namespace)

    def may_everywhere(self) -> bool:
        """Whether the caller may view and set grants."""
        return self.administrator or allows_everywhere(self.writer, "admin")


def read_with_rights(
    ports: ServicePorts, caller: Caller, addresses: Iterable[RecordAddress], *, writes: bool
) -> tuple[CallerRights, FoundRecords]:
    """Reads the records and, in the same read, the grants that are not cached."""
    reader, writer = caller.api_key, caller.principal if writes else None
    readers, writers = _get_cached_grants(ports, reader), _get_cached_grants(ports, writer)
    wanted = list(addresses)
    wanted += [
        records.address_of_granted(who)
        for who, grants in ((reader, readers), (writer, writers))
        if who and grants is None
    ]
    found = ports.repository.get(wanted) if wanted else {}
    return CallerRights(
        _load_grants(ports, reader or "", found) if readers is None else readers,
        _load_grants(ports, writer or "", found) if writers is None else writers,
        writer is not None and is_administrator(ports.admins, Principal(writer)),
        writer,
        reader,
    ), found


def _get_cached_grants(ports: ServicePorts, principal: str | None) -> tuple[Grant, ...] | None:
    """Returns grants that are known without a read; a missing principal has none."""
    return ports.grants.get(principal) if principal else ()


def _load_grants(ports: ServicePorts, principal: str, found: FoundRecords) -> tuple[Grant, ...]:
    granted = find_record(found, records.address_of_granted(principal), StoredGrants)
    grants = granted.grants if granted else ()
    ports.grants.put(principal, grants)
    return grants


def require_readable(access: CallerRights, found: FoundRecords, namespace: Namespace) -> Head:
    """Returns HEAD of a namespace that the caller may read.

    Raises:
        NotFound: it is absent, or the caller may not know of it.
    """
    if not access.may_read(namespace):
        raise _build_hidden_refusal(namespace, access.api_key)
    head = find_live_head(found, namespace)
    if head is None:
        raise build_absent_refusal(namespace, access.api_key)
    return head


def require(access: CallerRights, found: FoundRecords, namespace: Namespace, action: Action) -> None:
    """Checks that the namespace exists and that the caller may take the action in it.

    Raises:
        Forbidden, NotFound.
    """
    if not access.may(action, namespace):
        raise build_refusal(access, found, namespace, action)
    if find_live_head(found, namespace) is None:
        raise build_absent_refusal(namespace, access.api_key)


def build_refusal(access: CallerRights, found: FoundRecords, namespace: Namespace, action: Action) -> ConfigsvcError:
    """Returns the refusal that reveals no more than the caller may know."""
    if find_live_head(found, namespace) is not None and access.may_know(namespace):
        return refuse_action(access, action, namespace)
    return _build_hidden_refusal(namespace, access.api_key)


def refuse_action(access: CallerRights, action: Action, pattern: str, why: str = "") -> Forbidden:
    """Returns the refusal that names the action, the namespaces, the IAM principal and the command that grants it.

    Args:
        access: what the caller holds.
        action: what the principal lacks.
        pattern: a namespace, or `*`.
        why: a sentence to put first.
    """
    who = access.principal or "your IAM principal"
    named = "'*'" if pattern == "*" else pattern
    return Forbidden(
        f"{why} This needs the {action} action on {pattern}, and {who} does not have it. An administrator can grant "
        f"it: configsvc grant {access.principal or 'PRINCIPAL'} -a {action} -n {named}".lstrip(),
        action=action, namespace=pattern, principal=access.principal, lacks="iam",
    )  # fmt: skip


def require_everywhere(access: CallerRights) -> None:
    """Checks that the caller may view and set grants.

    Raises:
        Forbidden.
    """
    if not access.may_everywhere():
        raise refuse_action(access, "admin", "*", "Only an administrator of everything can view and change grants.")


def build_absent_refusal(namespace: Namespace, api_key: str | None = None) -> NotFound:
    """Returns the one answer for a namespace that is absent and for one that may not be read.

    Args:
        namespace: the namespace.
        api_key: the principal of the API key, if known, to name in the answer: a caller may hold several keys.
    """
    return NotFound(_describe_absence(namespace, api_key), namespace=namespace)


def _build_hidden_refusal(namespace: Namespace, api_key: str | None) -> Hidden:
    """Returns the same answer whether the namespace exists or not; only the log tells the two apart."""
    return Hidden(_describe_absence(namespace, api_key), namespace=namespace)


def _describe_absence(namespace: Namespace, api_key: str | None) -> str:
    who = api_key or "your API key"
    return (
        f"There is no namespace {namespace}, or {who} lacks the read action on it. If the namespace exists, an "
        f"administrator can grant access: configsvc grant {api_key or 'PRINCIPAL'} -a read -n {namespace}"
    )
