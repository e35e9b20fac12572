"""Every limit and its source. Errors name the limit that was exceeded."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

STORED_VALUE = 256 * KIB
"""Bytes of one stored value: an item contains it once, and DynamoDB limits items to 400 KB."""

KMS_PLAINTEXT = 4096
"""Bytes of plaintext that kms:Encrypt takes (AWS KMS API reference, Encrypt)."""

KMS_CIPHERTEXT = 6144
"""Bytes of ciphertext that kms:Decrypt takes (AWS KMS API reference, Decrypt)."""

OPERATIONS = 40
"""Operations of a change set: two items each, and TransactWriteItems takes 100 actions."""

CHANGE_SET_BYTES = 1 * MIB
"""Bytes of stored values in a change set; each is in two items of the transaction."""

TRANSACTION_BYTES = 4_000_000
"""Bytes of all items of a transaction (Amazon DynamoDB API reference, TransactWriteItems: 4 MB)."""

TRANSACTION_VALUES = TRANSACTION_BYTES - 200_000
"""Bytes of stored values in a transaction: a staged put also rewrites the served value. The rest is for other data."""

TRANSACTION_ACTIONS = 100
"""Actions of a transaction (DynamoDB API reference)."""

TRANSACTION_ITEMS = TRANSACTION_VALUES // STORED_VALUE
"""Items with values of any size that a transaction checks or removes. The reference leaves open if they count."""

CHANGE_SET_KIDS = 10
"""Data keys that one change set may use: one condition each, within the same 100 actions."""

LIVE_DATA_KEYS = 32
"""Data keys of a namespace that are not retired: HEAD has a count for each and stays under 4 KB."""

SEALS_PER_DATA_KEY = 2**20
"""Values sealed under one data key: far below the 2^32 of random 96-bit nonces (NIST SP 800-38D, 8.3)."""

SEALS_NEAR = SEALS_PER_DATA_KEY * 8 // 10
"""Seals after which upkeep reports a data key: at the limit, no value can be sealed under it."""

DATA_KEY_SECONDS = 90 * 24 * 3600
"""Age after which upkeep reports a live data key, in seconds."""

SNAPSHOT_BYTES = 1 * MIB
"""Bytes of a namespace's snapshot as the current Lambda runtime returns it, by default."""

SNAPSHOT_BYTES_MOST = 4 * MIB
"""The highest value of that setting: a synchronous Lambda response is limited to 6 MB."""

ANSWERABLE = 6_000_000
"""Bytes of a snapshot with all non-ASCII characters escaped, whatever the current runtime does, so that the stage can
change to any runtime. Lambda takes 6,291,556 bytes; the rest is for headers and for data keys that are rewrapped."""

SNAPSHOTS_BYTES = 5 * MIB
"""Bytes of a response with several snapshots; the rest is deferred."""

SNAPSHOTS_NAMESPACES = 10
"""Namespaces in one request for snapshots."""

REQUEST_BYTES = 2 * MIB
"""Bytes of a request's body."""

REQUEST_PARTS = 20_000
"""Object members and list items in a request's body: 32 KiB of schemas have 16,000, and each invalid one costs 50 µs,
far more than sending it."""

PAGE = 1000
"""Items of one page of a listing."""

PAGE_BYTES = 3 * MIB
"""Bytes after which a page ends, of the 6 MB of Lambda's response. The last item adds 2.4 MB at most: DynamoDB limits
it to 400 KB, and no byte of it takes more than six."""

LOG_FANOUT = 16
"""Log records in one summary of the first level, and summaries in one of the next level."""

LOG_BYTES = 2 * MIB
"""Uncompressed bytes of the change log and its summaries that are searched for one filtered page."""

HISTORY_BYTES = 24 * MIB
"""Uncompressed bytes of summaries that are read to reconstruct a past revision: 70 summaries with 5,000 keys of 40
characters each. Decoding takes 0.05 to 0.1 s per MiB, depending on the length of the keys: 2.5 s in all."""

SUMMARY_BYTES = 360 * KIB
"""Compressed bytes of the keys of a summary: an item is limited to 400 KB. Beyond that, the level below is read."""

