"""Descriptions of routes: their parameters, bodies, permissions and errors.

Requests are checked against them, and the OpenAPI document is generated from them, so the two cannot diverge.
Creating one is cheap, because every cold start creates all of them. Bodies are only named here and loaded elsewhere.
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
    """A whole number from `least` to `most`, in canonical decimal."""

    least: int
    most: int


class TextParameter(NamedTuple):
    """A text. Its spelling is checked when it is used; `shape` names its schema in the OpenAPI document."""

    shape: str
    may_be_empty: bool = False


class Parameter(NamedTuple):
    """A parameter in the path or query.

    Args:
        name: its name in the request.
        about: its meaning.
        takes: its type.
        example: a valid value.
        required: whether a request without it is refused.
        most: how often it may be repeated.
    """

    name: str
    about: str
    takes: NumberParameter | TextParameter
    example: str | int
    required: bool = False
    most: int = 1

    def number(self, text: str) -> int:
        """Parses a number.

        Raises:
            InvalidRequest: not a number, or out of range.
        """
        least, most = self.takes if isinstance(self.takes, NumberParameter) else (0, -1)
        if not _DECIMAL.fullmatch(text) or not least <= int(text) <= most:
            raise InvalidRequest(f"{self.name} must be a number from {least} to {most}.", field=self.name)
        return int(text)


class Description(NamedTuple):
    """The purpose of a route, who may call it, and its requests and responses.

    Args:
        about: a one-line summary.
        right: the permission that the caller needs.
        answers: the body's name (configsvc.web.bodies) for each status of success; None for no body.
        details: a description that complements `about`.
        query: the query parameters; all others are refused.
        conditions: the conditional headers, in lower case; other preconditions are refused.
        body: the name of the request body (configsvc.web.bodies); None for no body.
        body_required: whether the body is mandatory.
        idempotent: whether it accepts an Idempotency-Key.
        errors: errors beyond those that every route of its kind may return.
        subject: the heading that the documents list it under; by default the name of its module.
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
    subject: str = ""


class Route(NamedTuple):
    """A route with its description. `name` is the name of its view, `subject` its heading in the documents."""

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

LIMIT = Parameter("limit", "Maximum number of items in a page.", NumberParameter(1, limits.PAGE), 100)
CURSOR = Parameter(
    "cursor", "The cursor of the previous page, to continue after it.", TextParameter("Cursor"), "ZGIudXJs"
)
PAGE = (LIMIT, CURSOR)
UPKEEP_CURSOR = CURSOR._replace(about="The cursor of the previous upkeep call, which was not done.")

NAMESPACE_PREFIX = Parameter(
    "prefix", "Only namespaces with this prefix.", TextParameter("NamespacePrefix", may_be_empty=True), "payments."
)
KEY_PREFIX = Parameter("prefix", "Only keys with this prefix.", TextParameter("KeyPrefix", may_be_empty=True), "db.")

VERSION = PATH["version"]._replace(about="This version, instead of the one that is served.", required=False)
REVISION = Parameter("revision", "Time travel: the state that readers got at this revision.", _REVISION, 41)
NAMESPACES = Parameter(
    "namespace", "A namespace. Repeat the parameter for each namespace.", TextParameter("Namespace"), "payments.prod",
    required=True, most=limits.SNAPSHOTS_NAMESPACES,
)  # fmt: skip

SINCE = Parameter("since", "Only records after this revision.", NumberParameter(0, 10**12 - 1), 41)
OF_KEY = Parameter("key", "Only changes to this key.", TextParameter("Key"), "db.url")
BY_PRINCIPAL = Parameter(
    "principal", "Only changes by this principal, or by `system:upkeep`, which runs on a schedule.",
    TextParameter("Author"), "arn:aws:iam::123456789012:role/Deploy",
)  # fmt: skip
AFTER_TIME = Parameter(
    "after_time", "Only changes at this time or later, in UTC.", TextParameter("Time"), "2027-01-15T08:00:00Z"
)
BEFORE_TIME = Parameter("before_time", "Only changes before this time, in UTC.", TextParameter("Time"), "2027-01-16")
ORDER = Parameter(
    "order",
    "`newest` starts with the newest record; the default, `oldest`, with the oldest.",
    TextParameter("Order"),
    "newest",
)
LOG = (SINCE, BY_PRINCIPAL, AFTER_TIME, BEFORE_TIME, ORDER, *PAGE)

FROM = Parameter("from", "The revision to compare from.", _REVISION, 40)
TO = Parameter("to", "The revision to compare with. The default is the current one.", _REVISION, 42)
AGAINST = Parameter("against", "Another namespace to compare with.", TextParameter("Namespace"), "payments.staging")

PRINCIPAL = Parameter(
    "principal", "The principal whose grants these are.", TextParameter("Principal"), "api-key:a1b2c3d4e5"
)
THAT_PRINCIPAL = PRINCIPAL._replace(required=True)
