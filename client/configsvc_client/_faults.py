"""Why an exchange failed, between the parts of the transport; `_http` makes our errors of them."""

from __future__ import annotations


class BadAnswer(Exception):
    """What came is no complete HTTP answer within the limits; names the fault, never the content."""


class NoTunnel(BadAnswer):
    """A proxy gave no connection to the other side, so nothing reached that."""


class Dead(Exception):
    """A connection gave nothing of an answer: the other side had closed it."""
