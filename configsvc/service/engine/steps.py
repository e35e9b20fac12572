"""Decides one operation of a change set: the key before and after it, and the version written or activated."""

from __future__ import annotations

from typing import Literal, NamedTuple

from configsvc.model.change_set import Activate, Delete, Operation, Put
from configsvc.model.envelope import Header
from configsvc.model.errors import (
    Conflict,
    Gone,
    InvalidEnvelope,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Unprocessable,
    VersionClaimed,
)
from configsvc.model.names import Kid
from configsvc.model.snapshot import Entry
from configsvc.service.engine import access, key_state, preconditions, records
from configsvc.service.engine.access import FoundRecords, find_record
from configsvc.service.engine.checks import check_value
from configsvc.service.engine.key_state import KnownKey
from configsvc.service.engine.ports import LostRace, Remove, StampCheck, Write, WriteAction
from configsvc.service.engine.records import Head, KeyState, LoggedChange, StoredSettings, StoredVersion
from configsvc.service.engine.tally import KidsOfMove, find_kid
from configsvc.service.engine.writing import Situation


class ChangeBase(NamedTuple):
    """The records and the situation that every operation of one change set depends on."""

    found: FoundRecords
    head: Head
    settings: StoredSettings
    situation: Situation

    @property
    def revision(self) -> int:
        """The revision that the change set gets."""
        return self.head.revision + 1

    def compute_next_version(self, before: KeyState | None) -> int:
        """Returns the number of the next version of a key."""
        return compute_next_version(before, self.head)


class DecidedStep(NamedTuple):
    """A decided operation. `known` is the key as it was read, `written` a new version, `chosen` one that was read."""

    known: KnownKey
    after: KeyState
    change: LoggedChange
    kids: KidsOfMove
    written: StoredVersion | None = None
    chosen: StoredVersion | None = None

    @property
    def before(self) -> KeyState | None:
        """The state of the key before the operation."""
        return self.known.state

    def list_actions(self) -> list[WriteAction]:
        """Returns its part of the transaction: the key by its revision, and its version absent or as it was read."""
        actions = self._move()
        if self.written:
            actions.append(Write(self.written, None))
        if self.chosen:
            actions.append(StampCheck(records.address_of(self.chosen), self.chosen.revision))
        return actions

    def list_standing(self) -> list[StampCheck]:
        """Returns the checks of records that cannot change without moving HEAD's revision."""
        return [each for each in self.known.conditions if each.address != records.address_of(self.after)]

    def _move(self) -> list[WriteAction]:
        """Returns the writes of the key: of its `K#` and, if that goes or never was, of its `U#`."""
        served, as_unserved = self.known.served, self.known.as_unserved
        if self.after.entry:
            return [Write(self.after, served.revision if served else None)]
        gone = [Remove(records.address_of(served), served.revision)] if served else []
        return [*gone, Write(self.after, as_unserved.expected)]


def compute_next_version(before: KeyState | None, head: Head) -> int:
    """Returns the number of the next version, above all numbers given out, even before a restore."""
    return max(before.latest if before else 0, head.floor) + 1


def decide_operation(base: ChangeBase, operation: Operation, *, guarded: bool) -> DecidedStep:
    """Decides one operation; `guarded` means that the change set as a whole has a precondition.

    Raises:
        PreconditionFailed, PreconditionRequired, VersionClaimed, InvalidEnvelope, InvalidValue, Unprocessable,
        Forbidden, NotFound, Gone.
    """
    known = key_state.find_key(base.found, base.head.namespace, operation.key)
    _check_precondition(base, operation, known.state, guarded=guarded)
    match operation:
        case Put():
            return _decide_put(base, operation, known)
        case Activate():
            return _decide_activate(base, operation, known)
        case Delete():
            return _decide_delete(base, operation, known)


def _check_precondition(base: ChangeBase, operation: Operation, before: KeyState | None, *, guarded: bool) -> None:
    create_only = isinstance(operation, Put) and operation.create_only
    if base.settings.require_preconditions and not (guarded or create_only or operation.if_match is not None):
        raise PreconditionRequired(
            f"This namespace requires a precondition: {_describe_precondition(operation)}.", key=operation.key
        )
    revision = before.revision if before else None
    if operation.if_match is not None and operation.if_match != revision:
        raise _build_failed_precondition(
            base, operation, before, f"{operation.key} is not at that revision. Read it again."
        )
    if create_only and before and before.entry:
        raise _build_failed_precondition(
            base, operation, before, "The key has an active version. To put the next version, omit If-None-Match "
            "(in a change set create_only).",
        )  # fmt: skip


def _build_failed_precondition(
    base: ChangeBase, operation: Operation, before: KeyState | None, detail: str
) -> PreconditionFailed:
    namespace, held = base.head.namespace, base.situation.access
    return PreconditionFailed(detail, **preconditions.describe_change(operation.key, before, held, namespace))


def _describe_precondition(operation: Operation) -> str:
    """Names the preconditions of an operation: headers for a single request, members in a change set."""
    if isinstance(operation, Put):
        return "If-Match or If-None-Match: * (in a change set if_match or create_only)"
    return "If-Match (in a change set if_match)"


