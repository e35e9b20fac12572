"""Predicts writes of keys with the plain model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put
from configsvc.model.envelope import peek
from tests.support.machines.sizes import exceeds_limit
from tests.support.machines.worlds import Answer, ModelKey, ModelVersion, Move, Outcome, Refusal, Space, commit_move
from tests.support.machines.write_requests import ActivateKey, ChangeKeys, DeleteKey, Destroy, KeyWrite, PutKey

LogRow = tuple[str, str, int | None, int | None, int | None]


class DoneOperation(NamedTuple):
    """One operation: the key after it, and its row in the log."""

    key: str
    after: ModelKey
    row: LogRow
    sealed_under: str | None = None


def predict_key_write(  # noqa: PLR0911  # one line for each kind of request
    space: Space, what: KeyWrite, principal: str | None, *, admin: bool
) -> tuple[Space, Outcome]:
    match what:
        case Destroy():
            return _predict_destroy(space, what, principal)
        case PutKey(ns, put):
            if again := _answer_repeated(space, ns, put):
                return space, again
            return _predict_one(space, what.ns, put, principal, 201, admin=admin)
        case ActivateKey(ns, activate):
            return _predict_one(space, ns, activate, principal, 200, admin=admin)
        case DeleteKey(ns, delete):
            return _predict_one(space, ns, delete, principal, 200, admin=admin)
        case ChangeKeys(ns, change_set):
            after, rows = _predict_change(space, ns, change_set, principal, admin=admin)
            if isinstance(rows, Refusal):
                return space, rows
            results = [{"key": key, "op": op, "version": version, "active": now} for key, op, version, _, now in rows]
            body = {"namespace": ns, "revision": after.revision, "results": results}
            return after, Answer(200, body, f'"{after.revision}"')


def _predict_one(  # everything in an answer
    space: Space, ns: str, operation: Operation, principal: str | None, status: int, *, admin: bool
) -> tuple[Space, Outcome]:
    after, rows = _predict_change(space, ns, ChangeSet((operation,)), principal, admin=admin)
    if isinstance(rows, Refusal):
        return space, rows
    ((key, _, version, _, now),) = rows
    return after, _answer(status, ns, key, version, after.revision, now)


def _answer(status: int, ns: str, key: str, version: int | None, revision: int, active: int | None) -> Answer:  # noqa: PLR0917  # the members of the body
    body = {"namespace": ns, "key": key, "version": version, "revision": revision, "active": active}
    return Answer(status, body, f'"{revision}"')


def _answer_repeated(space: Space, ns: str, put: Put) -> Answer | None:
    """Returns the answer if the identical envelope is the latest version already."""
    known = space.keys.get(put.key)
    if put.form != "envelope" or known is None or known.latest != peek(put.value).version:
        return None
    latest = known.versions.get(known.latest)
    if latest is None or latest.text != put.value:
        return None
    return _answer(200, ns, put.key, known.latest, latest.at, known.active)


def _predict_change(
    space: Space, ns: str, change_set: ChangeSet, principal: str | None, *, admin: bool
) -> tuple[Space, list[LogRow] | Refusal]:
    if space.settings.read_only:
        return space, Refusal("conflict")
    if change_set.if_match is not None and change_set.if_match != space.revision:
        return space, Refusal("precondition_failed")
    guarded = change_set.if_match is not None
    steps = [
        _predict_operation(space, ns, each, principal, guarded=guarded, admin=admin) for each in change_set.operations
    ]
    if refusals := [step for step in steps if isinstance(step, Refusal)]:
        return space, refusals[0]
    done = [step for step in steps if not isinstance(step, Refusal)]
    seen = any(row[3] != row[4] for _, _, row, _ in done)
    move = Move("change", principal, keys=tuple(each.row for each in done), seen=seen)
    after = commit_move(space, move, lambda before, _: _apply_steps(before, done))
    if exceeds_limit(ns, space, after):
        return space, Refusal("too_large")
    return after, [each.row for each in done]


def _apply_steps(space: Space, done: Sequence[DoneOperation]) -> Space:
    data_keys = dict(space.data_keys)
    for each in done:
        if each.sealed_under:
            used = data_keys[each.sealed_under]
            data_keys[each.sealed_under] = used._replace(seals=used.seals + 1)
    return replace(space, keys={**space.keys, **{each.key: each.after for each in done}}, data_keys=data_keys)


def _predict_operation(  # noqa: PLR0911  # one line for each refusal
    space: Space, ns: str, operation: Operation, principal: str | None, *, guarded: bool, admin: bool
) -> DoneOperation | Refusal:
    known = space.keys.get(operation.key)
    create_only = isinstance(operation, Put) and operation.create_only
    if space.settings.require_preconditions and not (guarded or create_only or operation.if_match is not None):
        return Refusal("precondition_required")
    if operation.if_match is not None and operation.if_match != (known.touched if known else None):
        return Refusal("precondition_failed")
    if create_only and known and known.active:
        return Refusal("precondition_failed")
    match operation:
        case Put():
            return _predict_put(space, ns, operation, known, principal, admin=admin)
        case Activate(key, version):
            return _predict_activate(space, key, version, known)
        case Delete(key):
            if known is None or not known.active:
                return Refusal("not_found")
            after = known._replace(active=None, touched=space.revision + 1, deleted=True)
            return DoneOperation(key, after, (key, "delete", None, known.active, None))


def _predict_put(  # one line for each refusal; everything a put depends on
    space: Space, ns: str, put: Put, known: ModelKey | None, principal: str | None, *, admin: bool
) -> DoneOperation | Refusal:
    version = max(known.latest if known else 0, space.floor) + 1
    if put.form not in (space.settings.forms or ()):
        return Refusal("unprocessable")
    if put.form == "plain" and known and known.sealed and not (put.declassify and admin):
        return Refusal("forbidden" if put.declassify else "unprocessable")
    kid = None
    if put.form == "envelope":
        header = peek(put.value)
        kid = header.kid
        if (header.namespace, header.key, header.content_type) != (ns, put.key, put.content_type):
            return Refusal("invalid_envelope")
        if kid not in space.data_keys or not space.data_keys[kid].live:
            return Refusal("invalid_envelope")
        if header.version != version:
            return Refusal("version_claimed")
    revision = space.revision + 1
    value = ModelVersion(put.form, put.content_type, put.value, kid, revision, principal)
    was = known.active if known else None
    now = version if put.activate else was
    versions = {**(known.versions if known else {}), version: value}
    after = ModelKey(versions, version, now, revision, put.rotate_by, put.form)
    return DoneOperation(put.key, after, (put.key, "put", version, was, now), kid)


def _predict_activate(space: Space, key: str, version: int, known: ModelKey | None) -> DoneOperation | Refusal:
    if known is None or version not in known.versions:
        return Refusal("not_found")
    chosen = known.versions[version]
    if chosen.destroyed:
        return Refusal("gone")
    if chosen.kid and not space.data_keys[chosen.kid].live:
        return Refusal("conflict")
    after = known._replace(active=version, touched=space.revision + 1, deleted=False)
    return DoneOperation(key, after, (key, "activate", version, known.active, version))


def _predict_destroy(space: Space, what: Destroy, principal: str | None) -> tuple[Space, Outcome]:
    known = space.keys.get(what.key)
    if known is None or what.version not in known.versions:
        return space, Refusal("not_found")
    chosen = known.versions[what.version]
    body = {"namespace": what.ns, "key": what.key, "version": what.version}
    if chosen.destroyed:
        return space, Answer(200, {**body, "revision": chosen.at}, f'"{chosen.at}"')
    if known.active == what.version or space.settings.read_only:
        return space, Refusal("conflict")

    def gone(before: Space, revision: int) -> Space:
        destroyed = chosen._replace(text="", at=revision, destroyed=True)
        after = known._replace(versions={**known.versions, what.version: destroyed})
        return replace(before, keys={**before.keys, what.key: after})

    after = commit_move(space, Move("destroy", principal, subject=what.key), gone)
    return after, Answer(200, {**body, "revision": after.revision}, f'"{after.revision}"')
