"""Two API keys, while one takes the other's place: what one is refused is tried with the other, once.

Loaded where two are set, by the first request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from configsvc.model.errors import ConfigsvcError, Forbidden, NotFound
from configsvc.model.record import Record
from configsvc_client._secret import ReprOnly, Secret

Answered = TypeVar("Answered")

_OF_AWS = frozenset({"ACCESS_DENIED", "CLOCK", "EXPIRED_TOKEN", "INVALID_SIGNATURE", "UNKNOWN_CREDENTIALS"})
"""Refusals of a signature or by IAM, which another API key changes nothing about."""


class _BothRefused(Record):
    """The key that was sent last, and how each was refused."""

    last: int
    errors: tuple[ConfigsvcError, ConfigsvcError]


class ApiKeys(ReprOnly):
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

    def tried(self, what: str | None, attempt: Callable[[Secret], Answered], *, signed: bool = False) -> Answered:
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
        at = self._works_for.get(what or "", self._works) if before is None else 1 - before.last
        answer = self._sent(what, at, attempt, before and before.errors[1 - at], signed=signed)
        if not isinstance(answer, Forbidden):
            if before is not None:
                self._remember(what, at)
            return answer
        if before is not None:
            raise self._both(what, at, answer, before.errors[1 - at])
        other = 1 - at
        self._remember(what, other)  # now: it is sent first next time, also where no time is left for it now
        last = self._sent(what, other, attempt, answer, signed=signed)
        if not isinstance(last, Forbidden):
            return last
        raise self._both(what, other, last, answer)

    def _sent(
        self,
        what: str | None,
        at: int,
        attempt: Callable[[Secret], Answered],
        other: ConfigsvcError | None,
        *,
        signed: bool,
    ) -> Answered | Forbidden:
        """The answer to one key. Where the other is refused, not to find a thing may be for want of a grant."""
        try:
            return attempt(self._keys[at])
        except Forbidden as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if signed and error.members.get("gateway") in _OF_AWS:
                raise
            return error
        except NotFound as error:
            if other is not None:
                self._keep(what, at, error, other)
            raise

    def _remember(self, what: str | None, at: int) -> None:
        self._works = at
        if what is not None:
            self._works_for[what] = at
            self._refused.pop(what, None)

    def _keep(
        self, what: str | None, at: int, last: ConfigsvcError, other: ConfigsvcError
    ) -> tuple[ConfigsvcError, ConfigsvcError]:
        """Both errors in the order of the keys, copied: their tracebacks would keep answers alive."""
        self._works = 1 - at
        kept, before = (type(each)(each.detail, **each.members) for each in (last, other))
        errors = (before, kept) if at else (kept, before)
        if what is not None:
            self._refused[what] = _BothRefused(at, errors)
        return errors

    def _both(self, what: str | None, at: int, last: Forbidden, other: ConfigsvcError) -> Forbidden:
        first, second = (each.detail for each in self._keep(what, at, last, other))
        why = first if first == second else f"The first: {first} The second: {second}"
        return Forbidden(f"Both API keys in CONFIGSVC_API_KEY are refused. {why}", **last.members)
