"""Predicts writes of data keys, namespaces and grants with the plain model."""

from dataclasses import replace

from configsvc.model import limits
from configsvc.model.grants import Grant
from configsvc.model.snapshot import FORMS
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.namespaces import NamespaceWanted
from tests.support.machines.sizes import build_served, compute_cost, exceeds_limit
from tests.support.machines.worlds import Answer, ModelDataKey, Move, Outcome, Refusal, Space, World, commit_move
from tests.support.machines.write_requests import (
    AddDataKey,
    DataKeyWrite,
    DeleteGrants,
    DeleteNamespace,
    GrantsWrite,
    Lift,
    NamespaceWrite,
    RetireDataKey,
    RewrapDataKey,
    SetGrants,
    SetNamespace,
    make_data_key,
)
from tests.support.service.sealed import kid

DEFAULTS = NamespaceWanted("", FORMS, limits.SNAPSHOT_BYTES, False, False, RetentionSettings(), ())  # noqa: FBT003  # in order


def predict_data_keys(space: Space, what: DataKeyWrite, principal: str | None) -> tuple[Space, Outcome]:
    name = kid(what.number)
    known = space.data_keys.get(name)
    match what:
        case AddDataKey():
            return _add(space, what, known, principal)
        case RewrapDataKey():
            return _rewrap(space, what, known, principal)
        case RetireDataKey():
            return _retire(space, what, known, principal)


def _add(space: Space, what: AddDataKey, known: ModelDataKey | None, principal: str | None) -> tuple[Space, Outcome]:
    wanted = make_data_key(what.number, what.wrapping)
    body = {"namespace": what.ns, "kid": wanted.kid}
    if known:
        if not known.live or known.wrapped != wanted.wrapped:
            return space, Refusal("already_exists")
        return space, Answer(200, {**body, "revision": known.touched}, f'"{known.touched}"')
    if space.settings.read_only:
        return space, Refusal("conflict")

    def added(before: Space, revision: int) -> Space:
        new = ModelDataKey(wanted.wrapped, wanted.kms_key, revision, revision, live=True, seals=0)
        return replace(before, data_keys={**before.data_keys, wanted.kid: new})

    after = commit_move(space, Move("add_data_key", principal, wanted.kid), added)
    return after, Answer(201, {**body, "revision": after.revision}, f'"{after.revision}"')


def _rewrap(
    space: Space, what: RewrapDataKey, known: ModelDataKey | None, principal: str | None
) -> tuple[Space, Outcome]:
    wanted = make_data_key(what.number, what.wrapping)
    if known is None:
        return space, Refusal("not_found")
    if space.settings.read_only or not known.live:
        return space, Refusal("conflict")
    if known.wrapped == wanted.wrapped:
        return space, _answer_data_key(what.ns, wanted.kid, known)
    seen = wanted.kid in space.kids_served()

    def rewrapped(before: Space, revision: int) -> Space:
        new = known._replace(wrapped=wanted.wrapped, touched=revision)
        return replace(before, data_keys={**before.data_keys, wanted.kid: new})

    after = commit_move(space, Move("rewrap_data_key", principal, wanted.kid, seen=seen), rewrapped)
    if exceeds_limit(what.ns, space, after):
        return space, Refusal("too_large")
    return after, _answer_data_key(what.ns, wanted.kid, after.data_keys[wanted.kid])


def _retire(
    space: Space, what: RetireDataKey, known: ModelDataKey | None, principal: str | None
) -> tuple[Space, Outcome]:
    name = kid(what.number)
    if known is None:
        return space, Refusal("not_found")
    if not known.live:
        return space, _answer_data_key(what.ns, name, known)
    if space.settings.read_only or name in space.kids_served():
        return space, Refusal("conflict")

    def retired(before: Space, revision: int) -> Space:
        new = known._replace(live=False, touched=revision)
        return replace(before, data_keys={**before.data_keys, name: new})

    after = commit_move(space, Move("retire_data_key", principal, name), retired)
    return after, _answer_data_key(what.ns, name, after.data_keys[name])


