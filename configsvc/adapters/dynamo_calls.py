"""Calls to DynamoDB, tried again within one deadline.

botocore bounds the number of its tries and each of them, never all together, so it tries once and this tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from configsvc.adapters.dynamo_errors import Conflicting, readable, translated
from configsvc.adapters.dynamo_http import Exchange
from configsvc.model.retry import Backoff
from configsvc.service.ports import Chance, Clock, StoreBusy, StoreUnavailable
from configsvc.service.records import Address

RECORD_SECONDS = 1.0
"""What one try of reading a record may take: it takes 5 ms, and a lost packet should cost no more than this."""

PAGE_SECONDS = 2.0
"""What one try of reading a page of 1 MB, or a batch of 16 MB, may take."""

COMMIT_SECONDS = 2.5
"""What one try of a transaction may take."""

COMMIT_LEAST = 0.5
"""Seconds without which no transaction is sent: its answer would come too late to be told."""

ALONE = 8.0
"""Seconds of a call that belongs to no request."""

BACKOFF = Backoff(first=0.025, most=0.5)

Answer = TypeVar("Answer")


class Calls:
    """Sends what it is given, and again where that helps, until `deadline`.

    Args:
        clock: waits, and says how late it is.
        chance: draws the pauses, in full.
        deadline: seconds of the clock's `monotonic`.
        alone: seconds that each call has to itself where there is no deadline.
    """

    def __init__(self, clock: Clock, chance: Chance, deadline: float | None = None, *, alone: float = ALONE) -> None:
        self.clock = clock
        self.chance = chance
        self._deadline = deadline
        self._alone = alone

    def within(self, deadline: float) -> Calls:
        """The same with a deadline."""
        return Calls(self.clock, self.chance, deadline)

    def until(self) -> float:
        """When the call that begins now must have ended."""
        return self.clock.monotonic() + self._alone if self._deadline is None else self._deadline

    def read(self, seconds: float, send: Callable[[], Answer]) -> Answer:
        """The answer to a read; each try takes at most `seconds`.

        Raises:
            StoreBusy, StoreUnavailable: the deadline has passed.
        """
        until, tries = self.until(), 0
        while True:
            if self.clock.monotonic() >= until:
                raise late()
            try:
                return self._send(seconds, until, send)
            except (StoreBusy, StoreUnavailable) as error:
                if not self.pause(until, tries, at_once=isinstance(error, StoreUnavailable)):
                    raise
            tries += 1

    def commit(self, addresses: Sequence[Address], send: Callable[[], object]) -> None:
        """Send a transaction until its outcome is known; `send` sends the same one each time, with the same token.

        Once a try went without an answer, the transaction that the next one collides with may be this very one.

        Raises:
            LostRace: nothing was written.
            StoreBusy: nothing was written, for DynamoDB throttles.
            StoreUnavailable: it may be written, or not; or the deadline was too near to send it.
        """
        until, tries, unknown = self.until(), 0, False
        while until - self.clock.monotonic() >= COMMIT_LEAST:
            at_once = False
            try:
                self._send(COMMIT_SECONDS, until, send, addresses)
            except Conflicting:
                if not unknown:
                    raise
            except StoreUnavailable:
                at_once = unknown = True
            except StoreBusy:
                pass
            else:
                return
            tries += 1
            if not self.pause(until - COMMIT_LEAST, tries - 1, at_once=at_once):
                break
        raise _unknown() if unknown else _unwritten() if tries else late()

    def pause(self, until: float, tries: int, *, at_once: bool = False) -> bool:
        """Wait before the next try, if that leaves time. `at_once`: the first time not, for a connection that broke."""
        left = until - self.clock.monotonic()
        pause = BACKOFF.wait(tries + 1, _none if at_once and not tries else self.chance.uniform, left=left)
        if pause is None:
            return False
        if pause:
            self.clock.sleep(pause)
        return True

    def _send(
        self, seconds: float, until: float, send: Callable[[], Answer], addresses: Sequence[Address] = ()
    ) -> Answer:
        with translated(addresses), Exchange(min(seconds, until - self.clock.monotonic())):
            return readable(send)


def _none(_: float) -> float:
    return 0.0


def late() -> StoreUnavailable:
    """Other calls took all the time that there was."""
    return StoreUnavailable("The store was too slow for this request. Try again.", retry_after=1)


def _unknown() -> StoreUnavailable:
    return StoreUnavailable(
        "The store did not confirm this write in time: it may have happened or not. Send it again with the same "
        "Idempotency-Key.",
        retry_after=1,
    )


def _unwritten() -> StoreBusy:
    return StoreBusy("The store is too busy for this write. Nothing was written. Try again.", retry_after=1)
