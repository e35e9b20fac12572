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
    """Makes an attempt, which must be safe to repeat, and retries it.

    Raises:
        ConfigsvcError: the error of the last attempt.
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
    """Retries KMS while it throttles or does not answer. A data key made twice is stored once.

    The time to find credentials does not count: entering an MFA code, or a credential process, may take longer than KMS
    is given.
    """

    def __init__(self, kms: WriterKms, credentials: FindCredentials, clock: Clocks, chance: Randomness) -> None:
        self._kms = kms
        self._credentials = credentials
        self._clock = clock
        self._chance = chance

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        return self._repeat(lambda until: self._kms.decrypt(ciphertext, context, key_id, until), deadline)

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """See `Kms.call`."""
        return self._repeat(lambda until: self._kms.call(operation, members, until), deadline)

    def _repeat(self, attempt: Callable[[float], AttemptResult], deadline: float) -> AttemptResult:
        began = self._clock.now().monotonic
        repeat(lambda: self._credentials(deadline), self._clock, self._chance)
        until = deadline + self._clock.now().monotonic - began
        return repeat(lambda: attempt(until), self._clock, self._chance)


BACKOFF = Backoff(first=0.2, most=5.0, tries=6)
WITHIN = 30.0
"""Seconds after the first try in which a last one may start: as long as API Gateway allows one request."""

_FINAL = frozenset({"certificate", NOT_OURS})


def choose_pause(error: ConfigsvcError, tried: int, spent: float, chance: float) -> float | None:
    """Chooses the seconds to wait before the next try; None if the error is final.

    Args:
        error: the error of the last try.
        tried: the number of tries so far, from 1.
        spent: seconds since the first one started.
        chance: a number in [0, 1).
    """
    if not isinstance(error, Throttled | Unavailable) or error.members.get("reason") in _FINAL:
        return None
    return BACKOFF.wait(tried, lambda most: chance * most, asked=get_retry_after(error) or 0.0, left=WITHIN - spent)
