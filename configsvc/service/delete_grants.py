"""Take away the grants of a principal."""

from __future__ import annotations

from functools import partial

from configsvc.model import grants
from configsvc.service import decide_grants
from configsvc.service.decide_grants import ANYTHING, Expected
from configsvc.service.overtaken import write
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import GRANTS
from configsvc.service.writing import Intent


def delete_grants(
    ports: Ports, caller: Caller, principal: str, idempotency: Idempotency | None, expected: Expected = ANYTHING
) -> Outcome:
    """The principal may nothing from now on; other warm processes know within 10 seconds. Answers 204.

    Raises:
        Forbidden: the caller is no admin of everything.
        NotFound: it has no grants.
        PreconditionFailed: they are not as expected.
    """
    name = grants.principal(principal)
    intent = Intent(
        GRANTS,
        decide_grants.addresses(name),
        decide_grants.authorise,
        partial(decide_grants.decide_delete, name, expected),
    )
    try:
        return write(ports, caller, intent, idempotency)
    finally:
        ports.grants.forget(name)
