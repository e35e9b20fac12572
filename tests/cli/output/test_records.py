from __future__ import annotations

import json

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-0c11ee"


@pytest.fixture
def filled(shell: Shell) -> Shell:
    shell.ok("put", "log.level", "info", "--plain")
    return shell


def test_json_output_is_chosen_before_or_after_the_command_or_by_variable(filled: Shell) -> None:
    wanted = json.loads(filled.ok("list", "-o", "json"))
    assert wanted == [
        {
            "key": "log.level",
            "form": "plain",
            "content_type": "text/plain",
            "active": 1,
            "latest": 1,
            "revision": 3,
            "next_version": 2,
            "rotate_by": None,
            "state": "served",
            "overdue": False,
        }
    ]
    assert json.loads(filled.ok("--output", "json", "list")) == wanted
    assert json.loads(filled.but(CONFIGSVC_OUTPUT="json").ok("list")) == wanted
    assert filled.but(CONFIGSVC_OUTPUT="json").ok("list", "-o", "plain").startswith("log.level\tplain\t")
    assert filled.but(CONFIGSVC_OUTPUT="xml").run("list").code == 2


def test_output_option_gives_tables_in_pipes_and_plain_on_terminals(filled: Shell) -> None:
    assert "content type" in filled.ok("list", "-o", "table")
    assert "content type" not in filled.on_terminal("list", "-o", "plain").out


def test_no_color_is_honoured(filled: Shell) -> None:
    assert "\x1b[" in filled.on_terminal("list").out
    assert "\x1b[" not in filled.but(NO_COLOR="1").on_terminal("list").out.replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_write_tells_people_on_stderr_and_programs_in_json_on_stdout(shell: Shell, namespace: str) -> None:
    told = shell.run("put", "k", "-", given=CANARY)
    assert (told.out, "version 1" in told.err) == ("", True)
    found = json.loads(shell.ok("put", "k", "-", "-o", "json", given=f"{CANARY}2"))
    assert (found["namespace"], found["key"], found["version"], found["active"]) == (namespace, "k", 2, 2)
    again = json.loads(shell.ok("put", "k", "-", "-o", "json", given=f"{CANARY}2"))
    assert again == found  # unchanged


def test_a_program_can_undo_the_escapes_of_a_field(service: Loopback, namespace: str) -> None:
    service.admin("admin").namespaces.create(namespace, description="a\u2003c\\d")
    line = Shell(service.environ("reader")).ok("namespace", "list", namespace)
    assert line == f"{namespace}\ta\\u2003c\\\\d\n"


def test_control_characters_do_not_reach_a_terminal_in_json_either(service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", "\x9b31m\x1b[31m", form="plain")
    shown = Shell(service.environ("reader", namespace)).on_terminal("get", "k", "-o", "json").out
    assert "\x9b" not in shown
    assert "\x1b" not in shown