def _answer_data_key(ns: str, name: str, known: ModelDataKey) -> Answer:
    state = "live" if known.live else "retired"
    return Answer(200, {"namespace": ns, "kid": name, "state": state, "revision": known.touched}, f'"{known.touched}"')


def predict_namespace(space: Space, what: NamespaceWrite, principal: str | None) -> tuple[Space, Outcome]:
    match what:
        case SetNamespace():
            return _set(space, what, principal)
        case DeleteNamespace(ns):
            if not space.live:
                return space, Refusal("not_found")
            if space.settings.read_only or space.active:
                return space, Refusal("conflict")
            after = commit_move(space, Move("delete_namespace", principal, seen=True), _mark_deleted)
            return after, Answer(200, {"namespace": ns, "revision": after.revision}, f'"{after.revision}"')
        case Lift():
            return _lift(space, what, principal)


def _mark_deleted(space: Space, _revision: int) -> Space:
    return replace(space, live=False)


def _set(space: Space, what: SetNamespace, principal: str | None) -> tuple[Space, Outcome]:
    old = space.settings if space.live else DEFAULTS
    asked = {name: value for name, value in what.wanted._asdict().items() if value is not None}
    settings = old._replace(**asked)
    if space.live and settings == old:
        return space, Answer(200, describe_space(what.ns, space), f'"{space.revision}"')
    verb = "set_namespace" if space.live else "create_namespace"
    after = commit_move(
        space,
        Move(verb, principal, seen=not space.live),
        lambda before, _: replace(before, live=True, settings=settings),
    )
    return after, Answer(200 if space.live else 201, describe_space(what.ns, after), f'"{after.revision}"')


def describe_space(ns: str, space: Space) -> dict[str, object]:
    settings = space.settings
    retention = settings.retention or RetentionSettings()
    return {
        "namespace": ns, "revision": space.revision, "served_revision": space.served, "floor": space.floor,
        "entries": len(space.active), "bytes": compute_cost(build_served(ns, space)), "charset": "utf8",
        "description": settings.description, "forms": list(settings.forms or ()),
        "snapshot_bytes": settings.snapshot_bytes,
        "require_preconditions": settings.require_preconditions, "read_only": settings.read_only,
        "retention": retention._asdict(), "schemas": [],
    }  # fmt: skip


def _lift(space: Space, what: Lift, principal: str | None) -> tuple[Space, Outcome]:
    lifted = space
    if space.revision < what.revision or space.floor < what.revision:
        move = Move("lift", principal, seen=True, to=max(space.revision, what.revision) + 1)
        lifted = commit_move(space, move, lambda before, _: replace(before, floor=max(before.floor, what.revision)))
    body = {
        "namespace": what.ns, "revision": lifted.revision, "served_revision": lifted.served, "floor": lifted.floor,
        "check": {"right": True, "differences": []},
    }  # fmt: skip
    return lifted, Answer(200, body, f'"{lifted.revision}"')


def predict_grants(world: World, what: GrantsWrite, now: float) -> tuple[World, Outcome]:
    old = world.grants.get(what.principal)
    if isinstance(what, DeleteGrants) and old is None:
        return world, Refusal("not_found")
    revision = world.grants_revision + 1
    grants, granted_at = dict(world.grants), dict(world.granted_at)
    grants.pop(what.principal, None)
    granted_at.pop(what.principal, None)
    result = Answer(204, {}, None)
    if isinstance(what, SetGrants):
        grants[what.principal], granted_at[what.principal] = what.grants, revision
        body = {"principal": what.principal, "grants": describe_grants(what.grants), "revision": revision}
        result = Answer(200, body, f'"{revision}"')
    superseded = (*world.superseded, (what.principal, old or (), now))
    return replace(world, grants=grants, granted_at=granted_at, grants_revision=revision, superseded=superseded), result


def describe_grants(grants: tuple[Grant, ...]) -> list[dict[str, object]]:
    return [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in grants]
