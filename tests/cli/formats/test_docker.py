"""Docker's env-files: we read what Docker's CLI sends to its daemon, and kubectl agrees."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from configsvc_client.cli.formats import WritableValue, read, write
from tests.support.cli import readers

CANARY = "canary-0d0c"
_BASE64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5"
_LONGEST = 64 * 1024 - 1
READ = (
    "A=x", " \t B=x", 'C="x"', "D='x'", "E= x ", "F=", "G=a=b", "H=x # y", "#I=x", "  # J=x", "", "K=\t",
    "L=${A}$A`id`", "M=\\n", "N=x\r", "O=\r", "\x0bP=x", "\x0cQ=x", "\x85R=x", "\xa0S=x", "\u2003T=x", "\u2028U=x",
    "a.b-c=x", "1A=x", "V=\u2028", "W=a\rb", "Z=\ufeff", "AA=" + "x" * (_LONGEST - 3), "export=x",
    "é=x",
)  # fmt: skip
REFUSED = ("A B=x", "A\t=x", "=x", "export A=x", "A=" + "x" * (_LONGEST - 1))


def test_what_is_read_is_what_docker_sends(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_bytes("\ufeff".encode() + "\n".join(READ).encode())
    rows, problems = read("docker", path.read_bytes())
    assert not problems
    assert [f"{row.key}={row.data.decode()}" for row in rows] == readers.read_with_docker(path)


@pytest.mark.parametrize("line", REFUSED, ids=range(len(REFUSED)))
def test_lines_that_docker_refuses_are_refused_without_quoting_them(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.env"
    path.write_text(f"FIRST=1\n{line}\n")
    with pytest.raises(ValueError, match=r"\S"):
        readers.read_with_docker(path)
    _, problems = read("docker", f"FIRST=1\n{line.replace('x', CANARY, 1)}\n".encode())
    assert [each.place for each in problems] == ["line 2"]
    assert CANARY not in str(problems)


def test_a_name_alone_is_refused_because_docker_would_inherit_it(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("HOME\n")
    assert readers.read_with_docker(path) == [f"HOME={tmp_path}"]
    assert [each.place for each in read("docker", path.read_bytes())[1]] == ["line 1"]


def test_json_over_several_lines_is_written_on_one(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    data = b'{\r\n\t"a": "\\n  \'x\'",\n  "n": 1.10\n}'
    text, problems = write("docker", [WritableValue("A", data, "application/json")], "any")
    assert not problems
    path.write_text(text)
    assert readers.read_with_docker(path) == ['A={ "a": "\\n  \'x\'", "n": 1.10 }']


def test_what_docker_cannot_hold_is_refused_with_the_formats_that_can() -> None:
    held = [
        WritableValue("A", b"a\nb", "text/plain"), WritableValue("B", b"\0", "text/plain"),
        WritableValue("C", b"a\r", "text/plain"),
        WritableValue("D", b"x" * (_LONGEST - 1), "text/plain"), WritableValue("E", b'{"a":\n}', "application/json"),
    ]  # fmt: skip
    _, problems = write("docker", held, "any")
    assert {each.key: each.reason.partition("; ")[2] for each in problems} == {
        "A": "shell, yaml, json, toml, csv and k8s-secret can hold it",
        "B": "yaml, json, toml, csv and k8s-secret can hold it",
        "C": "shell, yaml, json, toml, csv and k8s-secret can hold it",
        "D": "shell, yaml, json, toml, csv and k8s-secret can hold it",
        "E": "shell, yaml, json, toml, csv and k8s-secret can hold it",
    }


def test_shell_is_named_for_keys_that_it_can_name() -> None:
    for wanted, data in (("docker", b"a\nb"), ("dotenv", b"${a}")):
        _, problems = write(
            wanted, [WritableValue(key, data, "text/plain") for key in ("A", "db.url", "1st.key", "uid")], "any"
        )
        assert [each.reason.partition("; ")[2].partition(" yaml, ")[0] for each in problems] == [
            "shell,", "shell (as DB_URL),", "yaml, json, toml, csv and k8s-secret can hold it", "shell,",
        ]  # fmt: skip


@pytest.mark.parametrize("wanted", ["docker", "dotenv"])
@pytest.mark.parametrize(
    "line",
    [
        '"u":"{}=b"',
        "{}+x=",
        "TUlJRXZRSUJ{}==",
        "aGVsbG8g/2{}=",
        "TUlJRXZRSUJBREF{}1=",
        "${{{}}}=x",
        "{}\\n=x",
        "<{}=x",
        "export &{}&export =x",
    ],
)
def test_a_line_of_a_value_is_no_name_and_not_shown(wanted: str, line: str) -> None:
    canary = "Canary0d0ca"[: 8 + -len(line.format("")) % 4]
    rows, problems = read(wanted, f"FIRST={_BASE64}\n{line.format(canary)}\n".encode())
    assert ([row.key for row in rows], [each.place for each in problems]) == (["FIRST"], ["line 2"])
    assert canary not in str(problems)


@pytest.mark.parametrize("wanted", ["docker", "dotenv"])
@pytest.mark.parametrize(
    "key", ["DATABASEURL", "DEBUG", "apiHostname", "config/app/name", "a.b:c-d", "ключ", "list[0]", "camelCase12"]
)
def test_an_empty_value_is_taken_under_any_ordinary_name(wanted: str, key: str) -> None:
    rows, problems = read(wanted, f"{key}=\n".encode())
    assert ([row.key for row in rows], problems) == ([key], [])


def test_kubectl_accepts_our_names_without_a_leading_digit(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("db.url='x' \nDB_URL=\n_a-b=x#y\n")
    data = readers.read_with_kubectl(path)
    assert {key: base64.b64decode(text).decode() for key, text in data.items()} == {
        "db.url": "'x' ", "DB_URL": "", "_a-b": "x#y",
    }  # fmt: skip
    path.write_text("1A=x\n")
    with pytest.raises(AssertionError, match="not a valid key name"):
        readers.read_with_kubectl(path)
    assert [row.key for row in read("docker", path.read_bytes())[0]] == ["1A"]
