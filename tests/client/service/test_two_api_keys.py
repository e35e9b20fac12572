"""Two API keys in CONFIGSVC_API_KEY, while one takes the other's place: no read fails, and no poll is doubled."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from configsvc.model import errors
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client import Config, ConfigUnavailable
from configsvc_client._secret import Secret
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import Given, parse_settings
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.configs import ENVIRON
from tests.support.client.sealing import NS, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_stub
from tests.support.client.stub_service import answer_kms

OLD, NEW = "old-key-of-twenty-letters", "new-key-of-twenty-letters"
SERVED = seal_values({"a": "1"}, revision=7)
REFUSALS: dict[str, Answer] = {
    "the gateway's": make_json_answer(403, {"message": "Forbidden"}, **{"x-amzn-errortype": "ForbiddenException"}),
    "our gateway response": (
        403, {"content-type": "application/problem+json"},
        b'{"code": "forbidden", "detail": "unknown key", "status": 403, "gateway": "INVALID_API_KEY"}',
    ),
    "a missing grant": (
        403, {"content-type": "application/problem+json"},
        b'{"code": "forbidden", "detail": "No grant allows read.", "status": 403}',
    ),
    "a firewall's": (403, {"content-type": "text/html"}, b"<html>blocked"),
    "an empty one": (403, {}, b""),
    "a hidden namespace": (
        404, {"content-type": "application/problem+json"},
        f'{{"code": "not_found", "detail": "There is no namespace {NS}, or", "namespace": "{NS}"}}'.encode(),
    ),
}  # fmt: skip


class Keys:
    """A service that lets some keys in; another answer may be given to a key in place of the snapshot."""

    def __init__(self, *allowed: str, refusal: Answer = REFUSALS["the gateway's"]) -> None:
        self.allowed = set(allowed)
        self.refusal = refusal
        self.instead: dict[str, Answer] = {}
        self.served = SERVED

    def answer(self, _: str, __: str, headers: dict[str, str], ___: bytes) -> Answer:
        key = headers["x-api-key"]
        if key in self.instead:
            return self.instead[key]
        if key not in self.allowed:
            return self.refusal
        if headers.get("if-none-match") == self.served.etag:
            return 304, {"etag": self.served.etag}, b""
        return 200, {"content-type": "application/json", "etag": self.served.etag}, render(self.served.sealed).encode()


class Running(NamedTuple):
    keys: Keys
    server: Stub
    gateway: ApiGateway
    sent: Callable[[], list[str]]

    def poll(self, etag: str | None = SERVED.etag) -> object:
        return self.gateway.fetch({NS: etag}, time.monotonic() + 20)


@contextlib.contextmanager
def running(keys: Keys, *given: str) -> Iterator[Running]:
    with run_stub(keys.answer) as server:
        connection = Connection(parse_url(f"{server.url}/prod"), {})

        def sent() -> list[str]:
            """The keys that were sent since this was asked last."""
            seen = [headers["x-api-key"] for _, _, headers, _ in server.requests]
            server.requests.clear()
            return seen

        with contextlib.closing(connection):
            yield Running(keys, server, ApiGateway(connection, *(given or (OLD, NEW))), sent)


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refused_request_is_retried_with_the_other_key(kind: str) -> None:
    with running(Keys(NEW, refusal=REFUSALS[kind])) as made:
        assert made.poll(None) == {NS: SERVED}
        assert made.sent() == [OLD, NEW]
        assert [made.poll() for _ in range(3)] == [{}] * 3
        assert made.sent() == [NEW] * 3


def test_a_key_that_works_is_sent_alone() -> None:
    with running(Keys(OLD, NEW)) as made:
        made.poll(None)
        made.poll()
        assert made.sent() == [OLD, OLD]


def test_the_condition_goes_with_the_other_key() -> None:
    with running(Keys(OLD, NEW)) as made:
        made.poll(None)
        made.keys.allowed = {NEW}
        assert made.poll() == {}
        assert [headers.get("if-none-match") for _, _, headers, _ in made.server.requests] == [None, *[SERVED.etag] * 2]


def test_keys_may_take_turns() -> None:
    with running(Keys(NEW)) as made:
        made.poll(None)
        made.keys.allowed = {OLD}
        assert (made.poll(), made.sent()) == ({}, [OLD, NEW, NEW, OLD])
        made.keys.allowed = {NEW}
        assert (made.poll(), made.sent()) == ({}, [OLD, NEW])


def test_two_refused_keys_give_one_error_and_one_request_per_poll() -> None:
    with running(Keys()) as made:
        for expected in ([OLD, NEW], [OLD], [NEW], [OLD]):
            with pytest.raises(errors.Forbidden, match=r"^Both API keys in CONFIGSVC_API_KEY are refused\. ") as caught:
                made.poll()
            assert made.sent() == expected
            assert OLD not in caught.value.detail
            assert NEW not in caught.value.detail
            assert caught.value.members["gateway"] == "FORBIDDEN"


@pytest.mark.parametrize("healed", [OLD, NEW])
def test_a_restored_key_is_found_by_the_second_poll(healed: str) -> None:
    with running(Keys()) as made:
        with pytest.raises(errors.Forbidden):
            made.poll()
        made.keys.allowed = {healed}
        for _ in range(2):
            with contextlib.suppress(errors.Forbidden):
                made.poll()
        assert made.sent()[-1] == healed
        assert [made.poll(), made.sent()] == [{}, [healed]]
        made.keys.allowed = {OLD, NEW} - {healed}
        assert made.poll() == {}


def test_two_different_refusals_are_both_reported_in_order() -> None:
    with running(Keys()) as made:
        made.keys.instead = {OLD: REFUSALS["our gateway response"], NEW: REFUSALS["a missing grant"]}
        for _ in range(3):
            with pytest.raises(
                errors.Forbidden, match=r"The first: .*refused the API key.* The second: No grant allows"
            ):
                made.poll()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (make_json_answer(429, {}, **{"retry-after": "3"}), errors.Throttled),
        (make_json_answer(500, {}), errors.Internal),
    ],
)
def test_the_other_key_s_answer_counts_and_it_is_sent_first(answer: Answer, error: type[errors.ConfigsvcError]) -> None:
    with running(Keys(OLD)) as made:
        made.poll(None)
        made.keys.allowed = {NEW}
        made.keys.instead = {NEW: answer}
        with pytest.raises(error):
            made.poll()
        made.keys.instead = {}
        assert made.poll() == {}
        assert made.sent() == [OLD, OLD, NEW, NEW]


NOTHING: Answer = (404, {"content-type": "application/problem+json"}, b'{"code": "not_found", "detail": "none"}')


def test_an_ungranted_new_key_does_not_block_the_reenabled_old_one() -> None:
    with running(Keys(OLD)) as made:
        made.poll(None)
        made.keys.allowed = set()
        made.keys.instead = {NEW: NOTHING}
        with pytest.raises(errors.NotFound):
            made.poll()
        with pytest.raises(errors.Forbidden, match="Both"):
            made.poll()
        with pytest.raises(errors.NotFound):
            made.poll()
        assert made.sent() == [OLD, OLD, NEW, OLD, NEW]
        made.keys.allowed = {OLD}
        assert (made.poll(), made.sent()) == ({}, [OLD])


def test_no_answer_but_a_refusal_is_tried_with_the_other_key() -> None:
    absent = b'{"code": "not_found", "detail": "none", "namespace": "a.prod", "key": "b"}'
    with running(Keys(NEW)) as made:
        for answer in (
            make_json_answer(429, {}),
            make_json_answer(500, {}),
            (502, {}, b""),
            make_json_answer(401, {}),
            make_json_answer(400, {}),
            NOTHING,
            (404, {"content-type": "application/problem+json"}, absent),
        ):
            made.keys.instead = {OLD: answer}
            with pytest.raises(errors.ConfigsvcError):
                made.poll()
            assert set(made.sent()) == {OLD}


def test_a_namespace_that_neither_key_finds_costs_one_request_per_poll() -> None:
    with running(Keys(refusal=REFUSALS["a hidden namespace"])) as made:
        for expected in ([OLD, NEW], [OLD], [NEW], [OLD]):
            with pytest.raises(errors.NotFound, match=r"^Neither API key in CONFIGSVC_API_KEY finds it") as caught:
                made.poll()
            assert (made.sent(), caught.value.members["namespace"]) == (expected, NS)
        made.keys.allowed = {OLD}
        with pytest.raises(errors.NotFound):
            made.poll()
        assert made.poll() == {}
        assert made.sent() == [NEW, OLD]


@pytest.mark.parametrize("disabled", [OLD, NEW])
def test_a_404_of_one_key_outweighs_a_403_of_the_other(disabled: str) -> None:
    with running(Keys(refusal=REFUSALS["a hidden namespace"])) as made:
        made.keys.instead = {disabled: REFUSALS["the gateway's"]}
        for _ in range(3):
            with pytest.raises(errors.NotFound, match=r"The first: .* The second: ") as caught:
                made.poll()
            assert caught.value.members["namespace"] == NS


def test_a_throttled_other_key_does_not_make_it_absent() -> None:
    with running(Keys(refusal=REFUSALS["a hidden namespace"])) as made:
        made.keys.instead = {NEW: make_json_answer(429, {})}
        with pytest.raises(errors.Throttled):
            made.poll()
        made.keys.instead, made.keys.allowed = {}, {NEW}
        assert (made.poll(), made.sent()) == ({}, [OLD, NEW, NEW])


def test_each_key_may_read_another_namespace() -> None:
    """Asked for together, each key misses one of them; asked for singly, each is found."""
    names = [Namespace("a.prod"), Namespace("b.prod"), Namespace("no.such")]
    served = {name: make_snapshot([make_plain_entry("k", name)], revision=7, namespace=name) for name in names}
    readable = {OLD: {"a.prod"}, NEW: {"b.prod"}}

    def answer(_: str, path: str, headers: dict[str, str], ___: bytes) -> Answer:
        asked = [name for name in names if name in path]
        hidden = [name for name in asked if name not in readable[headers["x-api-key"]]]
        if hidden:
            return 404, {"content-type": "application/problem+json"}, (
                f'{{"code": "not_found", "detail": "none", "namespace": "{hidden[0]}"}}'
            ).encode()  # fmt: skip
        found = served[asked[0]]
        return 200, {"content-type": "application/json", "etag": found.etag}, render(found.sealed).encode()

    with run_stub(answer) as server, contextlib.closing(Connection(parse_url(f"{server.url}/prod"), {})) as connection:
        gateway = ApiGateway(connection, OLD, NEW)
        for _ in range(3):
            server.requests.clear()
            found = gateway.fetch(dict.fromkeys(names), time.monotonic() + 20)
            assert {name: isinstance(each, errors.NotFound) for name, each in found.items()} == {
                "a.prod": False, "b.prod": False, "no.such": True,
            }  # fmt: skip
        assert len(server.requests) == 1 + len(names)


def test_one_key_is_not_sent_twice() -> None:
    with running(Keys(), OLD) as made:
        with pytest.raises(errors.Forbidden) as caught:
            made.poll()
        assert made.sent() == [OLD]
        assert "Both" not in caught.value.detail


def test_each_of_many_namespaces_remembers_which_key_may_read_it() -> None:
    """More than ten are asked for in several requests, and each key may have grants of its own."""
    names = [Namespace(f"n{each}.prod") for each in range(11)]

    def answer(_: str, path: str, headers: dict[str, str], ___: bytes) -> Answer:
        single = "/snapshot?" not in path and "/snapshots" not in path
        return (
            REFUSALS["a missing grant"]
            if headers["x-api-key"] != (NEW if single else OLD)
            else make_json_answer(500, {})
        )

    with run_stub(answer) as server, contextlib.closing(Connection(parse_url(f"{server.url}/prod"), {})) as connection:
        gateway = ApiGateway(connection, OLD, NEW)
        sent = list[int]()
        for _ in range(4):
            with contextlib.suppress(errors.ConfigsvcError):
                gateway.fetch(dict.fromkeys(names), time.monotonic() + 20)
            sent.append(len(server.requests))
            server.requests.clear()
    assert sent[2:] == [2, 2]


@contextlib.contextmanager
def consumer(keys: Keys, variable: str, **more: object) -> Iterator[tuple[Config, Stub]]:
    with run_stub(keys.answer) as server, run_stub(answer_kms) as kms:
        environ = {
            "CONFIGSVC_URL": f"{server.url}/prod", "CONFIGSVC_NAMESPACES": NS,
            "CONFIGSVC_KMS_KEYS": ENVIRON["CONFIGSVC_KMS_KEYS"],
            "AWS_ENDPOINT_URL_KMS": kms.url, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "secret", "CONFIGSVC_API_KEY": variable,
        }  # fmt: skip
        with contextlib.closing(Config(environ=environ, refresh_seconds=20, **more)) as config:  # type: ignore[arg-type]  # named ones
            yield config, server


def test_a_rotation_costs_a_consumer_no_read() -> None:
    keys = Keys(OLD)
    with consumer(keys, f" {OLD} , {NEW}\n") as (config, _):
        assert config["a"] == "1"
        keys.allowed = {OLD, NEW}
        assert config.refresh() is False
        keys.allowed = {NEW}
        keys.served = seal_values({"a": "2"}, revision=8)
        assert config.refresh() is True
        assert (config["a"], config.last_error, config.counts["failures"]) == ("2", None, 0)


def test_grants_may_be_revoked_before_the_old_key_is_disabled() -> None:
    keys = Keys(OLD, NEW, refusal=REFUSALS["a hidden namespace"])
    with consumer(keys, f"{OLD},{NEW}") as (config, server):
        assert config["a"] == "1"
        keys.allowed, keys.served = {NEW}, seal_values({"a": "2"}, revision=8)
        assert config.refresh() is True
        assert (config["a"], config.last_error, config.counts["failures"]) == ("2", None, 0)
        assert (config.refresh(), len(server.requests)) == (False, 4)


def test_a_cold_start_tries_both_and_no_more() -> None:
    with consumer(Keys(NEW), f"{OLD},{NEW}") as (config, server):
        assert config["a"] == "1"
        assert len(server.requests) == 2
    with consumer(Keys(), f"{OLD},{NEW}") as (config, server):
        with pytest.raises(ConfigUnavailable, match="Both API keys") as caught:
            config["a"]
        assert caught.value.members["cause"] == "forbidden"
        assert len(server.requests) == 2


def test_the_argument_holds_two_as_well() -> None:
    keys = Keys(NEW)
    for given in (f"{OLD},{NEW}", Secret(f"{OLD},{NEW}")):
        with consumer(keys, "", api_key=given) as (config, _):
            assert config["a"] == "1"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a , b ", ["a", "b"]),
        ("a,\r\n", ["a"]),
        (",b", ["b"]),
        ("a,,b", ["a", "b"]),
        ("a,a", ["a"]),
        ("a,b,a", ["a", "b"]),
    ],
)
def test_parts_that_are_empty_or_equal_do_not_count(text: str, keys: list[str]) -> None:
    for given, environ in ((Given(), {"CONFIGSVC_API_KEY": text}), (Given(api_key=Secret(text)), {})):
        found_keys = parse_settings(given, {**ENVIRON, **environ}).api_keys
        assert [each.reveal() for each in found_keys] == keys


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("canary1,canary2,canary3", "more than two API keys"),
        ("canary1,two canaries", "characters that no API key has"),
        ("canary1,canary\n2", "characters that no API key has"),
        ("canary1,'canary2'", "begins with a quote"),
        ('"canary1,canary2"', "begins with a quote"),
        ('canary1,canary2"', "ends with a quote"),
        ("canary1',canary2", "ends with a quote"),
        (" , ,", "Not set: CONFIGSVC_API_KEY"),
    ],
)
def test_what_is_not_one_key_or_two_is_refused_without_showing_it(text: str, said: str) -> None:
    for given, environ in ((Given(), {"CONFIGSVC_API_KEY": text}), (Given(api_key=Secret(text)), {})):
        with pytest.raises(errors.Misconfigured, match=said) as caught:
            parse_settings(given, {**ENVIRON, **environ})
        assert "canar" not in caught.value.detail


def test_neither_key_is_shown() -> None:
    environ = {**ENVIRON, "CONFIGSVC_API_KEY": f"{OLD},{NEW}"}
    gateway = ApiGateway(Connection(parse_url("https://h.example/prod"), {}), OLD, NEW)
    shown = [repr(parse_settings(Given(), environ)), repr(Given(api_key=Secret(f"{OLD},{NEW}"))), repr(gateway)]
    shown += [repr(Config(api_key=f"{OLD},{NEW}")), str(vars(gateway))]
    assert not [text for text in shown if OLD in text or NEW in text]


ONE_KEY = """
import sys
from configsvc_client import Config
environ = {"CONFIGSVC_URL": sys.argv[1], "CONFIGSVC_API_KEY": "k", "CONFIGSVC_NAMESPACES": sys.argv[2]}
print(Config(environ=environ)["a"])
print("configsvc_client._service.api_keys" in sys.modules)
"""


def test_a_consumer_with_one_key_loads_nothing_for_two() -> None:
    keys = Keys("k")
    keys.served = make_snapshot([make_plain_entry("a", "1")], revision=7)
    with run_stub(keys.answer) as server:
        done = subprocess.run(
            [sys.executable, "-c", ONE_KEY, f"{server.url}/prod", NS],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    assert done.stdout.split() == ["1", "False"]
