"""What a route takes and answers, said once beside it.

The wrapper checks each request by it, and the OpenAPI document is made of it, so neither can drift from the other.
Making one is cheap: every cold start makes them all. Bodies are named here and loaded elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model.errors import ConfigsvcError, InvalidRequest

Access = Literal["open", "key", "signed"]
Right = Literal["open", "any", "read", "write", "admin", "admin on *"]

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,14}")


class Number(NamedTuple):
    """A whole number, from `least` to `most`, in its one decimal spelling."""

    least: int
    most: int


class Text(NamedTuple):
    """A text. The verb that gets it checks its spelling; `shape` is what the OpenAPI document calls that."""

    shape: str
    may_be_empty: bool = False


class Parameter(NamedTuple):
    """A parameter of path or query.

    Args:
        name: as it is sent.
        about: what it means.
        takes: what it may be.
        example: a value that it takes.
        required: whether a request without it is refused.
        most: how often it may be given.
    """

    name: str
    about: str
    takes: Number | Text
    example: str | int
    required: bool = False
    most: int = 1

    def number(self, text: str) -> int:
        """The number that a text spells.

        Raises:
            InvalidRequest: none, or one out of bounds.
        """
        least, most = self.takes if isinstance(self.takes, Number) else (0, -1)
        if not _DECIMAL.fullmatch(text) or not least <= int(text) <= most:
            raise InvalidRequest(f"{self.name} is a number from {least} to {most}.", field=self.name)
        return int(text)


class Description(NamedTuple):
    """What a route is for, whom it is for, and all that it takes and answers.

    Args:
        about: one line.
        right: what the caller must be granted.
        answers: name of the body (configsvc.web.bodies) by status of success; None where there is no body.
        details: sentences that a person needs beyond `about`.
        query: the query parameters; others are refused.
        conditions: the conditional headers, in lower case; other preconditions are refused.
        body: name of the body (configsvc.web.bodies) that it takes; None where it takes none.
        body_required: whether leaving the body out is an error.
        idempotent: whether it takes an Idempotency-Key.
        errors: what it answers beyond what every route of its kind may.
    """

    about: str
    right: Right
    answers: Mapping[int, str | None]
    details: str = ""
    query: tuple[Parameter, ...] = ()
    conditions: tuple[str, ...] = ()
    body: str | None = None
    body_required: bool = True
    idempotent: bool = False
    errors: tuple[type[ConfigsvcError], ...] = ()


class Route(NamedTuple):
    """A route with its description; `name` is that of its view, `subject` that of the module where it stands."""

    method: str
    path: str
    name: str
    subject: str
    access: Access
    description: Description
