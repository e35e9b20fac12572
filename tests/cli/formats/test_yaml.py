"""YAML as other programs write it, and our YAML as PyYAML reads it."""

from __future__ import annotations

import base64
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import render
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.formats import WritableValue, read, write
from configsvc_client.cli.formats._yaml_tree import MOST_NODES
from tests.cli.formats.test_round_trips import keys, numbers, texts, trees

CANARY = "canary-a11a5"
TEXT: ContentType = "text/plain"
JSON: ContentType = "application/json"


def _found(text: str) -> dict[str, tuple[str, str]]:
    rows, problems = read("yaml", text.encode())
    assert not problems
    return {row.key: (row.data.decode(), row.content_type) for row in rows}


def _problem(text: str) -> tuple[str, str | None, str]:
    rows, problems = read("yaml", text.encode())
    assert (len(rows), len(problems)) == (0, 1)
    return problems[0].place, problems[0].key, problems[0].reason


# kind of scalar: its spellings. https://yaml.org/type (1.1), YAML 1.2.2, 10.3.2 (core schema), PyYAML's resolver.
TYPED = {
    "numbers": "0 -0 5 -5 5432 1.10 -1.50 0.0 -0.0 1.5e+3 1.5E-3 2222222222222222222222 12345678901234567890.25",
    "truths": "true True TRUE false False FALSE",
    "nulls": "null Null NULL ~",
}
UNTYPED = {
    "numbers of YAML 1.2 only": "6063e25 81111e1 12e3 1e3 1E3 1e-3 1.5e3 0o17",
    "numbers of YAML 1.1 or of both that JSON spells otherwise": "0123 007 0x1F 0b101 1_000 +5 1. .5 -.5 +1.5 01.5",
    "not finite": ".inf -.inf .Inf .NaN .nan NaN inf Infinity",
    "truths of YAML 1.1 only": "yes Yes YES no No NO on On ON off Off OFF y Y n N",
    "times": "1:30 1:30:45 190:20:30 2027-01-15 2027-01-15T10:00:00Z 2027-01-15\\ 10:00:00",
    "spelled otherwise": "tRUE fALSE nULL nil None -",
    "others": "= << 1.2.3 10.0.0.1 +1-555 -x 5GB 0.1.0 1e 1.e+3 e5 _1 1,000",
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPED)
def test_what_every_version_of_yaml_types_is_typed_as_pyyaml_types_it(kind: str) -> None:
    for spelling in TYPED[kind].split():
        found, content_type = _found(f"a: {spelling}")["a"]
        assert content_type == JSON, spelling
        assert repr(json.loads(found)) == repr(yaml.safe_load(f"a: {spelling}")["a"]), spelling
        if kind == "numbers":
            assert found == spelling


@pytest.mark.parametrize("kind", UNTYPED)
def test_what_versions_of_yaml_type_differently_is_text(kind: str) -> None:
    for spelling in UNTYPED[kind].replace("\\ ", "\0").split():
        text = spelling.replace("\0", " ")
        if text != "-":
            assert _found(f"a: {text}")["a"] == (text, TEXT)


_ROW = re.compile(r"\| (`.*`)(?:, in any case)? \|(.*)\|(.*)\| (.*) \| (.*) \|")
_PYYAML = {"int": int, "float": float, "bool": bool, "null": type(None), "text": str, "date": date}
_OURS: dict[str, Any] = {"number": (int, float), "true or false": bool, "null": type(None)}


def test_the_documented_table_is_what_pyyaml_and_we_do() -> None:
    rows = [match.groups() for match in map(_ROW.fullmatch, Path("docs/FORMATS.md").read_text().splitlines()) if match]
    assert len(rows) >= 15
    for spellings, _, _, theirs, ours in rows:
        for spelling in spellings.strip("`").split("` `"):
            if spelling == "<<":
                continue
            if theirs == "an error":
                with pytest.raises(yaml.YAMLError):
                    yaml.safe_load(f"a: {spelling}")
            else:
                kind = _PYYAML[theirs.split(" (")[0]]
                assert type(yaml.safe_load(f"a: {spelling}")["a"]) is kind, spelling
            found, content_type = _found(f"a: {spelling}")["a"]
            if ours == "text":
                assert (found, content_type) == (spelling, TEXT)
            else:
                assert isinstance(json.loads(found), _OURS[ours]), spelling


