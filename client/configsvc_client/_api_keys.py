"""Two API keys, while one takes the other's place: what one is refused is tried with the other, once.

Loaded where two are set, by the first request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from configsvc.model.errors import Forbidden
from configsvc.model.record import Record
from configsvc_client._secret import Secret, Shown

Answer = TypeVar("Answer")

_OF_AWS = frozenset({"ACCESS_DENIED", "CLOCK", "EXPIRED_TOKEN", "INVALID_SIGNATURE", "UNKNOWN_CREDENTIALS"})
"""Refusals of a signature or by IAM, which another API key changes nothing about."""


class _BothRefused(Record):
    """The key that was sent last, and how each was refused."""

    last: int
    errors: tuple[Forbidden, Forbidden]


class ApiKeys(Shown):
    """Sends the key that worked last; after a refusal the other one, whoever refused: another key has other grants.

    After both were refused the next request of the same sends one alone, and the one after that the other: a consumer
    that is cut off costs one request a poll, and one that is let in again notices by its second poll.
    """

    def __init__(self, first: Secret, second: Secret) -> None:
        self._keys = first, second
        self._works = 0
        self._works_for: dict[str, int] = {}
        self._refused: dict[str, _BothRefused] = {}

    def __repr__(self) -> str:
        return "ApiKeys(***)"

    def tried(self, what: str | None, attempt: Callable[[Secret], Answer], *, signed: bool = False) -> Answer:
        """What the attempt gives with the one key or the other.

        Args:
            what: the target that is asked for again and again, like a snapshot; None for what is asked for once, which
                is always tried with both.
            attempt: sends it with a key. A refusal changed nothing, so repeating it is safe.
            signed: whether the request carries a signature, which may be what is refused.

        Raises:
            Forbidden: both were refused; says why each was.
            ConfigsvcError: from the attempt.
        """
        before = None if what is None else self._refused.get(what)
        at = (self._works_for.get(what or "", self._works)) if before is None else 1 - before.last
        answer = _once(attempt, self._keys[at], signed=signed)
        if not isinstance(answer, Forbidden):
            if before is not None:
                self._remember(what, at)
            return answer
        if before is not None:
            raise self._both(what, at, answer, before.errors[1 - at])
        other = 1 - at
        self._remember(what, other)  # now: it is sent first next time, also where no time is left for it now
        last = _once(attempt, self._keys[other], signed=signed)
        if not isinstance(last, Forbidden):
            return last
        raise self._both(what, other, last, answer)

    def _remember(self, what: str | None, at: int) -> None:
        self._works = at
        if what is not None:
            self._works_for[what] = at
            self._refused.pop(what, None)

    def _both(self, what: str | None, at: int, last: Forbidden, other: Forbidden) -> Forbidden:
        """The error that says so; the refusals are copied, because their tracebacks would keep answers alive."""
        kept, before = (Forbidden(each.detail, **each.members) for each in (last, other))
        errors = (before, kept) if at else (kept, before)
        if what is not None:
            self._refused[what] = _BothRefused(at, errors)
        details = [each.detail for each in errors]
        why = details[0] if details[0] == details[1] else f"The first: {details[0]} The second: {details[1]}"
        return Forbidden(f"Both API keys in CONFIGSVC_API_KEY are refused. {why}", **last.members)


def _once(attempt: Callable[[Secret], Answer], key: Secret, *, signed: bool) -> Answer | Forbidden:
    try:
        return attempt(key)
    except Forbidden as error:
        if signed and error.members.get("gateway") in _OF_AWS:
            raise
        return error
