"""What `--debug` tells of a request: method, route, status, time, correlation id. Never a query, header or body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configsvc_client.cli import _terminal

if TYPE_CHECKING:
    from configsvc_client.admin import Exchange


def tell(exchange: Exchange) -> None:
    """One line on stderr."""
    status = exchange.status or "no answer"
    told = f"{exchange.method} {exchange.route} {status} {exchange.seconds * 1000:.0f} ms {exchange.correlation_id}"
    _terminal.say(f"configsvc: {told}".rstrip())
