"""A request as the routes see it: strict about what it carries, lazy about what it costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from configsvc.model import etag, limits
from configsvc.model.errors import InvalidRequest
from configsvc.service.ports import Caller, Idempotency
from configsvc.web.body import body_of, object_in
from configsvc.web.event import Event, Headers

_PRINTABLE = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{limits.IDEMPOTENCY_KEY - 2}}}[\x21-\x7e])?")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"})


class Page(NamedTuple):
    """What a listing was asked for."""

    prefix: str
    limit: int
    cursor: str | None


class Preconditions(NamedTuple):
    """The revision that must still be the last, or that nothing may be served yet."""

    if_match: int | None
    create_only: bool


class Request:
    """One REST proxy event.

    A REST API hands path parameters on as they were sent, percent-encoded. Names take no `%`, so none passes.
    """

    def __init__(self, event: Event, headers: Headers, caller: Caller) -> None:
        self.caller = caller
        self.method: str = event["requestContext"]["httpMethod"]
        self.route: str = event["requestContext"]["resourcePath"]
        self._parameters: Mapping[str, str] = event.get("pathParameters") or {}
        self._query: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
        self._headers = headers
        self._event = event

    def __repr__(self) -> str:
        return f"Request({self.method} {self.route})"

    def header(self, name: str) -> str | None:
        """The one value of a header; `name` in lower case.

        Raises:
            InvalidRequest: it was sent more than once.
        """
        values = self._headers.get(name, ())
        if len(values) > 1:
            raise InvalidRequest(f"Send {name} once.", field=name)
        return values[0].strip() if values else None

    def joined(self, name: str) -> str | None:
        """All values of a list header (RFC 9110, 5.3); None when it was not sent."""
        values = self._headers.get(name)
        return ", ".join(values) if values else None

    def query(self, *names: str) -> dict[str, str]:
        """The query parameters of a route that takes these names and no others.

        Raises:
            InvalidRequest: another parameter, or one that is given twice.
        """
        for name, values in self._query.items():
            if name not in names:
                raise InvalidRequest(
                    f"Unknown query parameter. This route takes: {', '.join(names) or 'none'}.", field=name[:64]
                )
            if len(values) != 1:
                raise InvalidRequest(f"Give {name} once.", field=name)
        return {name: values[0] for name, values in self._query.items()}

    def page(self) -> Page:
        """Prefix, limit (1 to 1,000) and cursor.

        Raises:
            InvalidRequest: an unknown parameter, or a limit that is none.
        """
        query = self.query("prefix", "limit", "cursor")
        return Page(query.get("prefix", ""), limit_of(query.get("limit")), query.get("cursor") or None)

    def grants_page(self) -> tuple[str | None, int, str | None]:
        """Principal, limit and cursor of a listing of grants.

        Raises:
            InvalidRequest: as `page`.
        """
        query = self.query("principal", "limit", "cursor")
        return query.get("principal"), limit_of(query.get("limit")), query.get("cursor") or None

    def principal(self) -> str:
        """The principal whose grants are meant.

        Raises:
            InvalidRequest: none is named, or another parameter is given.
        """
        principal = self.query("principal").get("principal")
        if not principal:
            raise InvalidRequest(
                "Name the principal: ?principal=api-key:<id> or a role's or user's ARN.", field="principal"
            )
        return principal

    def only(self, *conditions: str) -> None:
        """Refuse query parameters, and conditional headers other than these.

        Raises:
            InvalidRequest
        """
        self.query()
        self.conditions(*conditions)

    def preconditions(self) -> Preconditions:
        """If-Match with one revision, or `If-None-Match: *`.

        Raises:
            InvalidRequest: malformed, or both.
        """
        if_match, if_none_match = self.header("if-match"), self.header("if-none-match")
        if if_match is not None and if_none_match is not None:
            raise InvalidRequest("Send If-Match or If-None-Match, not both.", field="If-Match")
        if if_none_match not in (None, "*"):
            raise InvalidRequest("If-None-Match takes * here: no active version.", field="If-None-Match")
        return Preconditions(None if if_match is None else etag.revision_of(if_match), if_none_match == "*")

    def conditions(self, *taken: str) -> None:
        """Refuse a precondition that the route would ignore.

        Raises:
            InvalidRequest: a conditional header other than those taken.
        """
        for name in sorted(_CONDITIONS.intersection(self._headers).difference(taken)):
            raise InvalidRequest(f"This route does not take {name}. Leave it out.", field=name)

    def body(self) -> bytes:
        """The body as it was sent.

        Raises:
            InvalidRequest, TooLarge, UnsupportedMediaType
        """
        return body_of(self._event, self.header("content-type"))

    def no_body(self) -> None:
        """Refuse a body where the route takes none.

        Raises:
            InvalidRequest
        """
        if self._event.get("body") and object_in(self.body()):
            raise InvalidRequest("This route takes no body.")

    def idempotency(self) -> Idempotency | None:
        """The Idempotency-Key with what it is bound to; None when none was sent.

        Raises:
            InvalidRequest: it is not 1 to 255 printable ASCII characters.
        """
        key = self.header("idempotency-key")
        if key is None:
            return None
        if not _PRINTABLE.fullmatch(key):
            raise InvalidRequest(
                f"An Idempotency-Key is 1 to {limits.IDEMPOTENCY_KEY} printable ASCII characters.",
                field="Idempotency-Key",
            )
        return Idempotency(key, self.method, self._path(), self._digest())

    def _path(self) -> str:
        path = self.route.format_map(self._parameters)
        query = "&".join(f"{name}={value}" for name in sorted(self._query) for value in self._query[name])
        return f"{path}?{query}" if query else path

    def _digest(self) -> str:
        parts = [self.joined("if-match") or "", self.joined("if-none-match") or ""]
        return sha256("\n".join(parts).encode() + b"\n" + str(self._event.get("body") or "").encode()).hexdigest()


def limit_of(text: str | None) -> int:
    """The limit of a listing, the most where none was given.

    Raises:
        InvalidRequest: not a number from 1 to 1,000.
    """
    if text is None:
        return limits.PAGE
    if not _NUMBER.fullmatch(text) or int(text) > limits.PAGE:
        raise InvalidRequest(f"limit is a number from 1 to {limits.PAGE}.", field="limit")
    return int(text)
