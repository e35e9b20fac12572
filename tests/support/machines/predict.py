"""Predicts a write with a plain model: the world after it, and the answer or refusal."""

from dataclasses import replace

from configsvc.model.grants import covers
from configsvc.service.engine.ports import Caller
from tests.support.machines import predict_admin, predict_keys
from tests.support.machines.worlds import (
    DAY,
    Answer,
    AnswerKey,
    Outcome,
    Refusal,
    Remembered,
    World,
    date_last_revision,
)
from tests.support.machines.write_requests import (
    METHOD,
    DataKeyWrite,
    DeleteGrants,
    DeleteNamespace,
    Destroy,
    KeyWrite,
    SetGrants,
    SetNamespace,
    WriteRequest,
)
from tests.support.service.world import ROLES

ADMINISTRATOR = ROLES + "Admin"


def may(world: World, principal: str | None, action: str, ns: str) -> bool:
    return any(
        action in grant.actions and any(covers(pattern, ns) for pattern in grant.namespaces)
        for grant in world.held(principal)
    )


def is_readable(world: World, who: Caller, ns: str) -> bool:
    return world.space(ns).live and may(world, who.api_key, "read", ns)


def predict(world: World, asked: WriteRequest, now: float) -> tuple[World, Outcome]:
    """Returns the world after the write, and the answer."""
    if refusal := _refuse_unauthorised(world, asked):
        return world, refusal
    at = make_answer_key(asked)
    known = world.answers.get(at) if at else None
    if known and known.expires > now:
        return world, known.said if known.digest == asked.digest else Refusal("idempotency_mismatch")
    after, result = _decide(world, asked, now)
    if at and after is not world and isinstance(result, Answer):
        kept = Remembered(asked.digest, result, int(now) + DAY)
        after = replace(after, answers={**after.answers, at: kept})
    return after, result


def make_answer_key(asked: WriteRequest) -> AnswerKey | None:
    return (METHOD, asked.who.principal, asked.path, asked.once) if asked.once else None


def _refuse_unauthorised(world: World, asked: WriteRequest) -> Refusal | None:
    what, who = asked.what, asked.who
    administrator = who.principal == ADMINISTRATOR
    if isinstance(what, SetGrants | DeleteGrants):
        held = world.held(who.principal)
        everywhere = any("admin" in each.actions and "*" in each.namespaces for each in held)
        return None if administrator or everywhere else Refusal("forbidden")
    action = "write" if isinstance(what, KeyWrite) and not isinstance(what, Destroy) else "admin"
    live = world.space(what.ns).live
    if not (may(world, who.principal, action, what.ns) or (action == "admin" and administrator)):
        known = may(world, who.api_key, "read", what.ns) or may(world, who.principal, "read", what.ns)
        return Refusal("forbidden" if live and known else "not_found")
    return None if live or isinstance(what, SetNamespace | DeleteNamespace) else Refusal("not_found")


def _decide(world: World, asked: WriteRequest, now: float) -> tuple[World, Outcome]:
    what, principal = asked.what, asked.who.principal
    if isinstance(what, SetGrants | DeleteGrants):
        return predict_admin.predict_grants(world, what, now)
    space = world.space(what.ns)
    if isinstance(what, KeyWrite):
        admin = may(world, principal, "admin", what.ns) or principal == ADMINISTRATOR
        after, result = predict_keys.predict_key_write(space, what, principal, admin=admin)
    elif isinstance(what, DataKeyWrite):
        after, result = predict_admin.predict_data_keys(space, what, principal)
    else:
        after, result = predict_admin.predict_namespace(space, what, principal)
    return (world if after is space else world.having(what.ns, date_last_revision(after, now))), result
