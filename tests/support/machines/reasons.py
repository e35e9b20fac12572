"""Lists every reason for which a request may be refused, not only the first.

A request whose reads tore may be refused for a reason that held at one moment, although another one, which is
checked first, did not hold in what it read.
"""

from dataclasses import replace
from itertools import product

from configsvc.model.change_set import ChangeSet, Operation, Put
from configsvc.model.snapshot import FORMS
from tests.support.machines.predict import predict
from tests.support.machines.worlds import Refusal, World
from tests.support.machines.write_requests import (
    ActivateKey,
    ChangeKeys,
    DeleteKey,
    PutKey,
    RequestedWrite,
    WriteRequest,
)


def list_reasons(world: World, asked: WriteRequest, now: float) -> set[Refusal]:
    """Returns the refusals with and without preconditions, and with settings that refuse nothing."""
    found = set[Refusal]()
    for what, met in product(
        (asked.what, _remove_preconditions(asked.what)), (world, _relax_settings(world, asked.what))
    ):
        _, result = predict(met, asked._replace(what=what, once=None), now)
        if isinstance(result, Refusal):
            found.add(result)
    return found


def _remove_preconditions(what: RequestedWrite) -> RequestedWrite:
    match what:
        case PutKey(put=put):
            return what._replace(put=put._replace(if_match=None, create_only=False))
        case ActivateKey(wanted=wanted):
            return what._replace(wanted=wanted._replace(if_match=None))
        case DeleteKey(wanted=gone):
            return what._replace(wanted=gone._replace(if_match=None))
        case ChangeKeys(ns, change_set):
            operations = tuple(_remove_precondition(each) for each in change_set.operations)
            return ChangeKeys(ns, ChangeSet(operations, change_set.message))
        case _:
            return what


def _remove_precondition(operation: Operation) -> Operation:
    freed = operation._replace(if_match=None)
    return freed._replace(create_only=False) if isinstance(freed, Put) else freed


def _relax_settings(world: World, what: RequestedWrite) -> World:
    ns = what[0]
    if ns not in world.spaces:
        return world
    space = world.space(ns)
    settings = space.settings._replace(read_only=False, require_preconditions=False, forms=FORMS)
    return world.having(ns, replace(space, settings=settings))
