"""Calls to DynamoDB within a deadline: retries, and the translation of errors."""

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

from configsvc.adapters.dynamo_http import HttpExchange
from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.model.retry import Backoff
from configsvc.service.engine.ports import LostRace, ServiceChance, ServiceClock, StoreBusy, StoreUnavailable
from configsvc.service.engine.records import RecordAddress

_FAILED, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_BUSY_REASONS = {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
_BUSY = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_UNDER_WAY = "TransactionInProgressException"
_SERVER_FAULT = 500

_BROKEN = (HTTPClientError, ConnectionError, TimeoutError)  # broken off, never started, or too slow
_UNSIGNED = (CredentialRetrievalError, MetadataRetrievalError)  # the credential provider failed
_NO_ANSWER = (*_BROKEN, *_UNSIGNED)


class ConflictingTransaction(LostRace):
    """Another transaction used the same items at the same time. It may be an earlier attempt of this one."""


@contextmanager
def translate_errors(addresses: Sequence[RecordAddress] = ()) -> Iterator[None]:
    """Translates errors raised inside the block. `addresses` are those of a transaction's actions, in order.

    Raises:
        LostRace: a condition failed, or another transaction used the same items (ConflictingTransaction).
        StoreBusy: throttled; nothing was written.
        StoreUnavailable: no response, or an internal error of DynamoDB. A write may still have happened.
        Internal: anything else, such as a missing table or a missing permission.
    """
    try:
        yield
    except ClientError as error:
        raise _translate(error, addresses) from error
    except _NO_ANSWER as error:
        raise make_unavailable() from error
    except BotoCoreError as error:
        raise Internal("The service cannot reach its table. See its log for the reason.") from error


def make_unavailable() -> StoreUnavailable:
    """The error for a store that does not respond."""
    return StoreUnavailable("The store does not respond. Try again.", retry_after=1)


def make_busy() -> StoreBusy:
    """The error for a store that is throttling."""
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
    return Internal("The service's table returned an error. See the service's log for the reason.")


def _translate_cancelled(reasons: Sequence[str], addresses: Sequence[RecordAddress]) -> LostRace | ConfigsvcError:
    if _FAILED in reasons:
        return LostRace(_name_addresses(reasons, addresses))
    if _CONFLICT in reasons:
        return ConflictingTransaction(_name_addresses(reasons, addresses))
    if _BUSY_REASONS & set(reasons):
        return make_busy()
    return Internal("The service's table refused a write. See the service's log for the reason.")


def _name_addresses(reasons: Sequence[str], addresses: Sequence[RecordAddress]) -> list[RecordAddress]:
    lost = {_FAILED, _CONFLICT}
    return [address for address, reason in zip(addresses, reasons, strict=False) if reason in lost]


RECORD_SECONDS = 1.0
"""Seconds for one attempt to read a record. It takes 5 ms, and a lost packet should cost no more than this."""

PAGE_SECONDS = 2.0
"""Seconds for one attempt to read a page of 1 MB or a batch of 16 MB."""

COMMIT_SECONDS = 2.5
"""Seconds for one attempt of a transaction."""

COMMIT_LEAST = 0.5
"""With fewer seconds left, no transaction is sent, because its response would come too late."""

ALONE = 8.0
"""Seconds for a call that belongs to no request."""

BACKOFF = Backoff(first=0.025, most=0.5)

CallAnswer = TypeVar("CallAnswer")


class Calls:
    """Sends calls, and retries them where that helps, until `deadline`.

    Args:
        clock: waits, and gives the time.
        chance: draws the pauses (full jitter).
        deadline: seconds of the clock's `monotonic`.
        alone: seconds for each call if there is no deadline.
    """

    def __init__(
        self, clock: ServiceClock, chance: ServiceChance, deadline: float | None = None, *, alone: float = ALONE
    ) -> None:
        self.clock = clock
        self.chance = chance
        self._deadline = deadline
        self._alone = alone

    def within(self, deadline: float) -> Calls:
        """The same calls, with a deadline."""
        return Calls(self.clock, self.chance, deadline)

    def until(self) -> float:
        """When a call that starts now must end."""
        return self.clock.monotonic() + self._alone if self._deadline is None else self._deadline

    def read(self, seconds: float, send: Callable[[], CallAnswer]) -> CallAnswer:
        """Reads, and returns the response. Each attempt takes at most `seconds`.

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
        """Sends a transaction until its outcome is known. `send` always sends the same one, with the same token.

        After an attempt without a response, the next one may conflict with that earlier attempt.

        Raises:
            LostRace: nothing was written.
            StoreBusy: nothing was written, because DynamoDB is throttling.
            StoreUnavailable: it may or may not be written; or the deadline was too close to send it.
            Internal: it was refused, and no attempt before it went without a response.
            Internal: DynamoDB refused the first attempt that it answered, and no other was sent before.
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
            except Internal as error:
                raise (_make_unknown() if unknown else error) from error.__cause__
            else:
                return
            tries += 1
            if not self.pause(until - COMMIT_LEAST, tries - 1, at_once=at_once):
                break
        raise _make_unknown() if unknown else _make_unwritten() if tries else make_late()

    def pause(self, until: float, tries: int, *, at_once: bool = False) -> bool:
        """Waits before the next attempt, if time is left. With `at_once` the first retry is immediate."""
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
            return send()


def _draw_none(_: float) -> float:
    return 0.0


def make_late() -> StoreUnavailable:
    """The error for a deadline that other calls used up."""
    return StoreUnavailable("The store was too slow for this request. Try again.", retry_after=1)


def _make_unknown() -> StoreUnavailable:
    return StoreUnavailable(
        "The store did not confirm this write in time: it may or may not have happened. Send it again with the same "
        "Idempotency-Key.",
        retry_after=1,
    )


def _make_unwritten() -> StoreBusy:
    return StoreBusy("The store is too busy for this write. Nothing was written. Try again.", retry_after=1)