@given(text=st.text("0123456789.+-eE_:xobnulltrefaswyNTF~", min_size=1, max_size=9))
def test_nothing_is_typed_that_pyyaml_takes_for_text(text: str) -> None:
    rows, problems = read("yaml", f"a: {text}".encode())
    if problems or rows[0].content_type == TEXT:
        return
    assert repr(yaml.safe_load(f"a: {text}")["a"]) == repr(json.loads(rows[0].data))


def test_the_numbers_file_keeps_text_as_text_and_numbers_as_spelled() -> None:
    text = "image_tag: 6063e25\ncommit: 81111e1\napi_version: 1.10\nlimit: 12345678901234567890.25\npassword: 12e3\n"
    assert _found(text) == {
        "image_tag": ("6063e25", TEXT), "commit": ("81111e1", TEXT), "api_version": ("1.10", JSON),
        "limit": ("12345678901234567890.25", JSON), "password": ("12e3", TEXT),
    }  # fmt: skip


def test_numbers_keep_their_spelling_inside_lists_and_mappings() -> None:
    assert _found("a: {b: [1.10, -0, 12e3], c: 1.50e+10}")["a"] == ('{"b":[1.10,-0,"12e3"],"c":1.50e+10}', JSON)


def test_explicit_tags_say_what_a_value_is() -> None:
    text = 'a: !!str 5\nb: !!int "5"\nc: !!float 12e3\nd: !!float 5\ne: !!bool yes\nf: !!null ~\ng: !!map {x: [1]}\n'
    assert {key: found for key, (found, _) in _found(text).items()} == {
        "a": "5", "b": "5", "c": "12e3", "d": "5.0", "e": "true", "f": "null", "g": '{"x":[1]}',
    }  # fmt: skip
    assert read("yaml", b"a: !!binary AP8=\n")[0][0].data == b"\x00\xff"


# Each expansion is checked against PyYAML, including the order of members.
MERGES = [
    "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n",
    "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}\n",
    "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], w: 5}\nd: {<<: [*b, *a]}\n",
    "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, x: 9}\nd: {z: {<<: *b}}\n",
    "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: *a, <<: *b}\n",
    "base: &base {x: 1, y: 2}\n<<: *base\ny: 3\n",
    "y: 3\nbase: &base {x: 1, y: 2}\n<<: *base\n",
    "b: {<<: {x: 1, y: 2}, y: 3}\n",
    "b: {<<: [{x: 1}, {x: 2, y: 2}]}\nc: {<<: []}\nd: {<<: {}}\n",
    'a: &a {x: 1}\nb: {"<<": 5, x: 2}\n"<<": text\n',
    "x-log: &log\n  driver: json\n  options: {max-size: 10m}\nweb:\n  <<: *log\n  options: {max-size: 1m}\n",
]


@pytest.mark.parametrize("text", MERGES)
def test_merges_give_what_pyyaml_gives(text: str) -> None:
    found = {key: json.loads(data) if kind == JSON else data for key, (data, kind) in _found(text).items()}
    assert json.dumps(found) == json.dumps(yaml.safe_load(text))


@given(data=st.data())
def test_merges_of_merges_give_what_pyyaml_gives(data: st.DataObject) -> None:
    lines = []
    for number in range(data.draw(st.integers(1, 5))):
        names = data.draw(st.lists(st.sampled_from("xyzw"), unique=True, max_size=4))
        parts = [f"{name}: 1{number}{place}" for place, name in enumerate(names)]
        earlier = st.lists(st.integers(0, number - 1).map("*a{}".format), max_size=3) if number else st.just([])
        merges = data.draw(st.lists(earlier, max_size=2))
        parts += [f"<<: [{', '.join(sources)}]" for sources in merges]
        lines.append(f"k{number}: &a{number} {{{', '.join(data.draw(st.permutations(parts)))}}}")
    text = "\n".join(lines)
    found = {key: json.loads(value) for key, (value, _) in _found(text).items()}
    assert json.dumps(found) == json.dumps(yaml.safe_load(text))


