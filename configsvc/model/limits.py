"""Every limit, with where it comes from. Errors name the one that was passed."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

STORED_VALUE = 256 * KIB
"""Bytes of one stored value: an item holds it once, and DynamoDB's items end at 400 KB."""

KMS_PLAINTEXT = 4096
"""Bytes of plaintext that kms:Encrypt takes (AWS KMS API reference, Encrypt)."""

KMS_CIPHERTEXT = 6144
"""Bytes of ciphertext that kms:Decrypt takes (AWS KMS API reference, Decrypt)."""

OPERATIONS = 40
"""Operations of a change set: two items each, and TransactWriteItems takes 100 actions."""

CHANGE_SET_BYTES = 1 * MIB
"""Bytes of stored values in a change set, each written twice: TransactWriteItems takes 4 MB."""

CHANGE_SET_KIDS = 10
"""Data keys that one change set may use: one condition each, within the same 100 actions."""

LIVE_DATA_KEYS = 32
"""Data keys of a namespace that are not retired: HEAD counts each and stays under 4 KB."""

SEALS_PER_DATA_KEY = 2**20
"""Values sealed under one data key: far below the 2^32 of random 96-bit nonces (NIST SP 800-38D, 8.3)."""

SNAPSHOT_BYTES = 1 * MIB
"""Bytes of a namespace's snapshot as Lambda answers it, by default."""

SNAPSHOT_BYTES_MOST = 4 * MIB
"""The most that a namespace's setting allows: a synchronous Lambda answer ends at 6 MB."""

SNAPSHOTS_BYTES = 5 * MIB
"""Bytes of an answer with several snapshots; the rest is deferred."""

SNAPSHOTS_NAMESPACES = 10
"""Namespaces of one request for snapshots."""

REQUEST_BYTES = 2 * MIB
"""Bytes of a request's body."""

PAGE = 1000
"""Items of one page of a listing."""

MESSAGE = 1024
"""Characters of a change set's message."""

IDEMPOTENCY_KEY = 255
"""Characters of an Idempotency-Key."""

IDEMPOTENCY_SECONDS = 24 * 3600
"""How long an Idempotency-Key is kept."""

WRAPPED_DATA_KEY = 1024
"""Characters of a wrapped data key in base64; AWS answers about 184 bytes."""

JSON_DEPTH = 64
"""Nesting of JSON that is taken."""

GRANTS = 100
"""Grants of one principal."""

GRANT_PATTERNS = 1000
"""Patterns in all grants of one principal: 64 characters each, and an item ends at 400 KB."""
