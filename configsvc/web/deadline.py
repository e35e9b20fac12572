"""How long a request may take: well below the function's timeout, so that its end is an answer of ours."""

from __future__ import annotations

READ_SECONDS, WRITE_SECONDS = 3.0, 8.0
MARGIN_SECONDS = 1.0
"""What is left for making the answer, before Lambda ends the function."""

_READS = "GET"


def seconds_allowed(method: str, context: object) -> float:
    """What a request has from its beginning on.

    Args:
        method: GET reads; all others write.
        context: Lambda's context of the invocation; elsewhere there is no such limit.
    """
    most = READ_SECONDS if method == _READS else WRITE_SECONDS
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return min(most, remaining() / 1000 - MARGIN_SECONDS) if remaining else most