def _decide_put(base: ChangeBase, put: Put, known: KnownKey) -> DecidedStep:
    before = known.state
    version = base.compute_next_version(before)
    _check_form(base, put, before)
    kid = _check_envelope(base, put, version) if put.form == "envelope" else None
    check_value(base.situation.schemas, base.settings.schemas, put)
    entry = Entry(put.key, version, put.form, put.content_type, put.value)
    situation = base.situation
    written = StoredVersion(
        base.head.namespace, base.revision, entry, situation.now.text, situation.caller.principal or ""
    )
    served = before.entry if before else None
    active = entry if put.activate else served
    after = KeyState(base.head.namespace, put.key, base.revision, version, put.form, active, put.rotate_by)
    was = find_kid(served)
    kids = KidsOfMove(was, kid if put.activate else was, kid)
    return DecidedStep(known, after, _describe_change(put, version, before, after), kids, written=written)


def _check_form(base: ChangeBase, put: Put, before: KeyState | None) -> None:
    if put.form not in base.settings.forms:
        allowed = ", ".join(base.settings.forms)
        raise Unprocessable(f"This namespace accepts {allowed}, not {put.form}.", key=put.key)
    if put.form != "plain" or before is None or before.latest_form == "plain":
        return
    if not put.declassify:
        raise Unprocessable(
            'The latest version is sealed. A plain value needs "declassify": true and the admin action.', key=put.key
        )
    if not base.situation.access.may("admin", base.head.namespace):
        error = access.refuse_action(
            base.situation.access, "admin", base.head.namespace, "A plain value would replace a sealed one."
        )
        error.members["key"] = put.key
        raise error


def _check_envelope(base: ChangeBase, put: Put, version: int) -> Kid:
    header = _require_header(put)
    if (header.namespace, header.key) != (base.head.namespace, put.key):
        raise InvalidEnvelope("The envelope was sealed for another key or namespace. Seal it again.", key=put.key)
    if header.content_type != put.content_type:
        raise InvalidEnvelope("The envelope was sealed with another content type. Seal it again.", key=put.key)
    if header.kid not in base.head.kids:
        raise InvalidEnvelope(
            "The envelope's data key is not live in this namespace. Seal the value under a live one.",
            key=put.key, kid=header.kid,
        )  # fmt: skip
    if header.version != version:
        raise VersionClaimed(
            f"The envelope is for version {header.version}, but the next is {version}. Seal it for version {version}.",
            key=put.key, next_version=version,
        )  # fmt: skip
    return header.kid


def _require_header(put: Put) -> Header:
    """Returns the header of an envelope. A change set that was not checked has none, and nothing is decided on it."""
    if put.header is None:
        raise TypeError("the change set was not checked")
    return put.header


def _decide_activate(base: ChangeBase, activate: Activate, known: KnownKey) -> DecidedStep:
    before = known.state
    chosen = find_record(
        base.found, records.version(base.head.namespace, activate.key, activate.version), StoredVersion
    )
    if before is None or chosen is None:
        raise NotFound("The key has no such version.", key=activate.key, version=activate.version)
    if chosen.destroyed:
        raise Gone("The value of that version was destroyed.", key=activate.key, version=activate.version)
    kids = KidsOfMove(find_kid(before.entry), _require_live_kid(base.head, chosen))
    after = before._replace(revision=base.revision, entry=chosen.entry, deleted_at=None)
    return DecidedStep(known, after, _describe_change(activate, activate.version, before, after), kids, chosen=chosen)


def _require_live_kid(head: Head, chosen: StoredVersion) -> Kid | None:
    """Returns the data key of a version.

    HEAD counts every live data key, but the version and its data key may be younger than the HEAD that was read.

    Raises:
        Conflict: the data key is retired.
        LostRace: HEAD was read before the version was written.
    """
    kid = find_kid(chosen.entry)
    if kid is None or kid in head.kids:
        return kid
    if chosen.revision > head.revision:
        raise LostRace([records.head(head.namespace), records.address_of(chosen)])
    raise Conflict(
        "That version's data key is retired. Seal the value again under a live one.",
        key=chosen.entry.key, version=chosen.entry.version, kid=kid,
    )  # fmt: skip


def _decide_delete(base: ChangeBase, delete: Delete, known: KnownKey) -> DecidedStep:
    if known.served is None:
        raise NotFound("Nothing is served under that key.", key=delete.key)
    after = known.served._replace(revision=base.revision, entry=None, deleted_at=base.situation.now.text)
    kids = KidsOfMove(find_kid(known.served.entry))
    return DecidedStep(known, after, _describe_change(delete, None, known.served, after), kids)


def _describe_change(
    operation: Operation, version: int | None, before: KeyState | None, after: KeyState
) -> LoggedChange:
    return LoggedChange(
        operation.key, name_operation(operation), version, before.active if before else None, after.active
    )


def name_operation(operation: Operation) -> Literal["put", "activate", "delete"]:
    """Returns the name of the operation in requests and in the log."""
    match operation:
        case Put():
            return "put"
        case Activate():
            return "activate"
        case Delete():
            return "delete"
