"""Set the grants of a principal."""

from __future__ import annotations

from functools import partial

from configsvc.model import grants, limits
from configsvc.model.errors import TooLarge
from configsvc.model.grants import Grant
from configsvc.service import decide_grants
from configsvc.service.decide_grants import ANYTHING, Expected
from configsvc.service.overtaken import write
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import GRANTS
from configsvc.service.writing import Intent


def set_grants(  # noqa: PLR0917  # as the other verbs: ports, caller, what is asked, idempotency, precondition
    ports: Ports,
    caller: Caller,
    principal: str,
    wanted: tuple[Grant, ...],
    idempotency: Idempotency | None,
    expected: Expected = ANYTHING,
) -> Outcome:
    """All grants of the principal are these from now on; other warm processes know within 10 seconds.

    Answers 200 `{"principal", "grants", "revision"}`.

    Raises:
        Forbidden: the caller is no admin of everything.
        InvalidName: a principal or pattern is not spelt as they are.
        TooLarge: too many grants or patterns.
        PreconditionFailed: the grants are not as expected.
    """
    name = grants.principal(principal)
    patterns = [grants.pattern(pattern) for grant in wanted for pattern in grant.namespaces]
    if len(wanted) > limits.GRANTS or len(patterns) > limits.GRANT_PATTERNS:
        raise TooLarge(
            f"A principal has {limits.GRANTS} grants with {limits.GRANT_PATTERNS} patterns at most. Use prefix.*",
            limit=limits.GRANTS,
        )
    intent = Intent(
        GRANTS,
        decide_grants.addresses(name),
        decide_grants.authorise,
        partial(decide_grants.decide_set, name, wanted, expected),
    )
    try:
        return write(ports, caller, intent, idempotency)
    finally:
        ports.grants.forget(name)
