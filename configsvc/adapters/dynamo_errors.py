"""botocore's errors in our words: the one place that knows both."""

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

from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.service.ports import LostRace, StoreBusy, StoreUnavailable
from configsvc.service.records import Address

_FAILED, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_BUSY_REASONS = {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
_BUSY = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_UNDER_WAY = "TransactionInProgressException"
_SERVER_FAULT = 500

_BROKEN = (HTTPClientError, ConnectionError, TimeoutError)  # broken off, never begun, not in time
_UNSIGNED = (CredentialRetrievalError, MetadataRetrievalError)  # whoever gives credentials out failed
_NO_ANSWER = (*_BROKEN, *_UNSIGNED)
_UNREADABLE = (ResponseParserError, ValueError, AttributeError, TypeError)  # botocore's, of JSON of another shape

Answer = TypeVar("Answer")


class Conflicting(LostRace):
    """Another transaction was at the same items at the same time; that may be this one, sent before."""


@contextmanager
def translated(addresses: Sequence[Address] = ()) -> Iterator[None]:
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
        raise _translation(error, addresses) from error
    except _NO_ANSWER as error:
        raise unavailable() from error
    except BotoCoreError as error:
        raise Internal("The service cannot reach its table. Its log says why.") from error


def readable(send: Callable[[], Answer]) -> Answer:
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


def unavailable() -> StoreUnavailable:
    """The store does not answer now."""
    return StoreUnavailable("The store does not answer. Try again.", retry_after=1)


def busy() -> StoreBusy:
    """The store refuses, because it has too much to do."""
    return StoreBusy("The store is busy. Try again.", retry_after=1)


def _translation(error: ClientError, addresses: Sequence[Address]) -> LostRace | ConfigsvcError:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return _cancelled(
            [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])], addresses
        )
    if code in _BUSY:
        return busy()
    if code == _UNDER_WAY or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_FAULT:
        return unavailable()
    return Internal("The service's table does not answer as it should. Its log says why.")


def _cancelled(reasons: Sequence[str], addresses: Sequence[Address]) -> LostRace | ConfigsvcError:
    if _FAILED in reasons:
        return LostRace(_named(reasons, addresses))
    if _CONFLICT in reasons:
        return Conflicting(_named(reasons, addresses))
    if _BUSY_REASONS & set(reasons):
        return busy()
    return Internal("The service's table refused a write. Its log says why.")


def _named(reasons: Sequence[str], addresses: Sequence[Address]) -> list[Address]:
    lost = {_FAILED, _CONFLICT}
    return [address for address, reason in zip(addresses, reasons, strict=False) if reason in lost]
