"""A writer or administrator who puts text where others read it: a forged line, colours, text that runs backwards."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from configsvc.model.text import make_printable
from tests.support.journeys.api import Api, Reply
from tests.support.journeys.local_stage import local_stage
from tests.support.journeys.sealing import plain
from tests.support.journeys.stage import REGION, Stage, api_key_principal, iam_principal
from tests.support.journeys.texts import Texts

NAMESPACE = "/v1/namespaces/texts.prod"
KEY = f"{NAMESPACE}/keys/k"
PUT = {"op": "put", "key": "k", **plain("v")}
UNFIT = [
    *map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u061c", "\u200e", "\u200f", "\u2028", "\u2029",
    *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ufeff",
]  # fmt: skip
FIT = ["", "move to the new cluster", "été · 漢字 · العربية · עברית", "👩\u200d💻 done", "a\u00a0b \\n %1b[31m"]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with local_stage(Texts()) as made:
        api = Api(made.url, REGION)
        for principal, action in (
            (api_key_principal(made.writer), "read"),
            (iam_principal(made.writer), "write"),
            (iam_principal(made.admin), "admin"),
        ):
            body = {"grants": [{"actions": [action], "namespaces": ["*"]}]}
            assert api.send("PUT", "/v1/grants", made.admin, body, query={"principal": principal}).status == 200
        assert api.send("PUT", NAMESPACE, made.admin, {}).status == 201
        assert api.send("PUT", KEY, made.writer, plain("v")).status == 201
        yield made


def attempts(stage: Stage, text: str) -> list[Reply]:
    """Every place of the API that takes a text for people."""
    api = Api(stage.url, REGION)
    return [
        api.send("PUT", KEY, stage.writer, {**plain("v"), "message": text}),
        api.send("POST", f"{NAMESPACE}/changes", stage.writer, {"operations": [PUT], "message": text}),
        api.send("POST", f"{KEY}/activate", stage.writer, {"version": 1, "message": text}),
        api.send("PUT", NAMESPACE, stage.admin, {"description": text}),
    ]


@pytest.mark.parametrize("unfit", UNFIT, ids=lambda each: f"U+{ord(each):04X}")
def test_what_moves_a_terminal_or_turns_text_around_is_refused(stage: Stage, unfit: str) -> None:
    for refused in attempts(stage, f"harmless{unfit}row"):
        told = refused.body.decode()
        assert refused.status == 400, told
        assert "one line of text" in json.loads(told)["detail"]
        assert unfit not in told.strip() or unfit == " "
        assert "harmless" not in told


@pytest.mark.parametrize("fit", FIT)
def test_what_people_write_in_any_language_is_taken(stage: Stage, fit: str) -> None:
    assert [each.status for each in attempts(stage, fit)] == [201, 200, 200, 200]


def test_an_unknown_field_name_is_not_echoed_verbatim(stage: Stage) -> None:
    api = Api(stage.url, REGION)
    for refused in (
        api.send("PUT", KEY, stage.writer, {**plain("v"), "\x1b]0;x\x07\u202e": 1}),
        api.send("PUT", NAMESPACE, stage.admin, {"schemas": [{"keys": "*", "schema": {"items": {"\x9b31m": 1}}}]}),
        api.send("GET", KEY, stage.writer, query={"\x1b[2J": "1"}),
    ):
        told = refused.body.decode()
        assert refused.status in {400, 422}
        assert json.loads(told)
        assert not [each for each in UNFIT if each in json.dumps(json.loads(told), ensure_ascii=False)]


def test_what_a_client_says_of_itself_is_kept_without_them(stage: Stage) -> None:
    api = Api(stage.url, REGION)
    sent = api.send("PUT", KEY, stage.writer, plain("v"), headers={"user-agent": "tool\x9b31m/1"})
    assert sent.status == 201
    changes = json.loads(api.send("GET", f"{NAMESPACE}/changes", stage.writer).body)["changes"]
    assert {each["user_agent"] for each in changes} & {"tool\ufffd31m/1"}


def test_unfit_characters_are_shown_as_replaced() -> None:
    assert make_printable("".join(UNFIT)) == "\ufffd" * len(UNFIT)
    assert make_printable("\ud800") == "\ufffd"
    assert [make_printable(each) for each in FIT] == FIT
