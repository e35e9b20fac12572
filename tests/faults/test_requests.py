"""Sends many or strange requests: two writers, a herd, malformed bodies, a missing table."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.caches import RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model import names
from configsvc.model.change_set import Delete
from configsvc.model.errors import PreconditionFailed, TooLarge
from configsvc.service.verbs.namespaces import get_namespace
from configsvc.service.verbs.snapshots import fetch_snapshot
from tests.support.contracts import tables
from tests.support.service.fakes import Watched
from tests.support.service.world import NS, READER, World, make_world, text
from tests.support.web.apps import build_memory_ports, build_whole_app
from tests.support.web.events import ARN, build_event
from tests.support.web.lines import Lines

KEY = "/v1/namespaces/{namespace}/keys/{key}"
WRITER = {"apiKeyId": "writer1", "userArn": ARN, "sourceIp": "203.0.113.9"}
ENVIRONMENTS, CLIENTS = 20, 2000


def test_s36_of_two_writers_with_one_base_one_commits() -> None:
    world = make_world()
    base = world.put(text("a", "first")).body["revision"]
    assert isinstance(base, int)
    world.repository.before_commit.append(lambda: world.put(text("a", "the other's", if_match=base)))
    with pytest.raises(PreconditionFailed) as refused:
        world.put(text("a", "mine", if_match=base))
    assert (refused.value.members["latest"], refused.value.members["revision"]) == (2, base + 1)
    assert '"the other\'s"' in (world.fetch().body or "")


def test_s36_writes_to_other_keys_do_not_fail_a_precondition() -> None:
    world = make_world()
    base = world.put(text("a", "first")).body["revision"]
    assert isinstance(base, int)
    world.repository.before_commit.append(lambda: world.put(text("b", "the other's")))
    assert world.put(text("a", "mine", if_match=base)).body["revision"] == base + 2


@given(st.text(min_size=1, max_size=300), st.integers(0, 40))
def test_s37_a_write_one_byte_above_the_limit_is_refused(value: str, more: int) -> None:
    world = make_world()
    value = value.replace("\ufffd", "?")
    world.put(text("a", value + "x" * more))
    cost = get_namespace(world.ports, READER, NS)["bytes"]
    assert isinstance(cost, int)
    world.change(Delete(names.parse_key("a")))
    world.set(snapshot_bytes=cost)
    before = world.stored()
    with pytest.raises(TooLarge) as refused:
        world.put(text("a", value + "x" * (more + 1)))
    assert (refused.value.members["size"], world.stored()) == (cost + 1, before)
    assert world.put(text("a", value + "x" * more)).status in {200, 201}


def make_put_event(body: object, headers: dict[str, str] | None = None) -> dict[str, Any]:
    made = build_event("PUT", KEY, parameters={"namespace": NS, "key": "a"}, identity=WRITER, headers=headers)
    return {**made, "body": body}


VALID = '{"form":"plain","content_type":"text/plain","value":"x"}'
BODIES: dict[str, tuple[object, int]] = {
    "none": (None, 400),
    "empty": ("", 400),
    "blank": ("  ", 400),
    "cut off": (VALID[:-1], 400),
    "two": (VALID + VALID, 400),
    "a list": (f"[{VALID}]", 400),
    "NaN": (VALID.replace('"x"', "NaN"), 400),
    "infinity": (VALID.replace('"x"', "-Infinity"), 400),
    "a name twice": (VALID.replace('"value"', '"value":"y","value"'), 400),
    "a name twice by an escape": (VALID.replace('"value"', '"valu\\u0065":"y","value"'), 400),
    "ten thousand lists": ('{"value":' + "[" * 10_000 + "]" * 10_000 + "}", 400),
    "half a pair of surrogates": (VALID.replace("x", "\\ud83d"), 400),
    "a field of another type": (VALID.replace('"x"', "{}"), 400),
    "an unknown field": (VALID.replace('"value"', '"valeu":"y","value"'), 400),
    "a number of a thousand digits": (VALID.replace('"x"', "9" * 1000), 400),
}


@pytest.mark.parametrize("name", BODIES)
def test_s38_a_malformed_body_is_refused_and_never_quoted(name: str) -> None:
    body, status = BODIES[name]
    lines = Lines()
    answer = build_whole_app(lines)(make_put_event(body), None)
    found = json.loads(answer["body"])
    assert (answer["statusCode"], found["status"], found["code"]) == (status, status, "invalid_request")
    assert "Traceback" not in answer["body"]
    assert [line["level"] for line in lines.kept] == ["warning"]


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "us-ascii; charset=utf-8", "UTF-7"])
def test_s38_a_body_in_another_charset_is_refused(charset: str) -> None:
    answer = build_whole_app(Lines())(
        make_put_event(VALID, {"content-type": f"application/json; charset={charset}"}), None
    )
    assert answer["statusCode"] == 415


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException", "ValidationException"]
)
def test_s39_a_missing_or_denied_table_is_named_only_in_the_log(
    code: str,
) -> None:
    secret = "arn:aws:dynamodb:eu-central-1:123456789012:table/configsvc-prod"  # no password
    client, lines = tables.make_client(), Lines()
    ports = build_memory_ports()._replace(repository=DynamoRepository(client, "configsvc-prod"))
    asked = build_event("GET", "/v1/namespaces/{namespace}/snapshot", parameters={"namespace": NS})
    with Stubber(client) as stubber:
        stubber.add_client_error("batch_get_item", code, f"not authorized on {secret}")
        answer = build_whole_app(lines, ports)(asked, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "internal")
    assert "configsvc-prod" not in answer["body"]
    assert "Traceback" not in answer["body"]
    assert (lines.kept[0]["level"], code in lines.text, secret in lines.text) == ("error", True, False)


def test_s43_a_herd_of_cold_clients_costs_one_query_per_environment() -> None:
    world = make_world()
    world.change(*(text(f"k{number}", "x" * 500) for number in range(40)))
    environments = [make_environment(world) for _ in range(ENVIRONMENTS)]
    for number in range(CLIENTS):
        fetched = fetch_snapshot(environments[number % ENVIRONMENTS].ports, READER, NS, None)
        assert fetched.status == 200
    calls = Counter(call for each in environments for call in each.repository.calls)
    assert calls["query"] == ENVIRONMENTS
    assert calls["get"] <= CLIENTS + ENVIRONMENTS
    assert set(calls) == {"query", "get"}


def make_environment(world: World) -> World:
    """Makes another warm function on the same table, with empty caches."""
    made = World(Watched(world.repository))
    made.ports = made.ports._replace(snapshots=RenderedSnapshots())
    return made
