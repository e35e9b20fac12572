"""The HTTP API for writers: one method for each kind of request, and paged lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from configsvc.model.retry import parse_http_date
from configsvc_client._aws import sigv4
from configsvc_client._secret import Secret, mask
from configsvc_client._service.answers import NotOurs, read_answer
from configsvc_client._service.api_keys import ApiKeys
from configsvc_client._service.gateway import USER_AGENT
from configsvc_client._service.problems import read_problem
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url, quote
from configsvc_client.admin.ports import AdminPorts
from configsvc_client.admin.wire.members import AnswerMembers
from configsvc_client.admin.wire.retry import repeat

_SECONDS = 29.0
"""The time for one request, limited by API Gateway (Amazon API Gateway quotas, integration timeout)."""

_NO_CONTENT = 204
_READ, _WRITTEN = frozenset({200}), frozenset({200, 201, _NO_CONTENT})

ApiResult = TypeVar("ApiResult")


class ApiAnswer(NamedTuple):
    """Status, members and ETag of an answer, which may still belong to another request."""

    status: int
    members: AnswerMembers
    etag: str | None


ReadAnswer = Callable[[ApiAnswer], ApiResult]
"""Returns the meaning of an answer; raises NotOurs if it is not what was asked for."""


class _Request(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    signed: bool


class AdminApi:
    """Sends requests with the API key. Writes, and reads that need it, are also signed for `execute-api`.

    Args:
        url: base URL of the API, stage included, like `https://x.execute-api.eu-central-1.amazonaws.com/api`.
        api_keys: the value of the caller's API key; two while it is rotated, of which one may be refused.
        region: the region for signatures.
        ports: transport, credentials, clock and randomness.
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
        """Gets a resource and reads its answer.

        Raises:
            ConfigsvcError: as the service answered. Unavailable if it did not, or if the answer is not from configsvc.
        """
        return self._send_with_retries(_Request("GET", self._build_target(path, query), {}, b"", signed), read, _READ)

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
        """Sends a write under a new Idempotency-Key, which its retries repeat, and reads its answer.

        Raises:
            ConfigsvcError: as `read`.
        """
        content = b"" if body is None else _render_json(body)
        sent = {"idempotency-key": self._ports.chance.idempotency_key(), **(headers or {})}
        if content:
            sent["content-type"] = "application/json"
        return self._send_with_retries(
            _Request(method, self._build_target(path, query), sent, content, signed=True), read, _WRITTEN
        )

    def skew(self) -> float | None:
        """Returns the seconds that this clock is ahead of the service's Date (whole seconds); None without one.

        Raises:
            ConfigsvcError: as `read`.
        """
        request = _Request("GET", self._build_target("/health", None), {}, b"", signed=False)
        response = self._send(request, self._api_key)
        self._read_answer(request, response, _read_health, _READ)
        return self._measure_skew(response)

    def check_table(self) -> None:
        """Checks that the service can read its table, with one request that is not repeated.

        Raises:
            Unavailable: it cannot, and `reason` says why; or it does not answer.
        """
        request = _Request("GET", self._build_target("/health", {"deep": "true"}), {}, b"", signed=False)
        self._read_answer(request, self._send(request, self._api_key), _read_health, _READ)

    def _build_target(self, path: str, query: Mapping[str, object] | None) -> str:
        asked = [f"{name}={quote(str(value))}" for name, value in (query or {}).items() if value not in (None, "")]
        return f"{self._url.path}/v1{path}" + ("?" + "&".join(asked) if asked else "")

    def _send_with_retries(self, request: _Request, read: ReadAnswer[ApiResult], statuses: frozenset[int]) -> ApiResult:
        def attempt(api_key: Secret) -> ApiResult:
            return self._read_answer(request, self._send(request, api_key), read, statuses)

        def either() -> ApiResult:
            return (
                self._either.attempt_with_keys(None, attempt, signed=request.signed)
                if self._either
                else attempt(self._api_key)
            )

        return repeat(either, self._ports.clock, self._ports.chance)

    def _measure_skew(self, response: Response) -> float | None:
        date = parse_http_date(response.headers.get("date", ""))
        return None if date is None else self._ports.clock.wall() - date

    def _read_answer(
        self, request: _Request, response: Response, read: ReadAnswer[ApiResult], statuses: frozenset[int]
    ) -> ApiResult:
        if response.status not in statuses:
            raise read_problem(
                response,
                self._url,
                request.target,
                request.method,
                signed=request.signed,
                ahead=self._measure_skew(response),
            )
        return read_answer(
            response,
            self._url,
            lambda came: read(ApiAnswer(came.status, AnswerMembers(came.members), came.etag or None)),
        )

    def _send(self, request: _Request, api_key: Secret) -> Response:
        headers: dict[str, str | Secret] = {"x-api-key": api_key, **request.headers}
        if request.signed:
            headers = sigv4.sign(
                request.method, self._url.origin + request.target, headers, request.body, service="execute-api",
                region=self._region, credentials=self._ports.credentials(self._deadline()),
                now=self._ports.clock.wall(),
            )  # fmt: skip
        # Not signed: a proxy on the way may change the encodings.
        sent = {**headers, "accept-encoding": "gzip", "user-agent": USER_AGENT}
        # Computed here: entering an MFA code, or a credential process, may have taken longer than a request does.
        return self._ports.transport.request(request.method, request.target, sent, request.body, self._deadline())

    def _deadline(self) -> float:
        return self._ports.clock.now().monotonic + _SECONDS


def _render_json(body: Mapping[str, object]) -> bytes:
    """Renders a body as JSON. U+FFFD is escaped, because the service refuses it as a sign of invalid UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("\ufffd", "\\ufffd").encode()


def read_nothing(answer: ApiAnswer) -> None:
    """Reads an answer that only confirms success."""
    if answer.status != _NO_CONTENT:
        raise NotOurs("it has a body where none was expected")


def _read_health(answer: ApiAnswer) -> None:
    answer.members.expect("status", "ok")


PageItem = TypeVar("PageItem")

MOST_PAGES = 10_000
"""The most pages of one listing: ten million items, or fifty million examined."""

_CURSOR = 4096


class AnswerPage(NamedTuple, Generic[PageItem]):
    """The items of one page, a number about the listing, and the cursor of the next page; None on the last."""

    items: tuple[PageItem, ...]
    number: int
    cursor: str | None


class Cursors:
    """The cursors of one listing. None may come twice, so the listing ends."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def next(self, members: AnswerMembers) -> str | None:
        """Reads the cursor of the next page.

        Raises:
            NotOurs: the cursor came before, or there are more pages than configsvc allows.
        """
        cursor = members.text_or_none("cursor")
        if cursor is None:
            return None
        if not cursor or cursor in self._seen or len(cursor) > _CURSOR or len(self._seen) >= MOST_PAGES:
            raise NotOurs("its pages never end")
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
    """Lists the items under a member of the answers; fetches each page when it is needed."""
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
    """Lists pages; fetches each one when it is needed.

    `expect` are members that each page must have, and `number` names a member to return with it.
    """
    cursors, cursor = Cursors(), None

    def read_page(answer: ApiAnswer) -> AnswerPage[PageItem]:
        for name, wanted in (expect or {}).items():
            answer.members.expect(name, wanted)
        shared = answer.members.number(number) if number else 0
        return AnswerPage(answer.members.each(member, read), shared, cursors.next(answer.members))

    while True:
        page = api.read(path, read_page, {**query, "cursor": cursor}, signed=signed)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
