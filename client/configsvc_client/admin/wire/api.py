"""The HTTP API as its writers use it: one method for each kind of request, and lists that come in pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from configsvc.model.retry import parse_http_date
from configsvc_client._aws import sigv4
from configsvc_client._secret import Secret, mask
from configsvc_client._service.answers import NotOurs, read_answer, read_problem
from configsvc_client._service.api_keys import ApiKeys
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url, quote
from configsvc_client.admin.ports import AdminPorts
from configsvc_client.admin.wire.members import AnswerMembers
from configsvc_client.admin.wire.retry import repeat

_SECONDS = 29.0
"""One request may take as long as API Gateway lets it (Amazon API Gateway quotas, integration timeout)."""

_NO_CONTENT = 204
_READ, _WRITTEN = frozenset({200}), frozenset({200, 201, _NO_CONTENT})

ApiResult = TypeVar("ApiResult")


class ApiAnswer(NamedTuple):
    """Status, members and ETag of an answer, which may still be one to something else."""

    status: int
    members: AnswerMembers
    etag: str | None


ReadAnswer = Callable[[ApiAnswer], ApiResult]
"""Makes an answer what it means; raises NotOurs where it is not what was asked for."""


class _Request(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    signed: bool


class AdminApi:
    """Requests with the API key; writes, and reads that ask for it, are signed for `execute-api` too.

    Args:
        url: base of the API, stage included, like `https://x.execute-api.eu-central-1.amazonaws.com/api`.
        api_keys: the value of the caller's API key; two while it is rotated, of which one may be refused.
        region: the region that signatures name.
        ports: transport, credentials, clock and chance.
    """

    def __init__(self, url: Url, api_keys: str | Secret | Sequence[Secret], region: str, ports: AdminPorts) -> None:
        self._url = url
        keys = (mask(api_keys),) if isinstance(api_keys, str | Secret) else tuple(api_keys)
        self._api_key, self._either = keys[0], ApiKeys(*keys) if len(keys) > 1 else None
        self._region = region
        self._ports = ports

    def read(
        self, path: str, read: ReadAnswer[ApiResult], query: Mapping[str, object] | None = None, *, signed: bool = False
    ) -> ApiResult:
        """GET a resource, and what its answer means.

        Raises:
            ConfigsvcError: as the service answered, or Unavailable when it did not, or not as configsvc does.
        """
        return self._answered(_Request("GET", self._at(path, query), {}, b"", signed), read, _READ)

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        read: ReadAnswer[ApiResult],
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResult:
        """Send a write under a new Idempotency-Key, which every retry of it carries too; what its answer means.

        Raises:
            ConfigsvcError: as `read`.
        """
        content = b"" if body is None else _render_json(body)
        sent = {"idempotency-key": self._ports.chance.idempotency_key(), **(headers or {})}
        if content:
            sent["content-type"] = "application/json"
        return self._answered(_Request(method, self._at(path, query), sent, content, signed=True), read, _WRITTEN)

    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the service's, which tells whole ones; None where it does not tell.

        Raises:
            ConfigsvcError: as `read`.
        """
        request = _Request("GET", self._at("/health", None), {}, b"", signed=False)
        response = self._sent(request, self._api_key)
        self._understood(request, response, _read_health, _READ)
        return self._ahead(response)

    def check_table(self) -> None:
        """Ask whether the service can read its table; one request, which is not repeated.

        Raises:
            Unavailable: it cannot, and `reason` says why; or it does not answer.
        """
        request = _Request("GET", self._at("/health", {"deep": "true"}), {}, b"", signed=False)
        self._understood(request, self._sent(request, self._api_key), _read_health, _READ)

    def _at(self, path: str, query: Mapping[str, object] | None) -> str:
        asked = [f"{name}={quote(str(value))}" for name, value in (query or {}).items() if value not in (None, "")]
        return f"{self._url.path}/v1{path}" + ("?" + "&".join(asked) if asked else "")

    def _answered(self, request: _Request, read: ReadAnswer[ApiResult], statuses: frozenset[int]) -> ApiResult:
        def attempt(api_key: Secret) -> ApiResult:
            return self._understood(request, self._sent(request, api_key), read, statuses)

        def either() -> ApiResult:
            return (
                self._either.attempt_with_keys(None, attempt, signed=request.signed)
                if self._either
                else attempt(self._api_key)
            )

        return repeat(either, self._ports.clock, self._ports.chance)

    def _ahead(self, response: Response) -> float | None:
        told = parse_http_date(response.headers.get("date", ""))
        return None if told is None else self._ports.clock.wall() - told

    def _understood(
        self, request: _Request, response: Response, read: ReadAnswer[ApiResult], statuses: frozenset[int]
    ) -> ApiResult:
        if response.status not in statuses:
            raise read_problem(
                response, self._url, request.target, request.method, signed=request.signed, ahead=self._ahead(response)
            )
        return read_answer(
            response,
            self._url,
            lambda came: read(ApiAnswer(came.status, AnswerMembers(came.members), came.etag or None)),
        )

    def _sent(self, request: _Request, api_key: Secret) -> Response:
        headers: dict[str, str | Secret] = {"x-api-key": api_key, **request.headers}
        if request.signed:
            headers = sigv4.sign(
                request.method, self._url.origin + request.target, headers, request.body, service="execute-api",
                region=self._region, credentials=self._ports.credentials(self._deadline()),
                now=self._ports.clock.wall(),
            )  # fmt: skip
        # Not signed: a proxy on the way may speak other encodings.
        sent = {**headers, "accept-encoding": "gzip"}
        # Reckoned here: a person who is asked for a code, or a process, may have taken longer than a request does.
        return self._ports.transport.request(request.method, request.target, sent, request.body, self._deadline())

    def _deadline(self) -> float:
        return self._ports.clock.now().monotonic + _SECONDS


