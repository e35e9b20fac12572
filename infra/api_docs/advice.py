"""Advice for each error, by its code."""

from __future__ import annotations

ADVICE = {
    "invalid_request": "Correct the request: `field` or `errors` show what is wrong. Retrying does not help.",
    "invalid_name": "Correct the spelling of the namespace, key, kid or principal.",
    "forbidden": "Check the API key, the signature (SigV4, `execute-api`) and `GET /v1/whoami`. Ask for a grant.",
    "not_found": "Check the name, and with `GET /v1/whoami` that you may read it. Without permission it looks absent.",
    "method_not_allowed": "Use one of the methods in `Allow`.",
    "conflict": "Resolve the conflict that `detail` describes.",
    "version_claimed": "Seal the value again for `next_version`, because somebody else wrote first.",
    "already_exists": "Use another name or id, or keep the existing one.",
    "gone": "Request a newer revision: `oldest` is the oldest one that is kept.",
    "precondition_failed": "Read it again, check what changed, and repeat the write with the new ETag.",
    "too_large": (
        "Send less: `size` exceeds `limit`; with `key`, both are bytes of its value. A namespace that is full "
        "needs a higher `snapshot_bytes` (4 MiB at most), fewer keys, or large values in S3."
    ),
    "unsupported_media_type": "Send JSON in UTF-8 with `Content-Type: application/json`.",
    "unprocessable": "Correct the value: it does not match its form or content type, or the settings forbid it.",
    "invalid_envelope": "Seal the value for this namespace, key and version, under a live data key of the namespace.",
    "invalid_value": "Correct the value at `pointer`, or the schema of the key in the settings.",
    "idempotency_mismatch": "Use a new Idempotency-Key: this one was used for a different request.",
    "precondition_required": (
        "Send `If-Match` with the ETag that you read or, for a put, `If-None-Match: *`; in a change set, `if_match` or "
        "`create_only`."
    ),
    "throttled": "Wait for `Retry-After` seconds, then retry with backoff.",
    "contended": "Nothing was written. Wait for `Retry-After` seconds and retry. Use change sets for many writes.",
    "internal": "Retry with the same Idempotency-Key. If it persists, search the logs for the correlation id.",
    "unavailable": "Wait for `Retry-After` seconds, then retry with the same Idempotency-Key.",
}
