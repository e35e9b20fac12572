"""What a route takes and answers, said once beside it.

The wrapper checks each request by it, and the OpenAPI document is made of it, so neither can drift from the other.
Making one is cheap: every cold start makes them all. Bodies are named here and loaded elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, InvalidRequest

RouteAccess = Literal["open", "key", "signed"]
Right = Literal["open", "any", "read", "write", "admin", "admin on *"]

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,14}")


class NumberParameter(NamedTuple):
    """A whole number, from `least` to `most`, in its one decimal spelling."""

    least: int
    most: int


class TextParameter(NamedTuple):
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
    takes: NumberParameter | TextParameter
    example: str | int
    required: bool = False
    most: int = 1

    def number(self, text: str) -> int:
        """The number that a text spells.

        Raises:
            InvalidRequest: none, or one out of bounds.
        """
        least, most = self.takes if isinstance(self.takes, NumberParameter) else (0, -1)
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
    access: RouteAccess
    description: Description


_REVISION = NumberParameter(1, 10**12 - 1)

PATH = {
    parameter.name: parameter
    for parameter in (
        Parameter("namespace", "The namespace.", TextParameter("Namespace"), "payments.prod", required=True),
        Parameter("key", "The key.", TextParameter("Key"), "db.url", required=True),
        Parameter("version", "A version of the key.", NumberParameter(1, 10**10 - 1), 3, required=True),
        Parameter(
            "kid",
            "The data key's id.",
            TextParameter("Kid"),
            "qLJ4bYxQ0b3nY0u6J1v8m2a7Z5k9c4w1t0R3xE8dP2Q",
            required=True,
        ),
    )
}

DEEP = Parameter("deep", "`true` also reads the table.", TextParameter("Flag"), "true")

LIMIT = Parameter("limit", "Items of one page at most.", NumberParameter(1, limits.PAGE), 100)
CURSOR = Parameter("cursor", "The cursor of the page before, to go on after it.", TextParameter("Cursor"), "ZGIudXJs")
PAGE = (LIMIT, CURSOR)
UPKEEP_CURSOR = CURSOR._replace(about="The cursor of the upkeep before, which was not done.")

NAMESPACE_PREFIX = Parameter(
    "prefix", "Only namespaces that begin so.", TextParameter("NamespacePrefix", may_be_empty=True), "payments."
)
KEY_PREFIX = Parameter("prefix", "Only keys that begin so.", TextParameter("KeyPrefix", may_be_empty=True), "db.")

VERSION = PATH["version"]._replace(about="That version, instead of the one that is served.", required=False)
REVISION = Parameter("revision", "Time travel: what readers got at that revision.", _REVISION, 41)
NAMESPACES = Parameter(
    "namespace", "A namespace; once for each that is wanted.", TextParameter("Namespace"), "payments.prod",
    required=True, most=limits.SNAPSHOTS_NAMESPACES,
)  # fmt: skip

SINCE = Parameter("since", "Only what came after that revision.", NumberParameter(0, 10**12 - 1), 41)
OF_KEY = Parameter("key", "Only what was done to that key.", TextParameter("Key"), "db.url")
BY_PRINCIPAL = Parameter(
    "principal", "Only what that principal did.", TextParameter("Principal"), "arn:aws:iam::123456789012:role/Deploy"
)
AFTER_TIME = Parameter(
    "after_time", "Only what was done at that time or later, in UTC.", TextParameter("Time"), "2027-01-15T08:00:00Z"
)
BEFORE_TIME = Parameter(
    "before_time", "Only what was done before that time, in UTC.", TextParameter("Time"), "2027-01-16"
)
ORDER = Parameter(
    "order", "`newest` begins with the newest record; left out, with the oldest.", TextParameter("Order"), "newest"
)
LOG = (SINCE, BY_PRINCIPAL, AFTER_TIME, BEFORE_TIME, ORDER, *PAGE)

FROM = Parameter("from", "The revision to compare from.", _REVISION, 40)
TO = Parameter("to", "The revision to compare with; the one now, where it is left out.", _REVISION, 42)
AGAINST = Parameter("against", "Another namespace, to compare with.", TextParameter("Namespace"), "payments.staging")

PRINCIPAL = Parameter("principal", "Whose grants.", TextParameter("Principal"), "api-key:a1b2c3d4e5")
THAT_PRINCIPAL = PRINCIPAL._replace(required=True)
