"""A request as the routes see it: checked strictly, parsed lazily."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from configsvc.model import etag, limits, names
from configsvc.model.errors import InvalidRequest
from configsvc.model.names import Namespace
from configsvc.model.text import make_printable
from configsvc.service.engine.ports import Caller, Idempotency
from configsvc.web.description import CURSOR, LIMIT, PATH, Description, NumberParameter, Parameter, TextParameter
from configsvc.web.event import Event, Headers, check_media_type, parse_object, read_body

_SHOWN = 64


def check_query(sent: Mapping[str, Sequence[str]], taken: Sequence[Parameter]) -> None:
    """Refuses query parameters that the route does not accept.

    Raises:
        InvalidRequest: an unknown or missing parameter, one that is repeated too often or empty, or an invalid number.
    """
    known = {parameter.name: parameter for parameter in taken}
    for name, values in sent.items():
        if name not in known:
            raise InvalidRequest(
                f"Unknown query parameter. This route accepts: {', '.join(known) or 'none'}.",
                field=make_printable(name[:_SHOWN]),
            )
        _check_parameter(known[name], values)
    for parameter in taken:
        if parameter.required and parameter.name not in sent:
            raise InvalidRequest(f"Add the parameter {parameter.name}: {parameter.about}", field=parameter.name)


def _check_parameter(parameter: Parameter, values: Sequence[str]) -> None:
    if len(values) > parameter.most:
        often = "once" if parameter.most == 1 else f"at most {parameter.most} times"
        raise InvalidRequest(f"Send {parameter.name} {often}.", field=parameter.name)
    for text in values:
        match parameter.takes:
            case NumberParameter():
                parameter.number(text)
            case TextParameter(may_be_empty=False) if not text:
                raise InvalidRequest(
                    f"{parameter.name} is empty. Set a value or omit the parameter.", field=parameter.name
                )


_PRINTABLE = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{limits.IDEMPOTENCY_KEY - 2}}}[\x21-\x7e])?")
_GET = "GET"
_CONDITIONS = ("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since")
# The other headers can only shorten the response to a GET, so they may be ignored (RFC 9110, 13.1).
_PRECONDITIONS = ("if-match", "if-unmodified-since")

_SPELT: Mapping[str, Callable[[str], object]] = {
    "namespace": names.parse_namespace, "key": names.parse_key, "kid": names.parse_kid,
    "version": PATH["version"].number,
}  # fmt: skip


class PageWanted(NamedTuple):
    """The requested page of a listing."""

    limit: int
    cursor: str | None


class Preconditions(NamedTuple):
    """The revision that must still be current, or that nothing may be served yet."""

    if_match: int | None
    create_only: bool


class Request:
    """One REST proxy event.

    A REST API passes path parameters on as they were sent, percent-encoded. Names contain no `%`, so these are refused.

    Attributes:
        path: the path parameters, parsed by `check`.
        namespaces: the namespaces in the request, once they are parsed.
    """

    def __init__(self, event: Event, headers: Headers, caller: Caller) -> None:
        self.caller = caller
        self.method: str = event["requestContext"]["httpMethod"]
        self.route: str = event["requestContext"]["resourcePath"]
        self._parameters: Mapping[str, str] = event["pathParameters"] or {}
        self._query: Mapping[str, list[str]] = event["multiValueQueryStringParameters"] or {}
        self._headers = headers
        self._event = event
        self._sent: str | None = event["body"]
        self.path: Mapping[str, object] = {}
        self.namespaces: tuple[Namespace, ...] = ()

    def __repr__(self) -> str:
        return f"Request({self.method} {self.route})"

    def header(self, name: str) -> str | None:
        """The value of a header; `name` in lower case.

        Raises:
            InvalidRequest: the header was sent more than once.
        """
        values = self._headers.get(name, ())
        if len(values) > 1:
            raise InvalidRequest(f"{name} was sent more than once. Send it once.", field=name)
        return values[0].strip() if values else None

    def join_header(self, name: str) -> str | None:
        """Joins all values of a list header (RFC 9110, 5.3); None if it was not sent."""
        values = self._headers.get(name)
        return ", ".join(values) if values else None

    def check(self, description: Description) -> Request:
        """Parses the path, and refuses query parameters, preconditions and bodies that the route does not accept.

        Names are checked before the body, so that errors in the body are shown only to callers who name their target.

        Raises:
            InvalidRequest, UnsupportedMediaType
        """
        if types := self._headers.get("content-type"):
            check_media_type(types[-1])
        if self._query or description.query:
            check_query(self._query, description.query)
        refused = _PRECONDITIONS if self.method == _GET else _CONDITIONS
        for name in refused:
            if name in self._headers and name not in description.conditions:
                raise InvalidRequest(f"This route does not accept {name}. Omit it.", field=name)
        self.path = {name: _SPELT[name](text) for name, text in self._parameters.items()}
        if "namespace" in self.path:
            self.namespaces = (Namespace(str(self.path["namespace"])),)
        if description.idempotent:
            self._idempotency_key()
        if description.body is None:
            self._no_body()
        return self

    def text(self, parameter: Parameter) -> str | None:
        """The value of a query parameter; None if it was not sent."""
        values = self._query.get(parameter.name)
        return values[0] if values else None

    def texts(self, parameter: Parameter) -> list[str]:
        """All values of a query parameter."""
        return self._query.get(parameter.name, [])

    def parse_namespaces(self, parameter: Parameter) -> tuple[Namespace, ...]:
        """Parses the namespaces in a query parameter."""
        self.namespaces = tuple(names.parse_namespace(text) for text in self.texts(parameter))
        return self.namespaces

    def number(self, parameter: Parameter) -> int | None:
        """The number in a query parameter; None if it was not sent."""
        text = self.text(parameter)
        return None if text is None else parameter.number(text)

    def page(self) -> PageWanted:
        """The limit, by default the highest, and the cursor."""
        return PageWanted(self.number(LIMIT) or limits.PAGE, self.text(CURSOR))

    def preconditions(self) -> Preconditions:
        """Parses If-Match with one revision, or `If-None-Match: *`.

        Raises:
            InvalidRequest: a header is malformed, or both were sent.
        """
        if_match, if_none_match = self.header("if-match"), self.header("if-none-match")
        if if_match is not None and if_none_match is not None:
            raise InvalidRequest("Send either If-Match or If-None-Match, not both.", field="If-Match")
        if if_none_match not in (None, "*"):
            raise InvalidRequest(
                "Here If-None-Match can only be *, which means that nothing exists yet.", field="If-None-Match"
            )
        return Preconditions(None if if_match is None else etag.parse_revision(if_match), if_none_match == "*")

    def body(self) -> bytes:
        """The body as it was sent.

        Raises:
            InvalidRequest, TooLarge, UnsupportedMediaType
        """
        return read_body(self._event, self.header("content-type"))

    def idempotency(self) -> Idempotency | None:
        """The Idempotency-Key with the request that it belongs to; None if none was sent.

        Raises:
            InvalidRequest: it is not 1 to 255 printable ASCII characters.
        """
        key = self._idempotency_key()
        return None if key is None else Idempotency(key, self.method, self._target(), self._digest())

    def _idempotency_key(self) -> str | None:
        key = self.header("idempotency-key")
        if key is not None and not _PRINTABLE.fullmatch(key):
            raise InvalidRequest(
                f"An Idempotency-Key must be 1 to {limits.IDEMPOTENCY_KEY} printable ASCII characters.",
                field="Idempotency-Key",
            )
        return key

    def _no_body(self) -> None:
        if self._sent and parse_object(self.body()):
            raise InvalidRequest("This route does not accept a body. Omit it.")

    def _target(self) -> str:
        path = self.route.format_map(self._parameters)
        query = "&".join(f"{name}={value}" for name in sorted(self._query) for value in self._query[name])
        return f"{path}?{query}" if query else path

    def _digest(self) -> str:
        parts = [self.join_header("if-match") or "", self.join_header("if-none-match") or ""]
        return sha256("\n".join(parts).encode() + b"\n" + str(self._sent or "").encode()).hexdigest()
