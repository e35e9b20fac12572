"""Predicts a write with a plain model: the world after it, and the answer or refusal."""

from dataclasses import replace

from configsvc.model.grants import covers
from configsvc.service.engine.ports import Caller
from tests.support.machines import foretell_admin, foretell_keys
from tests.support.machines.asked import (
    METHOD,
    Asked,
    DeleteGrants,
    DeleteNamespace,
    Destroy,
    OfDataKeys,
    OfKeys,
    SetGrants,
    SetNamespace,
)
from tests.support.machines.worlds import DAY, No, Once, Remembered, Result, Said, World, dated
from tests.support.service.world import ROLES

ADMINISTRATOR = ROLES + "Admin"


def may(world: World, principal: str | None, action: str, ns: str) -> bool:
    return any(
        action in grant.actions and any(covers(pattern, ns) for pattern in grant.namespaces)
        for grant in world.held(principal)
    )


def readable(world: World, who: Caller, ns: str) -> bool:
    return world.space(ns).live and may(world, who.api_key, "read", ns)


def foretell(world: World, asked: Asked, now: float) -> tuple[World, Result]:
    """Returns the world after the write, and the answer."""
    if refusal := _authorised(world, asked):
        return world, refusal
    at = once(asked)
    known = world.answers.get(at) if at else None
    if known and known.expires > now:
        return world, known.said if known.digest == asked.digest else No("idempotency_mismatch")
    after, result = _decide(world, asked, now)
    if at and after is not world and isinstance(result, Said):
        kept = Remembered(asked.digest, result, int(now) + DAY)
        after = replace(after, answers={**after.answers, at: kept})
    return after, result


def once(asked: Asked) -> Once | None:
    return (METHOD, asked.who.principal, asked.path, asked.once) if asked.once else None


def _authorised(world: World, asked: Asked) -> No | None:
    what, who = asked.what, asked.who
    administrator = who.principal == ADMINISTRATOR
    if isinstance(what, SetGrants | DeleteGrants):
        held = world.held(who.principal)
        everywhere = any("admin" in each.actions and "*" in each.namespaces for each in held)
        return None if administrator or everywhere else No("forbidden")
    action = "write" if isinstance(what, OfKeys) and not isinstance(what, Destroy) else "admin"
    live = world.space(what.ns).live
    if not (may(world, who.principal, action, what.ns) or (action == "admin" and administrator)):
        known = may(world, who.api_key, "read", what.ns) or may(world, who.principal, "read", what.ns)
        return No("forbidden" if live and known else "not_found")
    return None if live or isinstance(what, SetNamespace | DeleteNamespace) else No("not_found")


def _decide(world: World, asked: Asked, now: float) -> tuple[World, Result]:
    what, principal = asked.what, asked.who.principal
    if isinstance(what, SetGrants | DeleteGrants):
        return foretell_admin.of_grants(world, what, now)
    space = world.space(what.ns)
    if isinstance(what, OfKeys):
        admin = may(world, principal, "admin", what.ns) or principal == ADMINISTRATOR
        after, result = foretell_keys.of_keys(space, what, principal, admin=admin)
    elif isinstance(what, OfDataKeys):
        after, result = foretell_admin.of_data_keys(space, what, principal)
    else:
        after, result = foretell_admin.of_namespace(space, what, principal)
    return (world if after is space else world.having(what.ns, dated(after, now))), result
