"""Does again what may be done again, as `_retry` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from configsvc.model.errors import ConfigsvcError
from configsvc_client._credentials import Find
from configsvc_client._kms import Decrypted
from configsvc_client._ports import Clocks
from configsvc_client.admin import _retry
from configsvc_client.admin._ports import Chance, Kms

Result = TypeVar("Result")


def repeated(attempt: Callable[[], Result], clock: Clocks, chance: Chance) -> Result:
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
            pause = _retry.pause(error, tried, spent, chance.fraction())
            if pause is None:
                raise
        clock.pause(pause)


class PatientKms:
    """KMS, asked again while it throttles or does not answer. A data key made twice is stored once.

    What finding credentials takes does not count: a person who is asked for a code, or a process, may need longer than
    KMS is given.
    """

    def __init__(self, kms: Kms, credentials: Find, clock: Clocks, chance: Chance) -> None:
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

    def _repeated(self, attempt: Callable[[float], Result], deadline: float) -> Result:
        began = self._clock.now().monotonic
        repeated(lambda: self._credentials(deadline), self._clock, self._chance)
        until = deadline + self._clock.now().monotonic - began
        return repeated(lambda: attempt(until), self._clock, self._chance)
