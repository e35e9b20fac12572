"""Advice for each error, by its code."""

from __future__ import annotations

ADVICE = {
    "invalid_request": "Correct the request: `field` or `errors` name what is wrong. The same request will not pass.",
    "invalid_name": "Correct the spelling of the namespace, key, kid or principal.",
    "forbidden": "Check the API key, the signature (SigV4, `execute-api`) and `GET /v1/whoami`; ask for a grant.",
    "not_found": "Check the name and, with `GET /v1/whoami`, that you may read it: what you may not read looks absent.",
    "method_not_allowed": "Use a method that `Allow` names.",
    "conflict": "Change what stands in the way, which `detail` names, or leave it.",
    "version_claimed": "Seal again for `next_version`; somebody else wrote first.",
    "already_exists": "Take another name or id; or leave it, for it is there.",
    "gone": "Ask for something younger: `oldest` is the oldest revision that is kept.",
    "precondition_failed": "Read again, look at what changed, and send the write with the new ETag.",
    "too_large": (
        "Send less: `size` is more than `limit`, in bytes of the value where `key` names one. A namespace that is full "
        "needs a higher `snapshot_bytes` (4 MiB at most), fewer keys, or large values in S3."
    ),
    "unsupported_media_type": "Send JSON in UTF-8 with `Content-Type: application/json`.",
    "unprocessable": "Correct the value: it is not what its form or content type says, or the settings forbid it.",
    "invalid_envelope": "Seal the value for this namespace, key and version, under a live data key of the namespace.",
    "invalid_value": "Correct the value at `pointer`, or the schema of the key in the settings.",
    "idempotency_mismatch": "Take a new Idempotency-Key: this one was used for another request.",
    "precondition_required": (
        "Send `If-Match` with the ETag that you read or, for a put, `If-None-Match: *`; in a change set `if_match` or "
        "`create_only`."
    ),
    "throttled": "Wait for `Retry-After` seconds, then try again, with backoff.",
    "contended": "Nothing was written. Wait for `Retry-After` seconds, then try again; use change sets to write much.",
    "internal": "Try again with the same Idempotency-Key; if it stays, the correlation id finds it in the logs.",
    "unavailable": "Wait for `Retry-After` seconds, then send it again with the same Idempotency-Key.",
}
