"""Several namespaces in one request, against the service itself behind a stub on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import pytest

from configsvc.model.errors import ConfigsvcError, NotFound, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.sealing import NS, seal_values
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_stub

QUOTE = '"'
SHARED, THIRD = Namespace("shared.prod"), Namespace("third.prod")


class Several:
    """Answers as the service does; what is `deferred` is given out singly only."""

    def __init__(self, *served: FetchedSnapshot) -> None:
        self.served = {each.sealed.namespace: each for each in served}
        self.deferred: set[Namespace] = set()

    def __call__(self, _: str, path: str, headers: dict[str, str], __: bytes) -> Answer:
        if "/v1/snapshots?" in path:
            asked = [Namespace(part.removeprefix("namespace=")) for part in path.partition("?")[2].split("&")]
            etag, body = self._all(asked), self._body(asked)
        else:
            found = self.served[Namespace(path.split("/")[-2])]
            etag, body = found.etag, render(found.sealed)
        if headers.get("if-none-match") == etag:
            return 304, {"etag": etag}, b""
        return 200, {"etag": etag, "content-type": "application/json"}, body.encode()

    def _all(self, asked: list[Namespace]) -> str:
        # Written out: whoever answers is not bound to the service's way of spelling it.
        return '"' + ",".join(f"{each}={self.served[each].etag.strip(QUOTE)}" for each in asked) + '"'

    def _body(self, asked: list[Namespace]) -> str:
        snapshots = [json.loads(render(self.served[each].sealed)) for each in asked if each not in self.deferred]
        return json.dumps({"snapshots": snapshots, "deferred": [each for each in asked if each in self.deferred]})


ONE = seal_values({"a": "1"}, revision=7)
TWO = seal_values({"b": "2"}, revision=3, namespace=SHARED)


def fetch(server: Stub, known: Mapping[Namespace, str | None]) -> Mapping[Namespace, FetchedSnapshot | ConfigsvcError]:
    connection = Connection(parse_url(f"{server.url}/prod"), {})
    try:
        return ApiGateway(connection, "key-1").fetch(known, time.monotonic() + 20)
    finally:
        connection.close()


def test_several_namespaces_are_one_request_each_with_its_own_etag() -> None:
    with run_stub(Several(ONE, TWO)) as server:
        assert fetch(server, {NS: None, SHARED: None}) == {NS: ONE, SHARED: TWO}
    assert [path for _, path, *_ in server.requests] == [
        "/prod/v1/snapshots?namespace=payments.prod&namespace=shared.prod"
    ]


def test_unchanged_they_are_one_request_with_one_etag() -> None:
    with run_stub(Several(ONE, TWO)) as server:
        assert fetch(server, {NS: ONE.etag, SHARED: f"W/{TWO.etag}"}) == {}
    ((_, _, headers, _),) = server.requests
    assert headers["if-none-match"] == '"payments.prod=7-0a1b,shared.prod=3-0a1b"'


def test_when_one_changed_the_other_is_left_out() -> None:
    with run_stub(Several(ONE, TWO)) as server:
        assert fetch(server, {NS: ONE.etag, SHARED: '"2-ffff"'}) == {SHARED: TWO}
        assert fetch(server, {NS: ONE.etag, SHARED: None}) == {SHARED: TWO}


def test_what_is_deferred_is_fetched_singly_with_its_own_etag() -> None:
    answers = Several(ONE, TWO, seal_values({"c": "3"}, namespace=THIRD))
    answers.deferred = {SHARED, THIRD}
    with run_stub(answers) as server:
        assert set(fetch(server, {NS: None, SHARED: TWO.etag, THIRD: None})) == {NS, THIRD}
        assert server.connections == 1
    assert [headers.get("if-none-match") for _, _, headers, _ in server.requests] == [None, TWO.etag, None]


def test_more_namespaces_than_fit_are_asked_for_ten_at_a_time() -> None:
    served = [seal_values({"a": "1"}, namespace=Namespace(f"n{number}")) for number in range(23)]
    with run_stub(Several(*served)) as server:
        assert len(fetch(server, {each.sealed.namespace: None for each in served})) == 23
    assert [path.count("namespace=") for _, path, *_ in server.requests] == [10, 10, 3]


SNAPSHOT = json.loads(render(ONE.sealed))
ETAG = '"payments.prod=7-0a1b,shared.prod=3-0a1b"'


@pytest.mark.parametrize(
    "answer",
    [
        make_json_answer(200, {"snapshots": [SNAPSHOT], "deferred": []}, etag=ETAG),
        make_json_answer(200, {"snapshots": [SNAPSHOT, SNAPSHOT], "deferred": ["shared.prod"]}, etag=ETAG),
        make_json_answer(200, {"snapshots": [SNAPSHOT], "deferred": ["evil.prod"]}, etag=ETAG),
        make_json_answer(200, {"snapshots": [SNAPSHOT], "deferred": ["shared.prod"]}, etag='"payments.prod=7-0a1b"'),
        make_json_answer(200, {"snapshots": [SNAPSHOT], "deferred": ["shared.prod"]}),
        make_json_answer(200, {"snapshots": [SNAPSHOT], "deferred": [1]}, etag=ETAG),
        make_json_answer(200, {"snapshots": 1, "deferred": []}, etag=ETAG),
        make_json_answer(200, [], etag=ETAG),
        make_json_answer(304, {}),
    ],
)
def test_an_answer_of_other_namespaces_than_those_asked_for_is_refused(answer: Answer) -> None:
    with run_stub(lambda *_: answer) as server, pytest.raises(Unavailable):
        fetch(server, {NS: None, SHARED: None})


def test_the_one_that_is_absent_fails_alone() -> None:
    served = Several(ONE, TWO)

    def without_third(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if "third.prod" in path:
            return make_json_answer(404, {"code": "not_found", "detail": "None such.", "namespace": "third.prod"})
        return served(method, path, headers, body)

    with run_stub(without_third) as server:
        found = fetch(server, {NS: None, THIRD: '"1-0a"', SHARED: TWO.etag})
    assert (found[NS], isinstance(found[THIRD], NotFound), SHARED in found) == (ONE, True, False)
    assert len(server.requests) == 2


def test_the_one_that_makes_no_sense_fails_alone() -> None:
    odd = {**json.loads(render(TWO.sealed)), "entries": [{"key": "b", "form": "quantum"}]}
    answer = make_json_answer(200, {"snapshots": [SNAPSHOT, odd], "deferred": []}, etag=ETAG)
    with run_stub(lambda *_: answer) as server:
        found = fetch(server, {NS: None, SHARED: None})
    assert (found[NS], isinstance(found[SHARED], Unavailable)) == (ONE, True)


def test_the_one_that_is_fetched_singly_and_fails_fails_alone() -> None:
    served = Several(ONE, TWO)
    served.deferred = {SHARED}

    def single_is_down(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return (503, {}, b"") if path.endswith("/snapshot") else served(method, path, headers, body)

    with run_stub(single_is_down) as server:
        found = fetch(server, {NS: None, SHARED: None})
    assert (found[NS], isinstance(found[SHARED], Unavailable)) == (ONE, True)


@pytest.mark.parametrize(
    ("tag", "requests"), [("a" * 60_000, 1), ("0a 1b", 1), ("0a,payments.prod=8-ff", 3), ("0a,evil.prod=8-ff", 3)]
)
def test_the_one_whose_etag_is_none_of_the_service_s_fails_alone(tag: str, requests: int) -> None:
    with run_stub(Several(ONE, TWO._replace(etag=f'"3-{tag}"'))) as server:
        found = fetch(server, {NS: '"6-ffff"', SHARED: None})
    assert (found[NS], isinstance(found[SHARED], Unavailable)) == (ONE, True)
    assert len(server.requests) == requests
