"""How much load, and for how long."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """One run.

    Args:
        clients: simulated consumers, spread evenly over the namespaces.
        arriving: seconds over which they arrive.
        polling: seconds for which all of them then poll.
        poll: seconds between the polls of one, give or take 10 %.
        namespaces: written to in turn, one write a second; so each changes every so many seconds.
        entries: sealed values in each.
        processes: execution environments of the service.
    """

    clients: int
    arriving: int
    polling: int
    poll: float
    namespaces: int
    entries: int
    processes: int

    @property
    def seconds(self) -> int:
        """The whole run."""
        return self.arriving + self.polling


FULL = Plan(clients=2000, arriving=60, polling=60, poll=10, namespaces=20, entries=20, processes=4)
"""Each namespace changes every 20 s and each consumer asks every 10: it must see every change, and once."""

FLAT_OUT = Plan(clients=200, arriving=5, polling=20, poll=0.1, namespaces=20, entries=20, processes=4)
"""The load is four times what two cores can serve, so the throughput is their limit and the latency is the queue's."""