def test_a_key_merged_at_the_top_has_its_own_line() -> None:
    rows, _ = read("yaml", b"x: &x\n  a: 1\n  b: 2\n<<: *x\nb: 3\n")
    assert {row.key: row.place for row in rows} == {"x": "line 1", "a": "line 2", "b": "line 5"}


def _bomb(line: str, first: str, indent: str = "") -> str:
    lines = [f"a0: &a0 {first}", *(line.format(n=n, m=n - 1) for n in range(1, 30))]
    return "".join(f"{indent}{each}\n" for each in lines)


_NINE = ", ".join(["*a{m}"] * 9)
_FIVE_HUNDRED = ", ".join(["*a{m}"] * 500)
_CHAIN = [f"a{n}: &a{n} {{{f'<<: *a{n - 1}, ' if n else ''}k{n}: 1}}\n" for n in range(1_000)]
BOMBS = {
    "lists": (_bomb(f"a{{n}}: &a{{n}} [{_NINE}]", "[x, x]"), 6),
    "mappings": (_bomb("a{n}: &a{n} {{a: *a{m}, b: *a{m}, c: *a{m}, d: *a{m}}}", "[x, x]"), 9),
    "a long text": (f"a: &a {'x' * 10_000}\nb: [{', '.join(['*a'] * 1_000)}]\n", 2),
    "flat": (f"a: &a [{', '.join('x' * 500)}]\n" + "".join(f"b{n}: *a\n" for n in range(500)), 200),
    "nested": ("top:\n" + _bomb("a{n}: &a{n} [*a{m}, *a{m}]", "[x]", "  "), 18),
    "merged values": (_bomb("a{n}: &a{n} {{<<: *a{m}, k{n}: [*a{m}, *a{m}]}}", "{x: 1}"), 11),
    "merged keys": ("".join(_CHAIN), 448),
    "lists of merges": (_bomb(f"a{{n}}: &a{{n}} {{{{<<: [{_FIVE_HUNDRED}], k{{n}}: 1}}}}", "{x: 1}"), 21),
}
"""Documents with the line on which they become too large."""


@pytest.mark.parametrize("kind", BOMBS)
def test_aliases_that_expand_too_far_are_refused_with_their_line(kind: str) -> None:
    text, line = BOMBS[kind]
    place, _, reason = _problem(text)
    assert (place.split(",")[0], f"more than {MOST_NODES:,}" in reason) == (f"line {line}", True)


