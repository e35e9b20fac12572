"""Which answers count as configsvc's, and which parts of an error are shown, kept, or acted on."""

from __future__ import annotations

import json
import signal
from typing import NoReturn

import pytest

from configsvc.model import errors
from configsvc.model.retry import parse_retry_after
from configsvc_client._service.answers import NotOurs, decode_members, is_unusable_answer, make_not_ours
from configsvc_client._service.problems import read_problem
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import parse_url
from configsvc_client._wording import sanitize

URL = parse_url("https://api.example/prod")
PROBLEM = "application/problem+json"


def answer(status: int, body: object, kind: str = PROBLEM, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {"content-type": kind, **headers}, raw)


def error_of(status: int, body: object, kind: str = PROBLEM, **headers: str) -> errors.ConfigsvcError:
    return read_problem(answer(status, body, kind, **headers), URL, "/prod/v1/namespaces/a/snapshot")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;a=b"]
)
def test_an_object_in_json_is_read(kind: str) -> None:
    assert decode_members(answer(200, b'{"a": [1.5, true, "x"], "b": {"a": 1e308}}', kind)) == {
        "a": [1.5, True, "x"], "b": {"a": 1e308},
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["text/html", "", PROBLEM, "text/json;application/json"])
def test_another_content_type_is_not_ours(kind: str) -> None:
    with pytest.raises(NotOurs, match="its content type is not application/json"):
        decode_members(answer(200, b"{}", kind))
    with pytest.raises(NotOurs, match="its content type is not application/json"):
        decode_members(Response(200, {}, b"{}"))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "it is not JSON"), (b"<html>", "it is not JSON"), (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"), (b"[]", "not a JSON object"), (b"null", "not a JSON object"),
        (b'{"a":1,"a":2}', "a name appears twice"), (b'{"b":{"a":1,"a":1}}', "a name appears twice"),
        (b'{"a":NaN}', "a number that JSON does not allow"), (b'{"a":-Infinity}', "a number that JSON does not allow"),
        (b'{"a":1e999}', "a number that is too large"), (b'{"a":-1e999}', "a number that is too large"),
    ],
)  # fmt: skip
def test_json_that_two_readers_might_understand_differently_is_not_ours(body: bytes, fault: str) -> None:
    with pytest.raises(NotOurs, match=fault):
        decode_members(answer(200, body, "application/json"))


def test_an_error_of_ours_comes_with_its_kind_text_and_members() -> None:
    error = error_of(
        409, {"code": "version_claimed", "detail": "The next is 8.", "key": "a", "next_version": 8, "none": None,
              "yes": True, "large": 2**53, "kids": ["a", "b"], "faults": [{"at": "x", "line": 3, "in": [1]}]},
    )  # fmt: skip
    assert type(error) is errors.VersionClaimed
    assert error.detail == "The next is 8."
    assert error.members == {
        "key": "a", "next_version": 8, "none": None, "yes": True, "large": 2**53, "kids": ["a", "b"],
        "faults": [{"at": "x", "line": 3, "in": None}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (2**53 + 1, None), (-(2**53), -(2**53)), (-(2**53) - 1, None), (1.5, None), ({"a": 1}, None), (False, False),
        ([1], None), (["a", 1], None), (["a", {}], None), ([], []), ("\x1b[31mred", "\ufffd[31mred"),
        ("x" * 501, "x" * 500), (["x" * 501], ["x" * 500]), (["a"] * 101, ["a"] * 100),
        ([{"a b": 1, "ok": "x" * 501}], [{"ok": "x" * 500}]), ([{"a": {"b": 1}}], [{"a": None}]),
        ([{"a": ["x"]}], [{"a": None}]),
        ([{"a": [{"b": 1}]}], [{"a": None}]),
    ],
)  # fmt: skip
def test_foreign_or_oversized_members_are_cut_or_dropped(sent: object, kept: object) -> None:
    assert error_of(409, {"code": "conflict", "detail": "d", "member": sent}).members["member"] == kept


def test_members_are_few_their_names_short_and_some_the_client_s_alone() -> None:
    names = [f"m{number}" for number in range(40)]
    members = error_of(409, {"code": "conflict", "detail": "d", **dict.fromkeys(names, 1)}).members
    assert list(members) == names[:28]  # of thirty, with code and detail
    odd = {"a" * 50: 1, "a" * 51: 1, "a-b": 1, "1": 1, "retry_after": 9, "reason": "not_ours"}
    assert error_of(409, {"code": "conflict", "detail": "d", **odd}).members == {"a" * 50: 1}


