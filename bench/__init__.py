"""Benchmarks against the alternatives: both sides in one run, interleaved, ratios of medians."""
