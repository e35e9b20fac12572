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
"""Bytes of stored values in a change set; each stands in two items of its transaction."""

TRANSACTION_BYTES = 4_000_000
"""Bytes of all items of a transaction (Amazon DynamoDB API reference, TransactWriteItems: 4 MB)."""

TRANSACTION_VALUES = TRANSACTION_BYTES - 200_000
"""Bytes of the stored values among them: a staged put writes what its key serves anew. The rest is for all else."""

TRANSACTION_ACTIONS = 100
"""Actions of a transaction (DynamoDB API reference)."""

TRANSACTION_ITEMS = TRANSACTION_VALUES // STORED_VALUE
"""Items with values of any size that a transaction checks or removes: whether they count its reference leaves open."""

CHANGE_SET_KIDS = 10
"""Data keys that one change set may use: one condition each, within the same 100 actions."""

LIVE_DATA_KEYS = 32
"""Data keys of a namespace that are not retired: HEAD counts each and stays under 4 KB."""

SEALS_PER_DATA_KEY = 2**20
"""Values sealed under one data key: far below the 2^32 of random 96-bit nonces (NIST SP 800-38D, 8.3)."""

SNAPSHOT_BYTES = 1 * MIB
"""Bytes of a namespace's snapshot as the Lambda runtime in use answers it, by default."""

SNAPSHOT_BYTES_MOST = 4 * MIB
"""The most that a namespace's setting allows: a synchronous Lambda answer ends at 6 MB."""

ANSWERABLE = 6_000_000
"""Bytes of a snapshot where everything above ASCII is escaped, whatever the runtime in use does: any runtime that the
stage changes to can answer it. Lambda takes 6,291,556 bytes; the rest is for headers and for data keys wrapped anew."""

SNAPSHOTS_BYTES = 5 * MIB
"""Bytes of an answer with several snapshots; the rest is deferred."""

SNAPSHOTS_NAMESPACES = 10
"""Namespaces of one request for snapshots."""

REQUEST_BYTES = 2 * MIB
"""Bytes of a request's body."""

REQUEST_PARTS = 20_000
"""Members of objects and items of lists in a request's body: 32 KiB of schemas have 16,000, and each one that is wrong
costs 50 µs, far more than it took to send."""

PAGE = 1000
"""Items of one page of a listing."""

PAGE_BYTES = 3 * MIB
"""Bytes of a page after which it ends, of 6 MB in Lambda's answer. The item that passes it adds 2.4 MB at most:
DynamoDB keeps it in 400 KB, and no byte of those takes more than six."""

LOG_FANOUT = 16
"""Log records that one summary of the first level covers, and summaries that one of the next level covers."""

LOG_BYTES = 2 * MIB
"""Bytes of the change log and its summaries, before compression, that a page of the log with a filter is found in."""

HISTORY_BYTES = 24 * MIB
"""Bytes of summaries, before compression, that a past revision is read out of: 70 that name 5,000 keys of 40 characters
each. Making them out takes 0.05 to 0.1 s a MiB, by how short the keys are: 2.5 s for all."""

SUMMARY_BYTES = 360 * KIB
"""Compressed bytes of the keys of a summary: an item ends at 400 KB. What has more is read of the level below."""

SUMMARY_UNPACKED = 8 * MIB
"""Bytes that the keys of a summary unpack to: forty thousand keys of 200 characters."""

SUMMARY_PRINCIPALS = 16
"""Principals that a summary of the log names; of more it says only that there are more."""

IF_NONE_MATCH = 8 * KIB
"""Characters of an If-None-Match that is looked at; our longest ETag has 1,100, API Gateway takes 10,240 of headers."""

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

DESCRIPTION = 1024
"""Characters of a namespace's description."""

SCHEMAS = 50
"""Schemas of a namespace."""

SCHEMA_BYTES = 16 * KIB
"""Bytes of one schema of plain values, as canonical JSON."""

SCHEMAS_BYTES = 32 * KIB
"""Bytes of all schemas of a namespace: they are read with each write."""

SCHEMA_NODES = 1000
"""Subschemas of a schema with each definition counted wherever it is named: what checking a value may cost."""

SCHEMA_DEPTH = 32
"""Nesting of a schema, definitions counted."""

SCHEMA_PATTERNS = 32
"""Regular expressions in a schema."""

SCHEMAS_PATTERNS = 64
"""Regular expressions in all schemas of a namespace: each takes up to 2 ms to compile, in every new function."""

SCHEMA_WORK = 150_000
"""Steps that checking the plain values of one request may take: parts of the schemas times size of the values
(configsvc.model.schema_cost). A step takes about 1 µs at most (docs/DECISIONS.md has the measurements)."""

SCHEMA_PATTERN = 256
"""Characters of a regular expression in a schema."""

POINTER = 500
"""Characters of a JSON pointer in an error."""

RETENTION_VERSIONS = 10_000
"""The most versions of a key that retention counts; no number at all keeps every one."""

RETENTION_DAYS = 36_500
"""The most days that retention counts, of the change log or of deleted keys; no number at all keeps everything."""

REVISION_MOST = 10**9
"""The highest revision that a client begins with, one write a second for thirty years; or REVISION_JUMP above the
least one that it is set."""

REVISION_JUMP = 10**6
"""By how much a revision may pass the one that a client holds: whoever raises it further is refused, so that what came
before can be reached again."""

REVISION_LIFT = 9 * 10**9
"""The highest revision that a lift goes to: versions follow it, and their sort keys have ten digits. It is 8,000 jumps
above REVISION_MOST: a client that polls each minute has to be led on for five days before a lift cannot reach it."""

REVISION_LIFT_OWN = REVISION_MOST // 2
"""The highest revision that an administrator of that namespace alone lifts to. Above REVISION_MOST no process begins
with it any more, which nobody can take back; half of it leaves room for the writes that follow."""

REVISION_END = 10**10
"""No revision gets here: one that has more than ten digits was not counted by the service."""

EXACT = 2**53
"""The highest number that every reader of JSON takes exactly (RFC 8259, section 6); ours refuse more."""

UPKEEP_LOG = 990
"""Change-log records that one upkeep takes away."""

UPKEEP_SUMMARIES = 99
"""Summaries of the change log that one upkeep takes away: what 990 records have, and more."""

UPKEEP_VERSIONS = 500
"""Versions that one upkeep takes away."""

UPKEEP_LOOKED = 1000
"""Versions that one upkeep looks at: 256 MB if each is as large as may be, and then time ends it first."""

UPKEEP_SECONDS = 3.0
"""Seconds after which an upkeep begins with no other key."""

GRANTS = 100
"""Grants of one principal."""

GRANT_PATTERNS = 1000
"""Patterns in all grants of one principal: 64 characters each, and an item ends at 400 KB."""
