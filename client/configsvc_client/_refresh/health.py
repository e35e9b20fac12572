"""The health of a Config: what it holds, its age, and why it is not up to date. No I/O, no lock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from configsvc.model.errors import CannotOpen, ConfigsvcError, Expired
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._refresh.flight import HeldSource
from configsvc_client._service.answers import (
    is_unusable_answer,  # already imported by others, as `import_reentrantly` requires
)

if TYPE_CHECKING:
    from configsvc_client._refresh.keeper import Keeper

HealthState = Literal["ok", "broken", "fallback", "failing", "refused", "expired", "not_loaded"]


class Reason(Record):
    """The reason for a state: a stable code, and a sentence for people. It contains no value."""

    code: str
    text: str


class Health(Record):
    """The result of `config.health()`.

    Attributes:
        state: the first that applies, from bad to good:
            `not_loaded`: nothing is loaded yet; `reason` says why if a load failed or settings are missing.
            `expired`: older than `max_stale_seconds`; reads raise `Expired`.
            `refused`: the last answer for a namespace was refused, and its values stay.
            `fallback`: served from the fallback file; the service has not answered yet.
            `failing`: the last refresh of a namespace got no snapshot: an outage, a timeout, a 403, a 404.
            `broken`: some keys have not opened since the first load; the others are served.
            `ok`: none of these.
        age: seconds since the service confirmed the values of the oldest namespace; infinite before the first load.
            It grows while nobody reads.
        revisions: the served revision of each namespace.
        source: `"service"` or `"fallback"`; None before the first load.
        reason: the reason for the state; None if it is `ok`, or nobody has read yet.
        refused: the namespaces whose last answer was refused, each with the reason.
        failing: the namespaces for which the last refresh got no snapshot, each with the reason.
        broken: how many keys do not open.
    """

    state: HealthState
    age: float
    revisions: dict[str, int]
    source: HeldSource | None
    reason: Reason | None
    refused: dict[str, Reason]
    failing: dict[str, Reason]
    broken: int

    @property
    def ok(self) -> bool:
        """Whether all is well: for alarms. Not for a liveness probe: a restart cures none of this."""
        return self.state == "ok"

    @property
    def serves(self) -> bool:
        """Whether reads return values: for readiness probes."""
        return self.state not in {"not_loaded", "expired"}

    def as_dict(self) -> dict[str, object]:
        """Returns it as a dict for `json.dumps`. The texts name namespaces, keys and KMS keys: not for the public."""
        return {
            "state": self.state,
            "ok": self.ok,
            "serves": self.serves,
            "age": round(self.age, 3) if self.age < math.inf else None,
            "revisions": dict(self.revisions),
            "source": self.source,
            "reason": _render_reason(self.reason),
            "refused": {each: _render_reason(why) for each, why in self.refused.items()},
            "failing": {each: _render_reason(why) for each, why in self.failing.items()},
            "broken": self.broken,
        }


def assess_health(keeper: Keeper | None, error: ConfigsvcError | None = None) -> Health:
    """Assesses a Config; `error` is the reason why it has no keeper yet, if known."""
    held, error = (keeper.held, _pick_error(keeper)) if keeper else (None, error)
    if keeper is None or held is None:
        return Health("not_loaded", math.inf, {}, None, _render_error(error) if error else None, {}, {}, 0)
    revisions = {str(layer.namespace): layer.revision for layer in held.layers}
    refused, failing = _split_reasons(keeper.refused, error, revisions)
    broken, age = len(held.snapshot.broken), keeper.age()
    state: HealthState = (
        "expired" if age > keeper.max_stale_seconds
        else "refused" if refused
        else "fallback" if held.source == "fallback"
        else "failing" if failing
        else "broken" if broken
        else "ok"
    )  # fmt: skip
    reason = next(iter({**refused, **failing}.values()), None) or _make_reason(
        state, broken, age, keeper.max_stale_seconds
    )
    return Health(state, age, revisions, held.source, reason, refused, failing, broken)


def _make_reason(state: HealthState, broken: int, age: float, max_stale_seconds: float) -> Reason | None:
    """Makes the reason for a state that no error explains."""
    if state == "expired":
        old = f"Config is {age:.0f} seconds old, and CONFIGSVC_MAX_STALE_SECONDS is {max_stale_seconds:g}."
        return Reason(Expired.code, f"{old} The next read refreshes it.")
    if state == "broken":
        return Reason(CannotOpen.code, f"{broken} key{'s do' if broken > 1 else ' does'} not open; see config.broken.")
    return None


def _pick_error(keeper: Keeper) -> ConfigsvcError | None:
    """Picks why it is not up to date. A refresh put off to the next invocation is healthy: nothing is overdue."""
    error = keeper.error
    return keeper.failure if error is not None and error.members.get("reason") == "time_left" else error


def _split_reasons(
    errors: Mapping[Namespace, ConfigsvcError], last: ConfigsvcError | None, held: Iterable[str]
) -> tuple[dict[str, Reason], dict[str, Reason]]:
    """Splits namespaces into refused and failing. If the last error is of no single namespace, the others fail too."""
    refused = {str(each): _render_error(error) for each, error in errors.items() if is_unusable_answer(error)}
    failing = {str(each): _render_error(error) for each, error in errors.items() if not is_unusable_answer(error)}
    if last is not None and all(last.detail != each.detail for each in errors.values()):
        failing |= {each: _render_error(last) for each in held if each not in refused}
    return refused, failing


def _render_error(error: ConfigsvcError) -> Reason:
    return Reason(str(error.members.get("cause", error.code)), error.detail)


def _render_reason(reason: Reason | None) -> dict[str, str] | None:
    return None if reason is None else {"code": reason.code, "text": reason.text}
