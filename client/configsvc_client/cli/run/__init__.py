"""Programs that the command line starts: the command of `configsvc exec`, and editors."""