SUMMARY_UNPACKED = 8 * MIB
"""Uncompressed bytes of the keys of a summary: forty thousand keys of 200 characters."""

SUMMARY_PRINCIPALS = 16
"""Principals that a log summary names; beyond that, it only notes that there are more."""

IF_NONE_MATCH = 8 * KIB
"""Characters of an If-None-Match that is read. Our longest ETag has 1,100; API Gateway allows 10,240 in all."""

MESSAGE = 1024
"""Characters of a change set's message."""

IDEMPOTENCY_KEY = 255
"""Characters of an Idempotency-Key."""

IDEMPOTENCY_SECONDS = 24 * 3600
"""How long an Idempotency-Key is kept."""

WRAPPED_DATA_KEY = 1024
"""Characters of a wrapped data key in base64; AWS returns about 184 bytes."""

JSON_DEPTH = 64
"""Accepted nesting depth of JSON."""

DESCRIPTION = 1024
"""Characters of a namespace's description."""

SCHEMAS = 50
"""Schemas of a namespace."""

SCHEMA_BYTES = 16 * KIB
"""Bytes of one schema of plain values, as canonical JSON."""

SCHEMAS_BYTES = 32 * KIB
"""Bytes of all schemas of a namespace, which are read with each write."""

SCHEMA_NODES = 1000
"""Subschemas of a schema, counting each definition wherever it is used. This bounds the cost of checking a value."""

SCHEMA_DEPTH = 32
"""Nesting depth of a schema, including definitions."""

SCHEMA_PATTERNS = 32
"""Regular expressions in a schema."""

SCHEMAS_PATTERNS = 64
"""Regular expressions in all schemas of a namespace: each takes up to 2 ms to compile in every new instance."""

SCHEMA_WORK = 150_000
"""Steps allowed for checking the plain values of one request: parts of the schemas times size of the values
(configsvc.model.schema_cost). A step takes about 1 µs at most (docs/DECISIONS.md has the measurements)."""

SCHEMA_PATTERN = 256
"""Characters of a regular expression in a schema."""

POINTER = 500
"""Characters of a JSON pointer in an error."""

RETENTION_VERSIONS = 10_000
"""The highest retention setting for versions of a key; null keeps all of them."""

RETENTION_DAYS = 36_500
"""The highest retention setting in days, for the change log and for deleted keys; null keeps everything."""

REVISION_MOST = 10**9
"""The highest revision that a client accepts at first: one write a second for thirty years. With a configured minimum,
REVISION_JUMP above that if it is higher."""

REVISION_JUMP = 10**6
"""How far a revision may be above the client's current one. Larger jumps are refused, so that the service can get back
to revisions that clients accept."""

REVISION_LIFT = 9 * 10**9
"""The highest revision that a lift accepts: versions follow it, and their sort keys have ten digits. It is 8,000 jumps
above REVISION_MOST: an attacker has to mislead a client that polls every minute for five days to get beyond a lift."""

REVISION_LIFT_OWN = REVISION_MOST // 2
"""The highest revision to which an administrator of only that namespace may lift it. Above REVISION_MOST no new process
accepts it, which cannot be undone; half of that leaves room for later writes."""

REVISION_END = 10**10
"""No revision reaches this: the service never counts to more than ten digits."""

EXACT = 2**53
"""The highest number that every JSON parser reads exactly (RFC 8259, section 6); ours refuse higher ones."""

UPKEEP_LOG = 990
"""Change-log records that one upkeep call deletes."""

UPKEEP_SUMMARIES = 99
"""Change-log summaries that one upkeep call deletes: more than 990 records have."""

UPKEEP_VERSIONS = 500
"""Versions that one upkeep call deletes."""

UPKEEP_LOOKED = 1000
"""Versions that one upkeep call reads: up to 256 MB, though time ends it earlier if they are that large."""

UPKEEP_SECONDS = 3.0
"""Seconds after which an upkeep call starts no further key."""

GRANTS = 100
"""Grants of one principal."""

GRANT_PATTERNS = 1000
"""Patterns in all grants of one principal: 64 characters each, and an item is limited to 400 KB."""
