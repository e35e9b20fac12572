"""botocore's errors in our words: the one place that knows both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004  # its name

from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.service.ports import LostRace, StoreUnavailable
from configsvc.service.records import Address

_LOST = {"ConditionalCheckFailed", "TransactionConflict"}
_BUSY_REASONS = {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
_BUSY = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
}
_SERVER_FAULT = 500


@contextmanager
def translated(addresses: Sequence[Address] = ()) -> Iterator[None]:
    """What happens inside, in our words; `addresses` are those of a transaction's actions, in their order.

    Raises:
        LostRace: a condition did not hold, or another transaction was at the same items.
        StoreUnavailable: throttled, or no answer; a write may have happened all the same.
        Internal: anything else, such as a missing table or a missing permission.
    """
    try:
        yield
    except ClientError as error:
        raise _translation(error, addresses) from error
    except (HTTPClientError, ConnectionError) as error:  # an exchange that broke off, and one that never began
        raise unavailable() from error
    except BotoCoreError as error:
        raise Internal("The service cannot reach its table. Its log says why.") from error


def unavailable() -> StoreUnavailable:
    """The store does not answer now."""
    return StoreUnavailable("The store is busy or does not answer. Try again.", retry_after=1)


def _translation(error: ClientError, addresses: Sequence[Address]) -> LostRace | ConfigsvcError:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return _cancelled(
            [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])], addresses
        )
    if code in _BUSY or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_FAULT:
        return unavailable()
    return Internal("The service's table does not answer as it should. Its log says why.")


def _cancelled(reasons: Sequence[str], addresses: Sequence[Address]) -> LostRace | ConfigsvcError:
    lost = [address for address, reason in zip(addresses, reasons, strict=False) if reason in _LOST]
    if lost:
        return LostRace(lost)
    if _BUSY_REASONS & set(reasons):
        return unavailable()
    return Internal("The service's table refused a write. Its log says why.")
