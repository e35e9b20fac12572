"""The first answer to an Idempotency-Key, kept 24 hours per principal, method and path.

Looked up after authorisation and before preconditions. Only committed writes are recorded; answers hold no values.
"""

from __future__ import annotations

from hashlib import sha256

from configsvc.model import limits
from configsvc.model.encoding import canonical_json
from configsvc.model.errors import IdempotencyMismatch, InvalidRequest
from configsvc.service import records
from configsvc.service.found import Found, one
from configsvc.service.ports import Caller, Idempotency, Moment, Outcome, Write
from configsvc.service.records import Address, Answer


def address(partition: str, caller: Caller, asked: Idempotency) -> Address:
    """Where the answer stands.

    Raises:
        InvalidRequest: an empty key, or one too long.
    """
    if not 0 < len(asked.key) <= limits.IDEMPOTENCY_KEY:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {limits.IDEMPOTENCY_KEY} characters.")
    bound = canonical_json([caller.principal, asked.method, asked.path, asked.key])
    return records.answer(partition, sha256(bound).hexdigest())


def first_answer(found: Found, at: Address, asked: Idempotency, now: Moment) -> Outcome | None:
    """What was answered first; an expired answer is absent, whatever the table has swept.

    Raises:
        IdempotencyMismatch: it answered another request.
    """
    answer = one(found, at, Answer)
    if answer is None or answer.expires <= now.seconds:
        return None
    if answer.request != asked.request:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request. Take a new one.")
    return Outcome(answer.status, answer.body, answer.etag)


def remember(  # noqa: PLR0917  # all of it is the record
    found: Found, at: Address, asked: Idempotency, given: Outcome, revision: int, now: Moment
) -> Write:
    """The write that keeps an answer, over an expired one where that still stands."""
    expired = one(found, at, Answer)
    expires = int(now.seconds) + limits.IDEMPOTENCY_SECONDS
    answer = Answer(at, revision, asked.request, given.status, given.body, given.etag, expires)
    return Write(answer, expired.revision if expired else None)
