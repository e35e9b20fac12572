"""From a sealed snapshot to values: trusted KMS keys, data keys, envelopes, content types."""
