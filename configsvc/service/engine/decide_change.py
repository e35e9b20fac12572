"""Decides a change set. Pure: from the records read, the request, the caller, the time and a tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from configsvc.model import limits
from configsvc.model.change_set import Activate, ChangeSet, Operation, Put, count_stored_bytes
from configsvc.model.errors import ConfigsvcError, PreconditionFailed, TooLarge
from configsvc.model.names import Kid, Namespace
from configsvc.service.engine import key_state, records, steps, writing
from configsvc.service.engine.access import FoundRecords, find_live_head, find_record
from configsvc.service.engine.checks import check_work
from configsvc.service.engine.key_state import build_read_only_refusal
from configsvc.service.engine.ports import LostRace, StampCheck, Write, WriteAction, WriteOutcome
from configsvc.service.engine.records import (
    DataKeyRecord,
    Head,
    LoggedChange,
    RecordAddress,
    StoredSettings,
    StoredVersion,
    address_of,
)
from configsvc.service.engine.steps import ChangeBase, DecidedStep
from configsvc.service.engine.tally import CountedMove, check_size, count_writes
from configsvc.service.engine.writing import LogNote, Plan, Situation, refuse_plan


def list_change_addresses(namespace: Namespace, change_set: ChangeSet) -> tuple[RecordAddress, ...]:
    """Returns all addresses that the decision reads, at most 133: one BatchGetItem, or two for a large change set.

    Raises:
        TooLarge: it has more data keys than one transaction can check.
    """
    kids = _list_kids(change_set)
    if len(kids) > limits.CHANGE_SET_KIDS:
        raise TooLarge(
            f"A change set can use at most {limits.CHANGE_SET_KIDS} data keys. Split it.", limit=limits.CHANGE_SET_KIDS
        )
    keys = [at for operation in change_set.operations for at in key_state.list_key_addresses(namespace, operation.key)]
    versions = [
        records.version(namespace, operation.key, number)
        for operation in change_set.operations
        if (number := _get_version(operation)) is not None
    ]
    data_keys = [records.data_key(namespace, kid) for kid in kids]
    return (records.head(namespace), records.settings(namespace), *keys, *versions, *data_keys)


OperationFailure = tuple[Operation, ConfigsvcError]

AnswerBuilder = Callable[[Namespace, int, Sequence[LoggedChange]], WriteOutcome]


def decide_change_set(
    namespace: Namespace, change_set: ChangeSet, answer: AnswerBuilder, found: FoundRecords, situation: Situation
) -> Plan:
    """Decides the actions; `answer` makes the outcome from the new revision and its changes.

    Raises:
        ConfigsvcError: the change set or one of its operations is refused.
        LostRace: the records that were read do not fit together.
    """
    base = ChangeBase(found, *_require_namespace(namespace, found), situation)
    _check_namespace(base, change_set)
    check_work(situation.schemas, base.settings.schemas, change_set.operations)
    decided, failed = _decide_operations(base, change_set)
    if failed:
        return _refuse(base, change_set, failed)
    _check_bytes(decided)
    head = count_writes(base.head, [_count_move(step) for step in decided], situation.tag)
    done = LogNote("change", message=change_set.message, changes=tuple(step.change for step in decided))
    log = writing.make_log_record(namespace, head.revision, head.served, done, situation)
    actions = [
        Write(head, base.head.revision), *_build_conditions(base, change_set),
        *(action for step in decided for action in step.list_actions()),
    ]  # fmt: skip
    outcome = answer(namespace, head.revision, done.changes)
    standing = tuple(check for step in decided for check in step.list_standing())
    plan = Plan(head.revision, (*actions, log), outcome, standing=standing)
    refusal = check_size(base.head, head, base.settings.snapshot_bytes, situation.charset) or _check_transaction(
        decided
    )
    return refuse_plan(plan, refusal) if refusal else plan


def _require_namespace(namespace: Namespace, found: FoundRecords) -> tuple[Head, StoredSettings]:
    head, settings = find_live_head(found, namespace), find_record(found, records.settings(namespace), StoredSettings)
    if head is None or settings is None:
        raise LostRace([records.head(namespace), records.settings(namespace)])
    return head, settings


def _check_namespace(base: ChangeBase, change_set: ChangeSet) -> None:
    if base.settings.read_only:
        raise build_read_only_refusal(base.head.namespace)
    if change_set.if_match is not None and change_set.if_match != base.head.revision:
        raise PreconditionFailed("The namespace is not at that revision. Read it again.", revision=base.head.revision)


def _decide_operations(base: ChangeBase, change_set: ChangeSet) -> tuple[list[DecidedStep], list[OperationFailure]]:
    decided, failed = list[DecidedStep](), list[OperationFailure]()
    for operation in change_set.operations:
        try:
            decided.append(steps.decide_operation(base, operation, guarded=change_set.if_match is not None))
        except ConfigsvcError as error:
            failed.append((operation, error))
    return decided, failed


def _refuse(base: ChangeBase, change_set: ChangeSet, failed: Sequence[OperationFailure]) -> Plan:
    """Returns the plan of a refusal. If it depends on an unserved key, the plan first proves the state of that key."""
    error = _get_first_failure(failed, len(change_set.operations))
    shown = [check for operation, _ in failed for check in _confirm_served(base, operation)]
    as_read = StampCheck(address_of(base.head), base.head.revision)
    return Plan(base.head.revision, (as_read, *shown), WriteOutcome(error.status, {}), error)


def _confirm_served(base: ChangeBase, operation: Operation) -> list[StampCheck]:
    """Returns checks that the key was unserved, and that the requested version existed, or did not, as it was read."""
    namespace, number = base.head.namespace, _get_version(operation)
    conditions: list[StampCheck] = [*key_state.find_key(base.found, namespace, operation.key).conditions]
    if conditions and number is not None:
        at = records.version(namespace, operation.key, number)
        version = find_record(base.found, at, StoredVersion)
        conditions.append(StampCheck(at, version.revision if version else None))
    return conditions


def _get_first_failure(failed: Sequence[OperationFailure], operations: int) -> ConfigsvcError:
    """Returns the first failure; for several operations it also lists every one that failed."""
    error = failed[0][1]
    if operations > 1:
        named: list[dict[str, object]] = [
            {**each.members, "key": operation.key, "code": each.code, "detail": each.detail}
            for operation, each in failed
        ]
        error.members["failed"] = named
    return error


def _check_bytes(decided: Sequence[DecidedStep]) -> None:
    stored = [version.entry for step in decided if (version := step.written or step.chosen)]
    size = sum(count_stored_bytes(entry.value) for entry in stored)
    if size > limits.CHANGE_SET_BYTES:
        raise TooLarge(
            f"A change set takes at most {limits.CHANGE_SET_BYTES} bytes of stored values, and this one has {size}. "
            "Split it.", limit=limits.CHANGE_SET_BYTES, size=size,
        )  # fmt: skip


def _check_transaction(decided: Sequence[DecidedStep]) -> TooLarge | None:
    """Checks the size of a transaction, which includes values that the request does not carry.

    A staged put writes the served entry of its key once more, and a deletion removes it.
    """
    versions = [version.entry for step in decided if (version := step.written or step.chosen)]
    moved = [step.after.entry or (step.before and step.before.entry) for step in decided]
    served = [entry for entry in moved if entry]
    size = sum(count_stored_bytes(entry.value) for entry in (*versions, *served))
    if size <= limits.TRANSACTION_VALUES:
        return None
    return TooLarge(
        f"With the values that its keys serve now, this change set has {size} bytes of values; a transaction takes "
        f"at most {limits.TRANSACTION_VALUES}. Split it.",
        limit=limits.TRANSACTION_VALUES, size=size,
    )  # fmt: skip


def _build_conditions(base: ChangeBase, change_set: ChangeSet) -> list[WriteAction]:
    conditions: list[WriteAction] = [StampCheck(address_of(base.settings), base.settings.revision)]
    for kid in _list_kids(change_set):
        at = records.data_key(base.head.namespace, kid)
        data_key = find_record(base.found, at, DataKeyRecord)
        if data_key is None:
            raise LostRace([at])
        conditions.append(StampCheck(at, data_key.revision))
    return conditions


def _count_move(step: DecidedStep) -> CountedMove:
    return CountedMove(step.before, step.after, step.kids)


def _get_version(operation: Operation) -> int | None:
    """Returns the version that the request names and that is read: that of an envelope, or the one to activate."""
    if isinstance(operation, Put) and operation.header:
        return operation.header.version
    return operation.version if isinstance(operation, Activate) else None


def _list_kids(change_set: ChangeSet) -> list[Kid]:
    puts = [each for each in change_set.operations if isinstance(each, Put)]
    return list(dict.fromkeys(put.header.kid for put in puts if put.header))
