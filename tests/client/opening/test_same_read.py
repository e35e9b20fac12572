"""When a callback for changes is called: a reader gets something else, whatever was stored again."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import render
from configsvc.model.same_value import same_read, same_value
from configsvc.model.snapshot import ContentType
from tests.support.client.configs import Stage
from tests.support.client.sealing import DATA_KEY, make_data_key, make_envelope, make_plain_entry, make_snapshot

OTHER_KEY = bytes(range(32))
JSON: ContentType = "application/json"
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=2), each, max_size=3),
    max_leaves=6,
)


def _told(before: str, after: str, content_type: ContentType = JSON) -> bool:
    """Whether a callback is called when a value is sealed again, under another data key and as another version."""
    stage = Stage(make_snapshot([make_envelope("k", before.encode(), content_type=content_type)]))
    told: list[frozenset[str]] = []
    stage.config.on_change("", told.append)
    assert len(stage.config) == 1
    again = make_envelope("k", after.encode(), version=2, raw=OTHER_KEY, content_type=content_type)
    stage.serve(make_snapshot([again], revision=2, data_keys=[make_data_key(DATA_KEY), make_data_key(OTHER_KEY)]))
    assert stage.config.refresh()
    return bool(told)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": [1, 2.5], "b": "é"}', '{\n  "b": "\\u00e9",\n  "a": [1,2.5]\n}\n'),
        ('{"a": {"x": 1, "y": 2}}', '{"a": {"y": 2, "x": 1}}'),
        ("[" * 300 + "]" * 300, "[" * 300 + " ]" * 300),
        ("NaN", " NaN"),
    ],
)
def test_json_that_is_respelled_or_sealed_again_is_no_change(before: str, after: str) -> None:
    assert not _told(before, before)
    assert not _told(before, after)


@pytest.mark.parametrize(
    "values",
    [
        ["true", "1", "1.0", '"1"', "[1]", '{"a": 1}', '{"a": true}', '{"a": 1.0}'],
        ["false", "0", "0.0", "-0.0", "null", '""', "[]", "{}"],
    ],
)
def test_json_of_another_type_is_a_change_in_both_directions(values: list[str]) -> None:
    for one, other in combinations(values, 2):
        assert _told(one, other), (one, other)
        assert _told(f'{{"x": [{other}]}}', f'{{"x": [{one}]}}'), (one, other)


def test_text_is_a_change_by_every_character() -> None:
    assert not _told("a\r\n", "a\r\n", "text/plain")
    assert _told("a\r\n", "a\n", "text/plain")
    assert _told("1", "1.0", "text/plain")


def test_a_value_that_is_stored_in_another_form_is_no_change() -> None:
    stage = Stage(make_snapshot([make_envelope("k", b"v")]))
    told: list[frozenset[str]] = []
    stage.config.on_change("", told.append)
    assert stage.config["k"] == "v"
    stage.serve(make_snapshot([make_plain_entry("k", "v")], revision=2))
    stage.config.refresh()
    assert not told


@given(TREES, TREES)
def test_what_same_value_says_of_stored_values_holds_for_their_readers(one: object, other: object) -> None:
    texts = render(one), render(other)
    stored = same_value(JSON, texts[0].encode(), texts[1].encode())
    assert same_read(json.loads(texts[0]), json.loads(texts[1])) == stored
