from __future__ import annotations

from typing import Any

import pytest

from configsvc.model import limits
from configsvc.model.errors import InvalidName, Unprocessable
from configsvc_client._opening.value import read_value
from configsvc_client._secret import Secret
from configsvc_client.admin import Draft, check_draft, make_draft
from configsvc_client.admin.sealing.drafts import DraftJson
from tests.support.client.error_texts import collect_texts

CANARY = "canary-5d1c"


@pytest.mark.parametrize(
    ("value", "data", "content_type"),
    [
        ("žluťoučký", "žluťoučký".encode(), "text/plain"),
        ("", b"", "text/plain"),
        (b"\x00\xff", b"\x00\xff", "application/octet-stream"),
        ({"a": [1, None, True]}, b'{"a":[1,null,true]}', "application/json"),
        (2.5, b"2.5", "application/json"),
        (None, b"null", "application/json"),
    ],
)
def test_the_content_type_follows_the_python_type(value: DraftJson | bytes, data: bytes, content_type: str) -> None:
    made = make_draft("k", value)
    assert (made.data, made.content_type, made.form) == (data, content_type, None)


def test_text_may_be_declared_as_json() -> None:
    assert make_draft("k", '{"a": 1}', content_type="application/json").data == b'{"a": 1}'


@pytest.mark.parametrize(
    ("value", "content_type", "form"),
    [
        (f"{{{CANARY}", "application/json", "envelope"),
        (f'["{CANARY}", NaN]', "application/json", "envelope"),
        (f"{CANARY}\ud800", "text/plain", "envelope"),
        ([f"{CANARY}\ud800"], "application/json", "envelope"),
        (f"{CANARY}\udcff".encode(errors="surrogateescape"), "text/plain", "envelope"),
        (f'{{"{CANARY}": 1, "{CANARY}": 2}}', "application/json", "envelope"),
        (f'["{CANARY}", 1e999]', "application/json", "envelope"),
        (f'["{CANARY}\\ud800"]', "application/json", "envelope"),
        (f'{"[" * limits.JSON_DEPTH}"{CANARY}"{"]" * limits.JSON_DEPTH}', "application/json", "envelope"),
        (CANARY.encode(), "application/octet-stream", "plain"),
        (CANARY, "text/html", "envelope"),
    ],
)
def test_a_value_of_the_wrong_content_type_is_refused_but_not_shown(
    value: DraftJson | bytes, content_type: str, form: str
) -> None:
    with pytest.raises(Unprocessable) as caught:
        make_draft("k", value, content_type=content_type, form=form)  # type: ignore[arg-type]  # forms by name
    assert CANARY not in collect_texts(caught.value)


def test_the_deepest_json_that_may_be_sealed_opens_for_a_reader() -> None:
    levels = limits.JSON_DEPTH - 1
    with pytest.raises(Unprocessable, match="levels deep") as refused:
        make_draft("k", "[" * limits.JSON_DEPTH + "1" + "]" * limits.JSON_DEPTH, content_type="application/json")
    assert refused.value.members == {"key": "k", "limit": limits.JSON_DEPTH}
    sealed = make_draft("k", "[" * levels + "1" + "]" * levels, content_type="application/json")
    opened: Any = read_value("k", "application/json", Secret(sealed.data))
    for _ in range(levels):
        (opened,) = opened
    assert opened == 1


def test_a_key_is_checked_before_anything_is_sealed() -> None:
    with pytest.raises(InvalidName):
        make_draft("a/b", "value")


def test_a_repr_shows_no_value() -> None:
    assert CANARY not in repr(make_draft("k", CANARY))
    assert CANARY not in repr(check_draft(Draft(make_draft("k", CANARY).key, CANARY.encode())))
