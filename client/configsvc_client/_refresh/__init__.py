"""Keep what is held up to date: loading, polling, callbacks and the state that they share."""