def test_a_chain_of_aliases_is_as_deep_as_its_expansion() -> None:
    place, _, reason = _problem("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5_000)))
    assert (place, "nested deeper than 64" in reason) == ("line 64, column 6", True)


def test_a_file_without_aliases_may_be_as_large_as_it_is() -> None:
    assert len(_found("".join(f"k{n}: [{'x, ' * 200}]\n" for n in range(30)))) == 30


# The text, the place where it is refused, and a part of the reason. None quotes the text.
REFUSED = [
    ("", "", "empty"),
    ("# only a comment\n", "", "empty"),
    (f"- {CANARY}\n", "line 1", "mapping"),
    (CANARY, "line 1", "mapping"),
    (f"a: 1\n---\nb: {CANARY}\n", "line 2, column 1", "second document"),
    (f"---\na: {CANARY}\n---\n", "line 3, column 1", "second document"),
    (f"a: x\n\tb: {CANARY}\n", "line 2, column 1", "tab"),
    (f"a:\n\t- {CANARY}\n", "line 2, column 1", "tab"),
    (f"a: !Ref {CANARY}\n", "line 1, column 4", "CloudFormation"),
    (f"a: !vault |\n  {CANARY}\n", "line 1, column 4", "decrypt"),
    (f"a: [1, !{CANARY} x]\n", "line 1, column 8", "a tag"),
    (f"a: !{CANARY} {{b: 1}}\n", "line 1, column 4", "a tag"),
    (f"a: !!python/name:{CANARY} x\n", "line 1, column 4", "Python"),
    (f"--- !{CANARY}\na: 1\n", "line 1, column 5", "a tag"),
    (f"a: {{<<: !{CANARY} {{x: 1}}}}\n", "line 1, column 9", "a tag"),
    (f"a: !!python/object/apply:os.system [{CANARY}]\n", "line 1, column 4", "Python"),
    (f"a: !!set {{{CANARY}}}\n", "line 1, column 4", "a tag"),
    (f"a: !!timestamp {CANARY}\n", "line 1, column 4", "timestamp"),
    (f"a: !!bool {CANARY}\n", "line 1, column 4", "!!bool"),
    (f"a: !!int {CANARY}\n", "line 1, column 4", "!!int"),
    ("a: !!int 0x1F\n", "line 1, column 4", "!!int"),
    (f"a: !!binary '%{CANARY}'\n", "line 1, column 4", "base64"),
    ("a: {b: !!binary AP8=}\n", "line 1, column 8", "bytes"),
    (f"a: *{CANARY}\n", "line 1, column 4", "without an anchor"),
    (f"a: &a [*a, {CANARY}]\n", "line 1, column 8", "own anchor"),
    (f"a: 1\nb: &b\n  c:\n    d: *b\n    e: {CANARY}\n", "line 4, column 8", "own anchor"),
    (f"a: &a {{<<: *a, b: {CANARY}}}\n", "line 1, column 12", "own anchor"),
    (f"a: &x {CANARY}\nb: &x {CANARY}\n", "line 2, column 4", "anchor"),
    (f"1: {CANARY}\n", "line 1, column 1", "number"),
    (f"a: {{1.5: {CANARY}}}\n", "line 1, column 5", "number"),
    (f"true: {CANARY}\n", "line 1, column 1", "true or false"),
    (f"a: 1\n~: {CANARY}\n", "line 2, column 1", "null"),
    (f"? [{CANARY}]\n: x\n", "line 1, column 3", "a list"),
    (f"a: {{{{ .Values.{CANARY} }}}}\n", "line 1, column 5", "templates"),
    (f"!!binary AP8=: {CANARY}\n", "line 1, column 1", "tag"),
    (f"a: x\na: {CANARY}\n", "line 2, column 1", "first on line 1"),
    (f"a: &a {{x: 1}}\nb: {{<<: *a, b: 1, b: {CANARY}}}\n", "line 2, column 19", "first on line 2"),
    (f"<<: {CANARY}\n", "line 1, column 1", "<< must be"),
    (f"a: {{<<: [{{x: 1}}, {CANARY}]}}\n", "line 1, column 5", "<< must be"),
    ("a:\n", "line 1", "no value"),
    (f"a: x\nb: [{CANARY}\n", "line 2, column 4", "brackets"),
    (f"a: {{{CANARY}\n", "line 1, column 4", "braces"),
    (f'a: 1\nb: "{CANARY}\n\n', "line 2, column 4", "quote"),
    (f"a: '{CANARY}\n---\n", "line 1, column 4", "quote"),
    (f'a: "\\q{CANARY}"\n', "line 1, column 6", "escape"),
    (f"a: b: {CANARY}\n", "line 1, column 5", "colon"),
    (f"a: {CANARY}\n b: {CANARY}\n", "line 2, column 3", "colon"),
    (f"a: 'x' {CANARY}\n", "line 1, column 8", "closing quote"),
    (f"a: @{CANARY}\n", "line 1, column 4", "put it in quotes"),
    (f"a: %{CANARY}\n", "line 1, column 4", "put it in quotes"),
    (f"%YAML 2.0\n---\na: {CANARY}\n", "line 1, column 1", "%YAML"),
    (f"a: {CANARY}\x1b\n", "line 1, column 16", "control character"),
    (f"a: {'[' * 100}{CANARY}{']' * 100}\n", "line 1, column 40", "nested deeper"),
    (f"a: {'[' * 700}{CANARY}", "line 1", "nested deeper"),
    ("{{ if .on }}\na: b\n{{ end }}\n", "line 1, column 1", "template"),
    ("a:\n  b: c\n  {{- end }}\n", "line 3, column 3", "template"),
    ("{% for a in b %}\na: 1\n{% endfor %}\n", "line 1, column 1", "template"),
]


@pytest.mark.parametrize(("text", "place", "word"), REFUSED)
def test_invalid_text_is_refused_by_place_and_kind_without_quoting_it(text: str, place: str, word: str) -> None:
    found, key, reason = _problem(text)
    assert (found, word in reason) == (place, True), reason
    assert CANARY not in f"{found} {key} {reason}"


@pytest.mark.parametrize(
    "text", ["%YAML 1.2\n---\na: x\n", "---\na: x\n...\n", "\ufeffa: x\n", "a: x\r\n", "# c\r\na: x"]
)
def test_directives_marks_and_line_ends_change_nothing(text: str) -> None:
    assert _found(text) == {"a": ("x", TEXT)}


def test_line_ends_are_what_pyyaml_makes_of_them() -> None:
    text = 'a: |\r\n  one\r\n  two\r\nb: "x\r\n  y"\r\nc: "kept\\r\\n"\r\nd: >-\r\n  f\r\n  g\r\n'
    assert {key: found for key, (found, _) in _found(text).items()} == yaml.safe_load(text.encode())


def _native(value: WritableValue) -> object:
    match value.content_type:
        case "text/plain":
            return value.data.decode()
        case "application/json":
            return json.loads(value.data)
    return value.data


def _shown(found: object) -> str:
    """Distinguishes values that Python compares as equal, such as 1, 1.0 and True."""
    return repr(found)


def _marked(found: Any) -> object:  # noqa: ANN401  # what PyYAML read
    """The meaning of our two markers."""
    match found:
        case {"$json": str() as text, **rest} if not rest:
            return json.loads(text)
        case {"$base64": str() as text, **rest} if not rest:
            return base64.b64decode(text)
    return found


@given(found=st.dictionaries(keys, texts | st.binary() | trees.map(lambda tree: ["tree", tree]), max_size=4))
def test_pyyaml_reads_from_our_file_what_was_written(found: dict[str, Any]) -> None:
    values = [
        WritableValue(key, each.encode(), TEXT) if isinstance(each, str)
        else WritableValue(key, each, "application/octet-stream") if isinstance(each, bytes)
        else WritableValue(key, render(each).encode(), JSON)
        for key, each in found.items()
    ]  # fmt: skip
    text, problems = write("yaml", values, "any.thing")
    assert not problems
    loaded = yaml.safe_load(text)
    assert {key: _shown(_marked(each)) for key, each in loaded.items()} == {
        value.key: _shown(_native(value)) for value in values
    }


@given(found=st.lists(numbers, min_size=1, max_size=5))
def test_pyyaml_reads_every_number_as_json_does(found: list[Any]) -> None:
    values = [WritableValue(f"k{n}", each.spelling.encode(), JSON) for n, each in enumerate(found)]
    loaded = yaml.safe_load(write("yaml", values, "any.thing")[0])
    assert [_shown(each) for each in loaded.values()] == [_shown(json.loads(each.spelling)) for each in found]


@pytest.mark.parametrize("kind", [*TYPED, *UNTYPED])
def test_a_text_that_any_reader_types_is_quoted(kind: str) -> None:
    for text in (TYPED | UNTYPED)[kind].split():
        written = write(
            "yaml", [WritableValue("a", text.encode(), TEXT), WritableValue(text, b"x", TEXT)], "any.thing"
        )[0]
        assert f"a: '{text}'" in written or f'a: "{text}"' in written, text
        assert yaml.safe_load(written) == {"a": text, text: "x"}


def test_an_integer_longer_than_python_reads_is_kept_as_json_text() -> None:
    text = write("yaml", [WritableValue("a", b"9" * 5_000, JSON)], "any.thing")[0]
    assert yaml.safe_load(text) == {"a": {"$json": "9" * 5_000}}
    assert read("yaml", text.encode())[0][0].data == b"9" * 5_000
