"""Run by the peers' Python, each in a process of its own; none is imported."""
