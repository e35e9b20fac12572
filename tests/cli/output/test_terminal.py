from __future__ import annotations

import sys
from pathlib import Path

from tests.support.cli.shell import Shell

CANARY = "canary-3f9c55"


def test_sealed_value_is_masked_on_a_terminal_without_kms_call(shell: Shell) -> None:
    shell.ok("put", "db.password", "-", given=CANARY)
    done = shell.but(CONFIGSVC_KMS_KEYS="", AWS_ACCESS_KEY_ID="").on_terminal("get", "db.password")
    assert (done.code, CANARY in done.out, "•" in done.out, "--reveal" in done.out) == (0, False, True, True)


def test_reveal_shows_a_value_with_control_characters_escaped(shell: Shell) -> None:
    shell.ok("put", "db.password", "-", given=f"{CANARY}\x1b]0;title\x07")
    done = shell.on_terminal("get", "db.password", "--reveal")
    assert CANARY in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_a_plain_value_is_shown(shell: Shell) -> None:
    shell.ok("put", "log.level", "info", "--plain")
    assert shell.on_terminal("get", "log.level").out.strip() == "info"


def test_a_secret_is_asked_for_twice_and_never_shown(shell: Shell) -> None:
    typed = {"db.password: ": CANARY, "Repeat for confirmation: ": CANARY}
    done = shell.on_terminal("put", "db.password", typed=typed)
    assert (done.code, CANARY in done.out) == (0, False)
    assert shell.ok("get", "db.password") == CANARY


def test_ctrl_c_at_the_prompt_stores_nothing(shell: Shell) -> None:
    done = shell.on_terminal("put", "db.password", typed={"db.password: ": "\x03"})
    assert (done.code, "Traceback" in done.out) == (130, False)
    assert shell.ok("list") == ""


def test_lists_are_tables_with_headings_on_a_terminal(shell: Shell) -> None:
    shell.ok("put", "log.level", "info", "--plain")
    done = shell.on_terminal("list")
    assert "content type" in done.out
    assert "log.level" in done.out


def test_ctrl_c_ends_watch(shell: Shell) -> None:
    done = shell.on_terminal("watch", typed={"Watching": "\x03"})
    assert (done.code, "Traceback" in done.out) == (130, False)


def test_ctrl_c_on_a_terminal_reaches_the_command_once(shell: Shell, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "def told(*_): seen.append(1); os.write(1, b'told')\n"
        "seen = []; signal.signal(signal.SIGINT, told); os.write(1, b'up')\n"
        "sys.stdin.readline(); sys.stdin.readline(); print('seen', len(seen))"
    )
    options = ("--mount", str(tmp_path / "f"), "--", sys.executable, "-c", program)
    done = shell.on_terminal("exec", *options, typed={"up": "\x03", "told": ""})
    assert (done.code, "seen 1" in done.out) == (0, True), done.out
