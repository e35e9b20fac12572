"""Predicts writes of keys with the plain model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put
from configsvc.model.envelope import peek
from tests.support.machines.asked import ActivateKey, ChangeKeys, DeleteKey, Destroy, OfKeys, PutKey
from tests.support.machines.sizes import outgrown
from tests.support.machines.worlds import Keyed, Move, No, Result, Said, Space, Value, committed

Row = tuple[str, str, int | None, int | None, int | None]


class Done(NamedTuple):
    """One operation: the key after it, and its row in the log."""

    key: str
    after: Keyed
    row: Row
    sealed_under: str | None = None


def of_keys(  # noqa: PLR0911  # one line for each kind of request
    space: Space, what: OfKeys, principal: str | None, *, admin: bool
) -> tuple[Space, Result]:
    match what:
        case Destroy():
            return _destroy(space, what, principal)
        case PutKey(ns, put):
            if again := _again(space, ns, put):
                return space, again
            return _one(space, what.ns, put, principal, 201, admin=admin)
        case ActivateKey(ns, activate):
            return _one(space, ns, activate, principal, 200, admin=admin)
        case DeleteKey(ns, delete):
            return _one(space, ns, delete, principal, 200, admin=admin)
        case ChangeKeys(ns, change_set):
            after, rows = _change(space, ns, change_set, principal, admin=admin)
            if isinstance(rows, No):
                return space, rows
            results = [{"key": key, "op": op, "version": version, "active": now} for key, op, version, _, now in rows]
            body = {"namespace": ns, "revision": after.revision, "results": results}
            return after, Said(200, body, f'"{after.revision}"')


def _one(  # everything in an answer
    space: Space, ns: str, operation: Operation, principal: str | None, status: int, *, admin: bool
) -> tuple[Space, Result]:
    after, rows = _change(space, ns, ChangeSet((operation,)), principal, admin=admin)
    if isinstance(rows, No):
        return space, rows
    ((key, _, version, _, now),) = rows
    return after, _answer(status, ns, key, version, after.revision, now)


def _answer(status: int, ns: str, key: str, version: int | None, revision: int, active: int | None) -> Said:  # noqa: PLR0917  # the members of the body
    body = {"namespace": ns, "key": key, "version": version, "revision": revision, "active": active}
    return Said(status, body, f'"{revision}"')


def _again(space: Space, ns: str, put: Put) -> Said | None:
    """Returns the answer if the identical envelope is the latest version already."""
    known = space.keys.get(put.key)
    if put.form != "envelope" or known is None or known.latest != peek(put.value).version:
        return None
    latest = known.versions.get(known.latest)
    if latest is None or latest.text != put.value:
        return None
    return _answer(200, ns, put.key, known.latest, latest.at, known.active)


def _change(
    space: Space, ns: str, change_set: ChangeSet, principal: str | None, *, admin: bool
) -> tuple[Space, list[Row] | No]:
    if space.settings.read_only:
        return space, No("conflict")
    if change_set.if_match is not None and change_set.if_match != space.revision:
        return space, No("precondition_failed")
    guarded = change_set.if_match is not None
    steps = [_operation(space, ns, each, principal, guarded=guarded, admin=admin) for each in change_set.operations]
    if refusals := [step for step in steps if isinstance(step, No)]:
        return space, refusals[0]
    done = [step for step in steps if not isinstance(step, No)]
    seen = any(row[3] != row[4] for _, _, row, _ in done)
    move = Move("change", principal, keys=tuple(each.row for each in done), seen=seen)
    after = committed(space, move, lambda before, _: _moved(before, done))
    if outgrown(ns, space, after):
        return space, No("too_large")
    return after, [each.row for each in done]


def _moved(space: Space, done: Sequence[Done]) -> Space:
    data_keys = dict(space.data_keys)
    for each in done:
        if each.sealed_under:
            used = data_keys[each.sealed_under]
            data_keys[each.sealed_under] = used._replace(seals=used.seals + 1)
    return replace(space, keys={**space.keys, **{each.key: each.after for each in done}}, data_keys=data_keys)


def _operation(  # noqa: PLR0911  # one line for each refusal
    space: Space, ns: str, operation: Operation, principal: str | None, *, guarded: bool, admin: bool
) -> Done | No:
    known = space.keys.get(operation.key)
    create_only = isinstance(operation, Put) and operation.create_only
    if space.settings.require_preconditions and not (guarded or create_only or operation.if_match is not None):
        return No("precondition_required")
    if operation.if_match is not None and operation.if_match != (known.touched if known else None):
        return No("precondition_failed")
    if create_only and known and known.active:
        return No("precondition_failed")
    match operation:
        case Put():
            return _put(space, ns, operation, known, principal, admin=admin)
        case Activate(key, version):
            return _activate(space, key, version, known)
        case Delete(key):
            if known is None or not known.active:
                return No("not_found")
            after = known._replace(active=None, touched=space.revision + 1, deleted=True)
            return Done(key, after, (key, "delete", None, known.active, None))


def _put(  # one line for each refusal; everything a put depends on
    space: Space, ns: str, put: Put, known: Keyed | None, principal: str | None, *, admin: bool
) -> Done | No:
    version = max(known.latest if known else 0, space.floor) + 1
    if put.form not in (space.settings.forms or ()):
        return No("unprocessable")
    if put.form == "plain" and known and known.sealed and not (put.declassify and admin):
        return No("forbidden" if put.declassify else "unprocessable")
    kid = None
    if put.form == "envelope":
        header = peek(put.value)
        kid = header.kid
        if (header.namespace, header.key, header.content_type) != (ns, put.key, put.content_type):
            return No("invalid_envelope")
        if kid not in space.data_keys or not space.data_keys[kid].live:
            return No("invalid_envelope")
        if header.version != version:
            return No("version_claimed")
    revision = space.revision + 1
    value = Value(put.form, put.content_type, put.value, kid, revision, principal)
    was = known.active if known else None
    now = version if put.activate else was
    versions = {**(known.versions if known else {}), version: value}
    after = Keyed(versions, version, now, revision, put.rotate_by, put.form)
    return Done(put.key, after, (put.key, "put", version, was, now), kid)


def _activate(space: Space, key: str, version: int, known: Keyed | None) -> Done | No:
    if known is None or version not in known.versions:
        return No("not_found")
    chosen = known.versions[version]
    if chosen.destroyed:
        return No("gone")
    if chosen.kid and not space.data_keys[chosen.kid].live:
        return No("conflict")
    after = known._replace(active=version, touched=space.revision + 1, deleted=False)
    return Done(key, after, (key, "activate", version, known.active, version))


def _destroy(space: Space, what: Destroy, principal: str | None) -> tuple[Space, Result]:
    known = space.keys.get(what.key)
    if known is None or what.version not in known.versions:
        return space, No("not_found")
    chosen = known.versions[what.version]
    body = {"namespace": what.ns, "key": what.key, "version": what.version}
    if chosen.destroyed:
        return space, Said(200, {**body, "revision": chosen.at}, f'"{chosen.at}"')
    if known.active == what.version or space.settings.read_only:
        return space, No("conflict")

    def gone(before: Space, revision: int) -> Space:
        destroyed = chosen._replace(text="", at=revision, destroyed=True)
        after = known._replace(versions={**known.versions, what.version: destroyed})
        return replace(before, keys={**before.keys, what.key: after})

    after = committed(space, Move("destroy", principal, subject=what.key), gone)
    return after, Said(200, {**body, "revision": after.revision}, f'"{after.revision}"')
