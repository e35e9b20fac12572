"""Calls of DynamoDB within a deadline: what is retried, and what each error means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # its name
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)
from botocore.parsers import ResponseParserError

from configsvc.adapters.dynamo_client import HttpExchange
from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.model.retry import Backoff
from configsvc.service.engine.ports import LostRace, ServiceChance, ServiceClock, StoreBusy, StoreUnavailable
from configsvc.service.engine.records import RecordAddress

_FAILED, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_BUSY_REASONS = {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
_BUSY = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_UNDER_WAY = "TransactionInProgressException"
_SERVER_FAULT = 500

_BROKEN = (HTTPClientError, ConnectionError, TimeoutError)  # broken off, never begun, not in time
_UNSIGNED = (CredentialRetrievalError, MetadataRetrievalError)  # whoever gives credentials out failed
_NO_ANSWER = (*_BROKEN, *_UNSIGNED)
_UNREADABLE = (ResponseParserError, ValueError, AttributeError, TypeError)  # botocore's, of JSON of another shape

Translated = TypeVar("Translated")


class ConflictingTransaction(LostRace):
    """Another transaction was at the same items at the same time; that may be this one, sent before."""


@contextmanager
def translate_errors(addresses: Sequence[RecordAddress] = ()) -> Iterator[None]:
    """What happens inside, in our words; `addresses` are those of a transaction's actions, in their order.

    Raises:
        LostRace: a condition did not hold, or another transaction was at the same items (Conflicting).
        StoreBusy: throttled; nothing was written.
        StoreUnavailable: no answer, or a fault of DynamoDB's; a write may have happened all the same.
        Internal: anything else, such as a missing table or a missing permission.
    """
    try:
        yield
    except ClientError as error:
        raise _translate(error, addresses) from error
    except _NO_ANSWER as error:
        raise make_unavailable() from error
    except BotoCoreError as error:
        raise Internal("The service cannot reach its table. Its log says why.") from error


def send_readably(send: Callable[[], Translated]) -> Translated:
    """What botocore makes of an answer, where that is one of DynamoDB's: whatever answers in its place is no answer.

    Raises:
        HTTPClientError: it is none.
    """
    try:
        return send()
    except (BotoCoreError, ClientError, TimeoutError):
        raise
    except _UNREADABLE as error:
        raise HTTPClientError(error="the answer is not DynamoDB's") from error


def make_unavailable() -> StoreUnavailable:
    """The store does not answer now."""
    return StoreUnavailable("The store does not answer. Try again.", retry_after=1)


def make_busy() -> StoreBusy:
    """The store refuses, because it has too much to do."""
    return StoreBusy("The store is busy. Try again.", retry_after=1)


def _translate(error: ClientError, addresses: Sequence[RecordAddress]) -> LostRace | ConfigsvcError:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return _translate_cancelled(
            [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])], addresses
        )
    if code in _BUSY:
        return make_busy()
    if code == _UNDER_WAY or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_FAULT:
        return make_unavailable()
    return Internal("The service's table does not answer as it should. Its log says why.")


def _translate_cancelled(reasons: Sequence[str], addresses: Sequence[RecordAddress]) -> LostRace | ConfigsvcError:
    if _FAILED in reasons:
        return LostRace(_name_addresses(reasons, addresses))
    if _CONFLICT in reasons:
        return ConflictingTransaction(_name_addresses(reasons, addresses))
    if _BUSY_REASONS & set(reasons):
        return make_busy()
    return Internal("The service's table refused a write. Its log says why.")


def _name_addresses(reasons: Sequence[str], addresses: Sequence[RecordAddress]) -> list[RecordAddress]:
    lost = {_FAILED, _CONFLICT}
    return [address for address, reason in zip(addresses, reasons, strict=False) if reason in lost]


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

CallAnswer = TypeVar("CallAnswer")


class Calls:
    """Sends what it is given, and again where that helps, until `deadline`.

    Args:
        clock: waits, and says how late it is.
        chance: draws the pauses, in full.
        deadline: seconds of the clock's `monotonic`.
        alone: seconds that each call has to itself where there is no deadline.
    """

    def __init__(
        self, clock: ServiceClock, chance: ServiceChance, deadline: float | None = None, *, alone: float = ALONE
    ) -> None:
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

    def read(self, seconds: float, send: Callable[[], CallAnswer]) -> CallAnswer:
        """The answer to a read; each try takes at most `seconds`.

        Raises:
            StoreBusy, StoreUnavailable: the deadline has passed.
        """
        until, tries = self.until(), 0
        while True:
            if self.clock.monotonic() >= until:
                raise make_late()
            try:
                return self._send(seconds, until, send)
            except (StoreBusy, StoreUnavailable) as error:
                if not self.pause(until, tries, at_once=isinstance(error, StoreUnavailable)):
                    raise
            tries += 1

    def commit(self, addresses: Sequence[RecordAddress], send: Callable[[], object]) -> None:
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
            except ConflictingTransaction:
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
        raise _make_unknown() if unknown else _make_unwritten() if tries else make_late()

    def pause(self, until: float, tries: int, *, at_once: bool = False) -> bool:
        """Wait before the next try, if that leaves time. `at_once`: the first time not, for a connection that broke."""
        left = until - self.clock.monotonic()
        pause = BACKOFF.wait(tries + 1, _draw_none if at_once and not tries else self.chance.uniform, left=left)
        if pause is None:
            return False
        if pause:
            self.clock.sleep(pause)
        return True

    def _send(
        self, seconds: float, until: float, send: Callable[[], CallAnswer], addresses: Sequence[RecordAddress] = ()
    ) -> CallAnswer:
        with translate_errors(addresses), HttpExchange(min(seconds, until - self.clock.monotonic())):
            return send_readably(send)


def _draw_none(_: float) -> float:
    return 0.0


def make_late() -> StoreUnavailable:
    """Other calls took all the time that there was."""
    return StoreUnavailable("The store was too slow for this request. Try again.", retry_after=1)


def _make_unknown() -> StoreUnavailable:
    return StoreUnavailable(
        "The store did not confirm this write in time: it may have happened or not. Send it again with the same "
        "Idempotency-Key.",
        retry_after=1,
    )


def _make_unwritten() -> StoreBusy:
    return StoreBusy("The store is too busy for this write. Nothing was written. Try again.", retry_after=1)
