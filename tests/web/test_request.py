"""The parts of a request other than its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from configsvc.model.errors import InvalidRequest
from configsvc.service.engine.ports import Idempotency
from configsvc.web.description import CURSOR, KEY_PREFIX, LIMIT, NAMESPACES, SINCE, Description, Parameter
from configsvc.web.event import collect_headers, identify_caller
from configsvc.web.request import PageWanted, Preconditions, Request
from tests.support.web.events import build_event

ROUTE = "/v1/namespaces/{namespace}/keys/{key}"


def make_request(
    method: str = "PUT",
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, Sequence[str]] | None = None,
    body: str | None = None,
    key: str = "db.url",
) -> Request:
    parameters = {"namespace": "payments.prod", "key": key}
    made = build_event(method, ROUTE, parameters=parameters, headers=headers, query=query, body=body)
    found = collect_headers(made)
    return Request(made, found, identify_caller(made, found))


def get_idempotency(body: str = "{}", key: str = "db.url", **headers: str) -> Idempotency:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    found = make_request(headers={"Idempotency-Key": "once", **sent}, body=body, key=key).idempotency()
    assert found is not None
    return found


def describe(*parameters: Parameter) -> Description:
    return Description("", "any", {}, query=parameters)


def test_a_listing_has_its_defaults() -> None:
    assert make_request().page() == PageWanted(1000, None)
    assert make_request(query={"limit": ["10"], "cursor": ["abc"]}).page() == PageWanted(10, "abc")


@pytest.mark.parametrize("limit", ["0", "1001", "00010", "1e2", "+5", " 5", "5\n", "\u0665", ""])
def test_a_limit_is_a_number_from_one_to_a_thousand(limit: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 1000"):
        make_request(query={"limit": [limit]}).check(describe(LIMIT))


@pytest.mark.parametrize(
    "query",
    [
        {"verbose": ["1"]},
        {"cursor": ["a", "b"]},
        {"cursor": [""]},
        {"namespace": ["a"] * 11},
        {"namespace": ["a", ""]},
        {},
    ],
)
def test_an_unknown_query_parameter_is_refused(query: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidRequest):
        make_request(query={"namespace": ["a"], **query} if query else {}).check(describe(CURSOR, NAMESPACES))


def test_a_query_is_read_by_its_parameters() -> None:
    sent = make_request(query={"since": ["0"], "prefix": [""], "namespace": ["a", "b"]})
    sent.check(describe(SINCE, KEY_PREFIX, NAMESPACES, CURSOR))
    assert (sent.number(SINCE), sent.text(KEY_PREFIX), sent.texts(NAMESPACES)) == (0, "", ["a", "b"])
    assert (sent.number(LIMIT), sent.text(CURSOR), sent.texts(CURSOR)) == (None, None, [])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Preconditions(None, create_only=False)),
        ({"If-Match": '"41"'}, Preconditions(41, create_only=False)),
        ({"if-none-match": " * "}, Preconditions(None, create_only=True)),
    ],
)
def test_preconditions_are_one_revision_or_nothing_served(headers: dict[str, str], expected: Preconditions) -> None:
    assert make_request(headers=headers).preconditions() == expected


@pytest.mark.parametrize("value", ["41", '"x"', '"-1"', '"01"', '"1","2"', "", "*", 'W/"1"', '"1" '[:2]])
def test_a_malformed_if_match_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest):
        make_request(headers={"If-Match": value}).preconditions()


def test_a_repeated_header_is_refused() -> None:
    made = build_event("PUT", ROUTE)
    made["multiValueHeaders"] = {"If-Match": ['"1"', '"2"']}
    made["headers"] = {"If-Match": '"2"'}
    found = collect_headers(made)
    with pytest.raises(InvalidRequest):
        Request(made, found, identify_caller(made, found)).preconditions()


def test_a_condition_that_a_write_would_ignore_is_refused() -> None:
    for name in ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"):
        with pytest.raises(InvalidRequest):
            make_request(headers={name: '"1"'}).check(describe())
    make_request(headers={"If-Match": '"1"'}).check(describe()._replace(conditions=("if-match",)))


def test_a_read_refuses_preconditions() -> None:
    for name in ("If-Match", "If-Unmodified-Since"):
        with pytest.raises(InvalidRequest):
            make_request("GET", headers={name: '"1"'}).check(describe())
    make_request("GET", headers={"If-None-Match": '"1"', "If-Modified-Since": "x", "If-Range": "x"}).check(describe())


def test_an_idempotency_key_is_bound_to_method_path_body_and_preconditions() -> None:
    first = get_idempotency()
    assert (first.key, first.method, first.path) == ("once", "PUT", "/v1/namespaces/payments.prod/keys/db.url")
    assert get_idempotency() == first
    assert get_idempotency(user_agent="other") == first
    assert get_idempotency(body="{ }").request != first.request
    assert get_idempotency(if_match='"1"').request != first.request
    assert get_idempotency(if_none_match='"1"').request != get_idempotency(if_match='"1"').request
    assert get_idempotency(key="db.pool").path != first.path


def test_whose_grants_are_written_is_part_of_the_path() -> None:
    paths = set()
    for principal in ("api-key:a", "api-key:b"):
        found = make_request(headers={"Idempotency-Key": "once"}, query={"principal": [principal]}).idempotency()
        assert found is not None
        paths.add(found.path)
    assert len(paths) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00e9", "\x7f"])
def test_an_idempotency_key_is_printable_ascii(key: str) -> None:
    with pytest.raises(InvalidRequest):
        make_request(headers={"Idempotency-Key": key}).idempotency()


@pytest.mark.parametrize("key", ["x", "a b", "~!", "x" * 255])
def test_any_printable_idempotency_key_is_taken(key: str) -> None:
    found = make_request(headers={"Idempotency-Key": key}).idempotency()
    assert found is not None
    assert found.key == key


def test_a_route_without_a_body_accepts_only_an_empty_one() -> None:
    for body in (None, "", "{}", " { } "):
        make_request(body=body).check(describe())
    for body in ('{"a": 1}', "[]", "x"):
        with pytest.raises(InvalidRequest):
            make_request(body=body).check(describe())
