"""Shell code that `export` writes, and names that a shell can assign."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.formats import WritableValue, explain_unassignable, guess_format, read, write
from tests.support.cli import readers

CANARY = "canary-9e2f"


def _found(text: str) -> dict[str, str]:
    rows, problems = read("shell", text.encode())
    assert not problems
    return {row.key: row.data.decode() for row in rows}


def test_a_file_named_sh_is_shell_code() -> None:
    assert guess_format("prod.sh") == "shell"


def test_the_comment_keeps_json_json() -> None:
    text, _ = write(
        "shell",
        [WritableValue("A", b'{"a": "it\'s"}', "application/json"), WritableValue("B", b"1", "text/plain")],
        "any",
    )
    assert text == "# configsvc: application/json\nexport A='{\"a\": \"it'\\''s\"}'\nexport B='1'\n"
    assert [row.content_type for row in read("shell", text.encode())[0]] == ["application/json", "text/plain"]


PLAIN = (
    "A=x", "export A=x", "  export   A='x y'  ", "A=", "A=''", 'A="x y"', "A='a'\\''b'", "A=a'b'\"c\"\\'",
    "A='two\nlines'", "A=\"it's\"", "# comment\n\nA=x", "#!/bin/sh\nA=x", "A=postgres://h:5432/d",
    "A='$x `y` \\'", "A='x\r'",
)  # fmt: skip
OTHER = (
    "A=$HOME", 'A="$HOME"', "A=`id`", "A=$(id)", "A=~", "A=x B=y", "A=x; B=y", "A=x command", "A=a\\ b",
    'A="a\\b"', "A='open", 'A="open', "A=(a b)", "A+=x", "A[0]=x", "1A=x", "a.b=x", "set -a", "command", "A = x",
    "A=x # comment", "A=x\r", "export A", "A=$'x'", "A=x&", "A=x>f", "A=*",
)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_assignments_are_read_as_bash_reads_them(text: str) -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f'{text}\nprintf %s "$A"'], capture_output=True, check=True, timeout=60, env={"HOME": "/h"}
    )
    assert _found(text) == {"A": done.stdout.decode()}


@pytest.mark.parametrize("text", OTHER)
def test_other_code_is_refused_by_line_without_quoting_it(text: str) -> None:
    rows, problems = read("shell", f"FIRST='1'\n{text.replace('x', CANARY)}\n".encode())
    assert [row.key for row in rows] == ["FIRST"]
    assert [problem.place for problem in problems] == ["line 2"]
    assert CANARY not in str(problems)


@given(text=st.text(st.sampled_from(list("'\"\\$`#;& \n=aA1_~")), max_size=20))
def test_values_are_read_as_bash_assigns_them(text: str) -> None:
    rows, problems = read("shell", f"A={text}\n".encode())
    if problems or [row.key for row in rows] != ["A"]:
        return
    script = f'A={text}\nprintf "%s" "$A"'
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, check=True, timeout=60, env={})
    assert rows[0].data == done.stdout


def test_unassignable_names_are_refused_with_the_option_that_helps() -> None:
    held = [WritableValue(key, b"x", "text/plain") for key in ("db.url", "1st_key", "log-level", "UID", "DB_URL")]
    text, problems = write("shell", held, "any")
    assert text == "export DB_URL='x'\n"
    assert {each.key: each.reason.partition("; ")[2] for each in problems} == {
        "db.url": "--variables renames it to DB_URL", "log-level": "--variables renames it to LOG_LEVEL",
        **dict.fromkeys(["1st_key", "UID"], "yaml, json, toml, csv and k8s-secret can hold it"),
    }  # fmt: skip


def test_what_bash_and_dash_keep_for_themselves_is_known() -> None:
    """Assigns, exports and reads back each variable that a shell sets; those that change must be refused."""
    inner = 'eval "export $name=x1y"; true; eval "printf %s \\"\\$$name\\""'
    script = f"""for name in "$@"; do [ "$({inner} 2>/dev/null)" = x1y ] || echo "$name"; done"""
    listed = subprocess.run(
        ["/bin/bash", "--norc", "-ic", "compgen -v"], capture_output=True, check=True, timeout=60, env={}
    ).stdout.decode().split()  # fmt: skip
    within = re.findall(
        rb"(?<=\0)[A-Z_][A-Z0-9_]+(?=\0)", Path("/bin/bash").read_bytes()
    )  # not all are set from the start
    names = sorted({*listed, *(each.decode() for each in within), "OPTIND", "OPTARG", "PS1", "MAIL", "LINENO"})
    for shell, known in (("bash", {"OPTIND", "PIPESTATUS"}), ("dash", {"OPTIND"})):
        lost = readers.run([shell, "-c", script, shell, *names]).decode().split()
        assert known <= {*lost}
        assert [name for name in lost if not explain_unassignable(name)] == []
