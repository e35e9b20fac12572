"""Open sealed snapshots: trusted KMS keys, data keys, envelopes, content types."""