def _render_json(body: Mapping[str, object]) -> bytes:
    """The JSON of a body. U+FFFD is escaped: as it is, it is taken for a byte that is not UTF-8, and refused."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("\ufffd", "\\ufffd").encode()


def read_nothing(answer: ApiAnswer) -> None:
    """Reads an answer that says no more than that it was done."""
    if answer.status != _NO_CONTENT:
        raise NotOurs("it has a content, and none was due")


def _read_health(answer: ApiAnswer) -> None:
    answer.members.expect("status", "ok")


PageItem = TypeVar("PageItem")

MOST_PAGES = 10_000
"""The most pages of one listing: ten million items, or fifty million looked at."""

_CURSOR = 4096


class AnswerPage(NamedTuple, Generic[PageItem]):
    """What one answer lists, a number that it says of all of it, and where the next page is; None on the last."""

    items: tuple[PageItem, ...]
    number: int
    cursor: str | None


class Cursors:
    """The cursors of one listing: each leads on, and so to an end."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def next(self, members: AnswerMembers) -> str | None:
        """Where the next page is.

        Raises:
            NotOurs: where the listing was already, or beyond any that configsvc has.
        """
        cursor = members.text_or_none("cursor")
        if cursor is None:
            return None
        if not cursor or cursor in self._seen or len(cursor) > _CURSOR or len(self._seen) >= MOST_PAGES:
            raise NotOurs("its pages have no end")
        self._seen.add(cursor)
        return cursor


def list_items(
    api: AdminApi,
    path: str,
    member: str,
    read: Callable[[AnswerMembers], PageItem],
    query: Mapping[str, object],
    *,
    expect: Mapping[str, object] | None = None,
    signed: bool = False,
) -> Iterator[PageItem]:
    """What a listing lists under a member of its answers; each page is asked for when it is needed."""
    for page in list_pages(api, path, member, read, query, expect=expect, signed=signed):
        yield from page.items


def list_pages(
    api: AdminApi,
    path: str,
    member: str,
    read: Callable[[AnswerMembers], PageItem],
    query: Mapping[str, object],
    *,
    number: str | None = None,
    expect: Mapping[str, object] | None = None,
    signed: bool = False,
) -> Iterator[AnswerPage[PageItem]]:
    """A listing's pages, each asked for when it is needed.

    `expect` is what each has to say that it is of, and `number` the member of that name.
    """
    cursors, cursor = Cursors(), None

    def page_of(answer: ApiAnswer) -> AnswerPage[PageItem]:
        for name, wanted in (expect or {}).items():
            answer.members.expect(name, wanted)
        said = answer.members.number(number) if number else 0
        return AnswerPage(answer.members.each(member, read), said, cursors.next(answer.members))

    while True:
        page = api.read(path, page_of, {**query, "cursor": cursor}, signed=signed)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
