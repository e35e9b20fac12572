"""Functions that a schedule starts. Each module with a `handler` is a composition root of its own."""
