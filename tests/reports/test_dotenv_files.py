"""Public reports about files that a tool misread."""

from __future__ import annotations

import pytest

from configsvc_client.cli.formats import WritableValue, read, write


def _texts(wanted: str, content: str | bytes) -> dict[str, str]:
    rows, problems = read(wanted, content.encode() if isinstance(content, str) else content)
    assert not problems
    return {row.key: row.data.decode() for row in rows}


def test_a_byte_order_mark_belongs_to_no_key() -> None:
    for wanted, content in {"dotenv": "FIRST=1\nSECOND=2\n", "docker": "FIRST=1\nSECOND=2\n"}.items():
        assert _texts(wanted, b"\xef\xbb\xbf" + content.encode()) == {"FIRST": "1", "SECOND": "2"}
    assert _texts("csv", b"\xef\xbb\xbfkey,value\nFIRST,1\n") == {"FIRST": "1"}


def test_line_ends_of_windows_belong_to_no_value() -> None:
    for wanted in ("dotenv", "docker"):
        assert _texts(wanted, "A=1\r\nB=two words\r\n") == {"A": "1", "B": "two words"}
    assert _texts("csv", "key,value\r\nA,1\r\n") == {"A": "1"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('ID="123#567"', "123#567"),
        ("ID=123#567", "123#567"),
        ("ID='secret # still part of it'", "secret # still part of it"),
        ('PASSWORD="=211cb1cdb045df37I"', "=211cb1cdb045df37I"),
        ("PASSWORD=$2y$10$fbdLV2U3Y98", "$2y$10$fbdLV2U3Y98"),
        ("PASSWORD='this$is$a$test'", "this$is$a$test"),
        ('PASSWORD="abc$def"', "abc$def"),
        ('PASSWORD=value"', 'value"'),
        (r"HOME=C:\Users", r"C:\Users"),
        (r'JSON="{\"test\": \"me\"}"', '{"test": "me"}'),
        ('KEY="-----BEGIN-----\nabc\n-----END-----"', "-----BEGIN-----\nabc\n-----END-----"),
        ("export KEY=bar", "bar"),
        ("export KEY='a; export B=2'", "a; export B=2"),
        ("CONNECTION=Server=x;Database=y;User=z", "Server=x;Database=y;User=z"),
        ("toggle.feature_x=true", "true"),
        ("KEY=", ""),
    ],
)
def test_a_line_of_dotenv_is_read_as_its_writer_meant_it(line: str, value: str) -> None:
    assert list(_texts("dotenv", f"{line}\nNEXT=1\n").values()) == [value, "1"]


@pytest.mark.parametrize("line", ["A=$(echo hello)", "A=`id`", 'A="$(id)"', "A=${HOME}/x", "A=${PWD}"])
def test_what_looks_like_a_command_or_a_variable_is_text(line: str) -> None:
    assert _texts("dotenv", line) == {"A": line.removeprefix("A=").strip('"')}


@pytest.mark.parametrize(
    "line",
    [
        "VAR='I'\"'\"'m a student'",
        "KEY='no closing quote",
        "KEY=<<EOF\n-----BEGIN-----\nEOF",
        "[config 1]",
        "KEY",
        'KEY="a" b',
        "export A=1; export B=2",
        "export A=1 && export B=2",
    ],
)
def test_what_two_readers_take_differently_is_refused_by_line(line: str) -> None:
    rows, problems = read("dotenv", f"OK=1\n{line}\nNEXT=2\n".encode())
    assert {each.place for each in problems} & {"line 2", "line 3"}, rows


def test_a_key_twice_is_refused() -> None:
    for wanted, content in {
        "dotenv": "A=1\nA=2\n", "docker": "A=1\nA=2\n", "csv": "key,value\nA,1\nA,2\n", "json": '{"A": 1, "A": 2}',
        "yaml": "A: 1\nA: 2\n", "toml": "A = 1\nA = 2\n",
    }.items():  # fmt: skip
        assert read(wanted, content.encode())[1], wanted


def test_docker_keeps_quotes_and_has_no_lines() -> None:
    assert _texts("docker", "FOOBAR=\"12345\"\nB='x'\n") == {"FOOBAR": '"12345"', "B": "'x'"}
    rows, problems = read("docker", b'SECRET="\n[config 1]\nkey1=val1\n"\n')
    assert problems, rows


def test_a_comma_or_semicolon_in_a_value_moves_no_column() -> None:
    assert _texts("csv", 'key,value\na,"x,y"\nb,"123; text"\nc,"two\nlines"\n') == {
        "a": "x,y", "b": "123; text", "c": "two\nlines",
    }  # fmt: skip
    assert _texts("csv", 'key;value\na;"x;y"\n') == {"a": "x;y"}


def test_escapes_of_java_s_properties_are_read_as_java_reads_them() -> None:
    content = "AAA\\u\\\n0050=B\ncity=B\\u00FCckeburg\nsymbols=\\u2713\\u00e9\\u0041\nurl=jdbc\\:oracle\\:thin\\:@//h\n"
    assert _texts("properties", content) == {
        "AAAP": "B", "city": "Bückeburg", "symbols": "✓éA", "url": "jdbc:oracle:thin:@//h",
    }  # fmt: skip
    texts = {"url": "jdbc:oracle:thin:@//h", "path": "C:\\Users\\", "next": "# no comment", "spaces": "  x "}
    written, problems = write(
        "properties", [WritableValue(key, text.encode(), "text/plain") for key, text in texts.items()], "a"
    )
    assert (_texts("properties", written), problems) == (texts, [])
