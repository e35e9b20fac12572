"""Use two API keys while they are rotated: a request that is refused with one key is tried once with the other.

A key without a grant gets a 404 that names the namespace, as if that did not exist. For a read, this is tried with the
other key too. Loaded by the first request, if two keys are set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from configsvc.model.errors import ConfigsvcError, Forbidden, NotFound
from configsvc.model.record import Record
from configsvc_client._secret import ReprOnly, Secret

Answered = TypeVar("Answered")

_OF_AWS = frozenset({"ACCESS_DENIED", "CLOCK", "EXPIRED_TOKEN", "INVALID_SIGNATURE", "UNKNOWN_CREDENTIALS"})
"""Refusals of a signature or by IAM: another API key does not help."""


class _BothRefused(Record):
    """The key that was sent last, and the refusal of each key."""

    last: int
    errors: tuple[ConfigsvcError, ConfigsvcError]


class ApiKeys(ReprOnly):
    """Sends the key that worked last and, after any refusal, the other one, because it has other grants.

    After both were refused, repeated requests for the same target send one key each, in turn: a consumer that is cut
    off sends one request per poll, and notices by its second poll when it is let in again.
    """

    def __init__(self, first: Secret, second: Secret) -> None:
        self._keys = first, second
        self._works = 0
        self._works_for: dict[str, int] = {}
        self._refused: dict[str, _BothRefused] = {}

    def __repr__(self) -> str:
        return "ApiKeys(***)"

    def attempt_with_keys(
        self, what: str | None, attempt: Callable[[Secret], Answered], *, signed: bool = False
    ) -> Answered:
        """Makes the attempt with one key or the other.

        Args:
            what: a target that is requested repeatedly, like a snapshot. None for a single request, which is
                always tried with both.
            attempt: sends the request with a key. A refused request changed nothing, so repeating it is safe.
            signed: whether the request is signed. Then the signature may be what is refused, and a namespace is hidden
                from the IAM principal, whatever the API key.

        Raises:
            Forbidden: both were refused; gives both reasons.
            NotFound: neither finds it; names the namespace if both miss the same one.
            ConfigsvcError: from the attempt.
        """
        before = None if what is None else self._refused.get(what)
        at = self._works_for.get(what or "", self._works) if before is None else 1 - before.last
        answer = self._try_key(what, at, attempt, before and before.errors[1 - at], signed=signed)
        if not isinstance(answer, Forbidden | NotFound):
            if before is not None:
                self._remember(what, at)
            return answer
        if before is not None:
            raise self._combine_errors(what, at, answer, before.errors[1 - at])
        other = 1 - at
        self._remember(what, other)  # now: it is sent first next time, even if there is no time left for it now
        last = self._try_key(what, other, attempt, answer, signed=signed)
        if not isinstance(last, Forbidden | NotFound):
            return last
        raise self._combine_errors(what, other, last, answer)

    def _try_key(
        self,
        what: str | None,
        at: int,
        attempt: Callable[[Secret], Answered],
        other: ConfigsvcError | None,
        *,
        signed: bool,
    ) -> Answered | Forbidden | NotFound:
        """Tries one key. Returns a refusal that the other key may not get."""
        try:
            return attempt(self._keys[at])
        except Forbidden as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if signed and error.members.get("gateway") in _OF_AWS:
                raise
            return error
        except NotFound as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if _may_lack_grant(error) and not signed:
                return error
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
        """Keeps copies of both errors, in the order of the keys: tracebacks would keep answers alive."""
        self._works = 1 - at
        kept, before = (type(each)(each.detail, **each.members) for each in (last, other))
        errors = (before, kept) if at else (kept, before)
        if what is not None:
            self._refused[what] = _BothRefused(at, errors)
        return errors

    def _combine_errors(
        self, what: str | None, at: int, last: Forbidden | NotFound, other: ConfigsvcError
    ) -> ConfigsvcError:
        """Returns the one error for both keys. A 404 decides: that key is accepted, so the other one is not needed."""
        from configsvc_client._wording import join_sentences

        kept = self._keep(what, at, last, other)
        missing = [each for each in kept if isinstance(each, NotFound) and _may_lack_grant(each)]
        first, second = (each.detail for each in kept)
        why = (first,) if first == second else (f"The first: {first}", f"The second: {second}")
        if not missing:
            return Forbidden(join_sentences("Both API keys in CONFIGSVC_API_KEY are refused", *why), **last.members)
        members = missing[0].members
        if len({each.members["namespace"] for each in missing}) > 1:
            members = {name: member for name, member in members.items() if name != "namespace"}
        return NotFound(join_sentences("Neither API key in CONFIGSVC_API_KEY finds it", *why), **members)


def _may_lack_grant(error: NotFound) -> bool:
    """Whether this is the answer for a namespace that is absent, or hidden from the API key."""
    return "namespace" in error.members and "key" not in error.members
