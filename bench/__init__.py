"""Side by side with what people would use instead: both sides in one run, interleaved, ratios of medians."""
