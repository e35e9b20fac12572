from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import JsonNumber, parse, render
from configsvc.model.names import KEY
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.formats import FORMATS, WritableValue, read, write

BYTES: ContentType = "application/octet-stream"

_AWKWARD = (
    "", " ", " both ends ", "two\nlines\n", "\n", "\r", "cr\r\nlf", "tab\t", "a=b", "#x", "x #y", "$x ${x} $(x)", "'",
    '"', "\\", "it's", '"""', "'''", "\\'", '\\"', "end\\", "\\n", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028",
    "\ufeff", "ü", "✓", "😀", "null", "~", "no", "yes", "true", "0123", "1e3", "1_000", "0x1f", "1:30", "2027-01-15",
    ".5", "-", "- a", "a: b", "{}", "[]", "=", "<<", "&a", "*a", "!x", "%", "@", "`", "|", ">", "?", ": ", ",", "NaN",
    "---", "...", "key,value", "k\n\n\n", "  \n x",
)  # fmt: skip

texts = (
    st.sampled_from(_AWKWARD)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.lists(st.sampled_from(_AWKWARD), max_size=4).map("".join)
)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,4})?", fullmatch=True).map(
    lambda text: JsonNumber("".join(str(int(each)) if each.isdigit() else each for each in text))
)
"""Numbers of any length and spelling, in ASCII."""
trees = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(["$base64", "$json"]), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.from_regex(KEY, fullmatch=True).filter(lambda key: len(key) <= 60)


def _value(key: str, kind: ContentType, found: Any) -> WritableValue:  # noqa: ANN401  # of each kind
    match kind:
        case "text/plain":
            return WritableValue(key, found.encode(), kind)
        case "application/json":
            return WritableValue(key, render(found).encode(), kind)
    return WritableValue(key, found, kind)


@st.composite
def values(draw: st.DrawFn, kinds: tuple[ContentType, ...]) -> list[WritableValue]:
    of = {"text/plain": texts, "application/json": trees, "application/octet-stream": st.binary()}
    found = draw(st.lists(keys, max_size=4, unique=True))
    chosen: list[ContentType] = [draw(st.sampled_from(kinds)) for _ in found]
    return [_value(key, kind, draw(of[kind])) for key, kind in zip(found, chosen, strict=True)]


def _meaning(data: bytes, kind: ContentType) -> object:
    """The value as a reader sees it: JSON by its value, with the spelling of its numbers.

    The members of a JSON object have no order (RFC 8259, 4), and TOML writes its tables last.
    """
    return parse(data) if kind == "application/json" else data


def _check(wanted: str, held: list[WritableValue]) -> None:
    text, problems = write(wanted, held, "any.thing")
    refused = {each.key for each in problems}
    if refused:  # with a problem nothing is written, so the values that can be held are written separately
        held = [each for each in held if each.key not in refused]
        text, problems = write(wanted, held, "any.thing")
    assert not problems
    rows, unread = read(wanted, text.encode())
    assert not unread
    found = {row.key: (row.content_type, _meaning(row.data, row.content_type)) for row in rows}
    assert found == {each.key: (each.content_type, _meaning(each.data, each.content_type)) for each in held}


@pytest.mark.parametrize("wanted", FORMATS)
@given(data=st.data())
def test_every_value_comes_back_as_it_was(wanted: str, data: st.DataObject) -> None:
    _check(wanted, data.draw(values(("text/plain", "application/json", "application/octet-stream"))))


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("text", _AWKWARD)
def test_every_awkward_text_comes_back_as_it_was(wanted: str, text: str) -> None:
    _check(wanted, [_value("a", "text/plain", text), _value("b", "text/plain", "'\""), _value("c", "text/plain", "z")])


@pytest.mark.parametrize("wanted", FORMATS)
def test_json_of_any_spelling_means_the_same(wanted: str) -> None:
    spelt = ['"text"', "null", "1.50", "1E400", "-0.0", '{"a": [1,  2]}', '"\\ud800"', "123456789012345678901234567890"]
    spelt += ['{"$json": "1"}', '{"$base64": "AA=="}', '{"a": null}', "true", "[]", '{"": {"1": []}}']
    _check(wanted, [WritableValue(f"k{n}", text.encode(), "application/json") for n, text in enumerate(spelt)])


@pytest.mark.parametrize("wanted", FORMATS)
def test_only_values_that_a_format_cannot_hold_are_refused_by_name(wanted: str) -> None:
    held = [WritableValue("bytes", b"\x00\xff", "application/octet-stream"), _value("lines", "text/plain", "a\nb")]
    _, problems = write(wanted, [*held, _value("ü", "text/plain", "ü")], "any.thing")
    expected = {
        "docker": ["bytes", "lines"],
        "dotenv": ["bytes"],
        "properties": ["bytes"],
        "shell": ["bytes", "ü"],
    }.get(wanted, [])
    assert [each.key for each in problems] == expected


@pytest.mark.parametrize(
    "wanted", [each for each in FORMATS if write(each, [WritableValue("k", b"\xff", BYTES)], "n")[1]]
)
def test_a_format_without_bytes_names_those_that_hold_them(wanted: str) -> None:
    _, (problem,) = write(wanted, [WritableValue("k", b"\xff", BYTES)], "n")
    named = {each for each in FORMATS if re.search(rf"\b{each}\b", problem.reason)}
    assert named == {each for each in FORMATS if not write(each, [WritableValue("k", b"\xff", BYTES)], "n")[1]}
