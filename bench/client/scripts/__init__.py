"""Scripts for the peers' Python, each run in its own process; none is imported."""
