"""Say whom the service takes the caller for."""

from __future__ import annotations

from configsvc.service import access
from configsvc.service.decide_grants import shown
from configsvc.service.ports import Caller, Ports


def whoami(ports: Ports, caller: Caller) -> dict[str, object]:
    """`{"api_key": {"principal", "grants"}, "iam": {"principal", "arn", "grants", "administrator"}}`, None for neither.

    The grants are those that the service acts on: at most 10 seconds old.
    """
    held, _ = access.look(ports, caller, (), writes=True)
    api_key = caller.api_key and {"principal": caller.api_key, "grants": shown(held.reader)}
    iam = caller.principal and {
        "principal": caller.principal,
        "arn": caller.arn,
        "grants": shown(held.writer),
        "administrator": held.administrator,
    }
    return {"api_key": api_key or None, "iam": iam or None}
