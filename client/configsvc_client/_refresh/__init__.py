"""Keep the values up to date: loading, polling, callbacks and the state that they share."""