def test_a_foreign_text_is_cut_and_safe_for_terminals() -> None:
    assert sanitize("é" * 500) == "é" * 500
    assert sanitize("a" * 501) == "a" * 500
    assert sanitize("a\nb\x1b\u202ec", 4) == "a\ufffdb\ufffd"
    assert error_of(409, {"code": "conflict", "detail": "x" * 2001}).detail == "x" * 2000


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, {"code": "conflict", "detail": "d"}, "application/json"), (409, {"code": "conflict"}, PROBLEM),
        (409, {"detail": "d"}, PROBLEM), (409, {"code": 1, "detail": "d"}, PROBLEM),
        (409, {"code": "conflict", "detail": 1}, PROBLEM), (409, b"<html>", PROBLEM),
        (404, {"code": "unavailable", "detail": "d"}, PROBLEM), (200, {"code": "internal", "detail": "d"}, PROBLEM),
        (399, {"code": "conflict", "detail": "d"}, PROBLEM), (301, b"", "text/html"), (302, b"", "text/html"),
        (303, b"", "text/html"), (304, b"", "text/html"), (307, b"", "text/html"), (308, b"", "text/html"),
        (309, b"", "text/html"), (404, b"", "text/html"), (399, {"code": "later", "detail": "d"}, PROBLEM),
    ],
)  # fmt: skip
def test_what_does_not_say_so_in_our_words_decides_nothing(status: int, body: object, kind: str) -> None:
    error = error_of(status, body, kind)
    assert type(error) is errors.Unavailable
    assert error.members == {"reason": "not_ours"}
    assert f"https://api.example/prod did not answer as configsvc does: it answered {status}" in error.detail
    assert (", a redirect" in error.detail) is (status in {301, 302, 303, 307, 308})
    assert is_unusable_answer(error)


def test_the_lowest_status_of_an_error_is_400() -> None:
    assert type(error_of(400, {"code": "invalid_request", "detail": "d"})) is errors.InvalidRequest


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (403, errors.Forbidden, "A firewall or proxy on the way refused the request"), (429, errors.Throttled, None),
        (500, errors.Internal, "Try again"), (501, errors.Unavailable, "Try again"),
        (502, errors.Unavailable, "Try again"), (504, errors.Unavailable, "Try again"),
    ],
)  # fmt: skip
def test_refusal_haste_and_failure_are_believed_of_anybody(
    status: int, kind: type[errors.ConfigsvcError], says: str | None
) -> None:
    error = error_of(status, b"<html>secret page</html>", "text/html")
    assert type(error) is kind
    assert f"https://api.example/prod answered {status}, but not with an error of configsvc." in error.detail
    assert "page" not in error.detail
    assert ("firewall" in error.detail) is (status == 403)
    assert ("Try again" in error.detail) is (status >= 500)
    assert says is None or says in error.detail
    assert not is_unusable_answer(error)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("7", 7), (" 7 ", 7), ("0", 0), ("007", 7), ("123456789", 123_456_789),
        ("0" * 40 + "5", 5), ("9" * 9, 999_999_999),
        ("1" + "0" * 9, 999_999_999), ("9" * 5000, 999_999_999), ("", None), ("-1", None), ("1.5", None),
        ("٣", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_whole_seconds_however_many(header: str, said: int | None) -> None:
    response = answer(503, {"code": "unavailable", "detail": "d"}, **{"retry-after": header})
    assert parse_retry_after(response.headers) == said
    assert read_problem(response, URL, "/").members.get("retry_after") == said
    assert parse_retry_after({}) is None


def test_an_unusable_answer_differs_from_a_refusal() -> None:
    assert is_unusable_answer(errors.NotTaken("d"))
    assert is_unusable_answer(errors.StaleRevision("d"))
    assert is_unusable_answer(errors.CannotOpen("d"))
    assert is_unusable_answer(make_not_ours(URL, "it is not JSON"))
    assert not is_unusable_answer(errors.Unavailable("d"))
    assert not is_unusable_answer(errors.Unavailable("d", reason="deadline"))
    assert not is_unusable_answer(errors.NotFound("d"))


@pytest.mark.parametrize(
    ("status", "kind"), [(410, errors.Gone), (418, errors.InvalidRequest), (599, errors.Unavailable)]
)
def test_a_newer_service_s_error_is_known_by_its_status(status: int, kind: type[errors.ConfigsvcError]) -> None:
    error = error_of(status, {"code": "invented_later", "detail": "d"})
    assert type(error) is kind
    assert error.detail == "d"


def test_only_refusal_and_haste_are_looked_at_for_their_cause() -> None:
    denied = {"message": "User: arn:aws:iam::1:user/x is not authorized to perform: execute-api:Invoke on resource: y"}
    plain = error_of(
        502, json.dumps(denied).encode(), "application/json", **{"x-amzn-errortype": "AccessDeniedException"}
    )
    assert plain.detail.startswith("https://api.example/prod answered 502")


def refused(kind: str, message: str) -> errors.ConfigsvcError:
    answered = answer(403, {"message": message}, "application/json", **{"x-amzn-errortype": kind})
    return read_problem(answered, URL, "/prod/v1/namespaces/a/snapshot")


def test_a_request_is_a_get_without_a_signature_unless_it_says_otherwise() -> None:
    assert "no route GET /v1/namespaces/a/snapshot" in refused("MissingAuthenticationTokenException", "").detail
    denied = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: y"
    assert "Reads are not signed" in refused("AccessDeniedException", denied).detail


class Struck(bytes):
    """A body at which a signal comes as it is read."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        signal.raise_signal(signal.SIGALRM)
        return super().decode(encoding, errors)


class TimeLimit(ValueError):
    """An error that looks like a fault in JSON."""


def strikes(*_: object) -> NoReturn:
    raise TimeLimit


def test_a_time_limit_during_error_handling_is_not_blamed_on_the_answer() -> None:
    before = signal.signal(signal.SIGALRM, strikes)
    try:
        with pytest.raises(TimeLimit):
            error_of(409, Struck(b'{"code": "conflict", "detail": "d"}'))
    finally:
        signal.signal(signal.SIGALRM, before)
