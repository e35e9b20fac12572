"""Public reports about commands that started with other values, streams or signals than intended."""

from __future__ import annotations

import sys

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

PEM = "-----BEGIN-----\nabc\n-----END-----\n"


def test_a_variable_holds_the_value_as_json_spells_it(shell: Shell, service: Loopback, namespace: str) -> None:
    shell.ok("import", "-", "--format", "json", given=(
        '{"ts": 1754110382, "id": 12345678901234567890, "list": ["a","b"], "map": {"token":"secret"}, "on": true}'
    ))  # fmt: skip
    service.admin().values.put(namespace, "pem", PEM)
    service.admin().values.put(namespace, "quoted", '"bar"')
    service.admin().values.put(namespace, "empty", "")
    program = (
        "import os, json; print(json.dumps([os.environ[n] for n in 'TS ID LIST MAP ON PEM QUOTED EMPTY'.split()]))"
    )
    out = shell.ok("exec", "--", sys.executable, "-c", program)
    assert out == (
        '["1754110382", "12345678901234567890", "[\\"a\\",\\"b\\"]", "{\\"token\\":\\"secret\\"}", "true", '
        '"-----BEGIN-----\\nabc\\n-----END-----\\n", "\\"bar\\"", ""]\n'
    )


def test_the_command_is_on_the_terminal_that_its_caller_is_on(shell: Shell) -> None:
    look = "test -t 0 && test -t 1 && test -t 2 && echo all three"
    assert "all three" in shell.on_terminal("exec", "--", "sh", "-c", look).out
    assert "all three" in shell.on_terminal("exec", "--mount", "x.env", "--", "sh", "-c", look).out


def test_what_the_command_writes_goes_through_as_it_is(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "token", "abc")
    assert shell.ok("exec", "--", "printf", r"\033[31mabc\033[0m\r\n\001") == "\x1b[31mabc\x1b[0m\r\n\x01"


def test_a_prompt_is_seen_where_the_output_goes_elsewhere(shell: Shell) -> None:
    put = f"{sys.executable} -m configsvc_client.cli put k | cat >/dev/null"
    done = shell.on_terminal(
        "exec", "--", "sh", "-c", put, typed={"k: ": "hidden-one", "Repeat for confirmation: ": "hidden-one"}
    )
    assert "hidden-one" not in done.out
    assert shell.ok("get", "k") == "hidden-one"
