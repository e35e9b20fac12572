"""Repeat what is safe to repeat, with backoff and jitter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from configsvc.model.errors import ConfigsvcError, Throttled, Unavailable
from configsvc.model.retry import Backoff, get_retry_after
from configsvc_client._aws.credentials import FindCredentials
from configsvc_client._aws.kms import Decrypted
from configsvc_client._ports import NOT_OURS, Clocks
from configsvc_client.admin.ports import Randomness, WriterKms

AttemptResult = TypeVar("AttemptResult")


def repeat(attempt: Callable[[], AttemptResult], clock: Clocks, chance: Randomness) -> AttemptResult:
    """What the attempt gives, which must be safe to repeat.

    Raises:
        ConfigsvcError: what the last attempt ended with.
    """
    started, tried = clock.now().monotonic, 0
    while True:
        tried += 1
        try:
            return attempt()
        except ConfigsvcError as error:
            spent = clock.now().monotonic - started
            pause = choose_pause(error, tried, spent, chance.fraction())
            if pause is None:
                raise
        clock.pause(pause)


class RetryingKms:
    """KMS, asked again while it throttles or does not answer. A data key made twice is stored once.

    What finding credentials takes does not count: a person who is asked for a code, or a process, may need longer than
    KMS is given.
    """

    def __init__(self, kms: WriterKms, credentials: FindCredentials, clock: Clocks, chance: Randomness) -> None:
        self._kms = kms
        self._credentials = credentials
        self._clock = clock
        self._chance = chance

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        return self._repeated(lambda until: self._kms.decrypt(ciphertext, context, key_id, until), deadline)

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """See `Kms.call`."""
        return self._repeated(lambda until: self._kms.call(operation, members, until), deadline)

    def _repeated(self, attempt: Callable[[float], AttemptResult], deadline: float) -> AttemptResult:
        began = self._clock.now().monotonic
        repeat(lambda: self._credentials(deadline), self._clock, self._chance)
        until = deadline + self._clock.now().monotonic - began
        return repeat(lambda: attempt(until), self._clock, self._chance)


BACKOFF = Backoff(first=0.2, most=5.0, tries=6)
WITHIN = 30.0
"""Seconds from the first try in which a last one may start: as long as API Gateway lets one request take."""

_FINAL = frozenset({"certificate", NOT_OURS})


def choose_pause(error: ConfigsvcError, tried: int, spent: float, chance: float) -> float | None:
    """Seconds to wait before the next try, or None when the error is final.

    Args:
        error: what the last try ended with.
        tried: how many tries there were, from 1.
        spent: seconds since the first one started.
        chance: a number in [0, 1).
    """
    if not isinstance(error, Throttled | Unavailable) or error.members.get("reason") in _FINAL:
        return None
    return BACKOFF.wait(tried, lambda most: chance * most, asked=get_retry_after(error) or 0.0, left=WITHIN - spent)
