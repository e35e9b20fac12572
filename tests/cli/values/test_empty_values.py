"""An empty value replaces nothing unless requested: pipes, files, prompts, variables and editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-5d02e1"


@pytest.fixture(autouse=True)
def _served(service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    service.requests.clear()


def _is_kept(shell: Shell) -> bool:
    return shell.ok("get", "k") == CANARY


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (("put", "k", "-"), "", "Nothing came from stdin"),
        (("put", "k", "-"), "\n", "Nothing came from stdin"),
        (("put", "k", "-", "--stage"), "", "Nothing came from stdin"),
        (("put", "k", "-", "--exact"), "", "Nothing came from stdin"),
        (("put", "k", "-", "--binary"), "", "Nothing came from stdin"),
        (("put", "k", "-", "--json"), "\n", "JSON has no empty value"),
        (("put", "k", "-"), "\n\n", "Only white space came from stdin"),
        (("put", "k", "-"), "\r\n", "Only white space came from stdin"),
        (("put", "k", "-"), "\ufeff\r\n", "Only white space came from stdin"),
        (("put", "k", "-", "--exact"), "\n", "Only white space came from stdin"),
        (("put", "k", "-", "--json"), " \n", "JSON has no empty value"),
        (("put", "k", "@blank"), "", "blank holds only white space"),
        (("put", "k", "@empty"), "", "empty is empty"),
        (("put", "k", "--from-file", "empty"), "", "empty is empty"),
        (("put", "k", "@/dev/null", "--binary"), "", "/dev/null is empty"),
        (("put", "k", "", "--plain"), "", "an unset variable"),
        (("put", "new", "-", "--create-only"), "", "Nothing came from stdin"),
        (("import", "-", "--file", "k=empty"), "a=1\n", "empty is empty"),
        (("import", "-", "--file", "k=blank"), "a=1\n", "blank holds only white space"),
        (("import", "-"), "", "the pipe is empty"),
        (("import", "-"), "\r\n", "the pipe holds only white space"),
        (("import", "/dev/stdin", "-f", "dotenv"), "", "the pipe is empty"),
    ],
)
def test_an_unintended_empty_value_is_refused_before_anything_is_sent(  # noqa: PLR0917  # fixtures
    shell: Shell, service: Loopback, tmp_path: Path, arguments: tuple[str, ...], given: str, says: str
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "blank").write_text(" \t\n")
    told = Shell(shell.environ, tmp_path).run(*arguments, given=given)
    assert (told.code, says in told.err, told.out) == (2, True, ""), told
    assert ("--allow-empty" in told.err) == ("--json" not in arguments), told
    assert not service.requests


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("put", "k", "-"), ("put", "k", "@empty"), ("import", "one.env", "--file", "k=empty")]
)
def test_an_empty_value_is_stored_with_allow_empty(shell: Shell, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "one.env").write_text("a=1\n")
    Shell(shell.environ, tmp_path).ok(*arguments, "--allow-empty")
    assert shell.ok("get", "k") == ""


def test_an_empty_json_value_stays_refused(shell: Shell) -> None:
    assert shell.run("put", "k", "-", "--json", "--allow-empty").code == 1
    assert _is_kept(shell)


@pytest.mark.slow
def test_an_empty_input_without_keys_may_be_allowed(shell: Shell) -> None:
    assert shell.run("import", "-", "--allow-empty").code == 0
    assert shell.run("import", "/dev/null", "-f", "dotenv").code == 0  # named intentionally


def test_an_empty_value_in_a_file_is_stored_and_named(shell: Shell) -> None:
    told = shell.run("import", "-", given="k=\nfull=1\n")
    assert (told.code, "Empty value: k\n" in told.err, "full" in told.err) == (0, True, False), told
    assert shell.ok("get", "k") == ""
    again = shell.run("import", "-", given="k=\n")
    assert "Empty value" not in again.err  # it is unchanged


def test_an_empty_answer_at_the_prompt_stores_nothing(shell: Shell) -> None:
    typed = {"k: ": "", "Repeat for confirmation: ": ""}
    told = shell.on_terminal("put", "k", typed=typed)
    assert (told.code, "Nothing was typed" in told.out) == (2, True)
    assert _is_kept(shell)
    assert shell.on_terminal("put", "k", "--allow-empty", typed=typed).code == 0
    assert shell.ok("get", "k") == ""


def test_only_one_trailing_newline_of_stdin_is_removed(shell: Shell) -> None:
    for given, kept in (("x\r\n", "x\r"), ("x\n\n", "x\n")):
        shell.ok("put", "k", "-", given=given)
        assert shell.ok("get", "k") == kept


@pytest.mark.parametrize("emptying", ["truncate -s0", "sh -c 'echo > \"$0\"'"])
def test_an_editor_that_saves_nothing_stores_nothing(shell: Shell, emptying: str) -> None:
    editing = shell.but(EDITOR=emptying)
    told = editing.run("edit", "k")
    assert (told.code, "The editor saved nothing" in told.err, "--allow-empty" in told.err) == (2, True, True)
    assert _is_kept(shell)
    told = editing.run("edit", "new")
    assert (told.code, shell.run("get", "new").code) == (0 if emptying.startswith("truncate") else 2, 3), told
    editing.ok("edit", "k", "--allow-empty")
    assert shell.ok("get", "k") == ""


def test_an_editor_that_leaves_only_white_space_stores_nothing(shell: Shell) -> None:
    told = shell.but(EDITOR='sh -c \'printf "\\n\\n" > "$0"\'').run("edit", "k")
    assert (told.code, "The editor saved only white space" in told.err) == (2, True), told
    assert _is_kept(shell)


def test_white_space_that_was_meant_is_stored(shell: Shell) -> None:
    for arguments, given, kept in (
        (("put", "separator", " ", "--plain"), "", " "),
        (("put", "lines", "-", "--allow-empty"), "\n\n", "\n"),
        (("put", "bytes", "-", "--binary"), "\n", "\n"),
    ):
        assert shell.here(*arguments, given=given).code == 0
        assert shell.here("get", arguments[1]).out == kept


@pytest.mark.parametrize(
    "arguments",
    [
        ("copy", "k", "--to", "", "--as", "other"),
        ("copy", "k", "--as", "", "--to", "any.where"),
        ("copy", "k", "--only", "", "--to", "any.where"),
        ("copy", "", "--to", "any.where"),
        ("export", "--only", ""),
        ("log", "--by", ""),
        ("data-key", "add", "--kms-key", ""),
        ("export", ""),
        ("import", "/dev/null", "--errors", ""),
        ("snapshot", "save", ""),
    ],
)
def test_an_empty_option_from_an_unset_variable_is_refused(
    shell: Shell, service: Loopback, arguments: tuple[str, ...]
) -> None:
    told = shell.here(*arguments)
    assert (told.code, "is empty, like an unset variable" in told.err) == (2, True), told
    assert not service.requests


@pytest.mark.parametrize("option", ["--prefix", "--mount"])
def test_exec_with_an_empty_option_starts_nothing(shell: Shell, option: str) -> None:
    told = shell.run("exec", option, "", "--", "env")
    assert (told.code, told.out, "is empty, like an unset variable" in told.err) == (2, "", True)


@pytest.mark.slow
def test_a_person_decides_about_a_value_that_was_emptied(shell: Shell) -> None:
    editing = shell.but(EDITOR="truncate -s0")
    told = editing.on_terminal("edit", "k", typed={"(edit, store, quit): ": "q"})
    assert (told.code, "draft was discarded" in told.out) == (2, True)
    assert _is_kept(shell)
    assert editing.on_terminal("edit", "k", typed={"(edit, store, quit): ": "store"}).code == 0
    assert shell.ok("get", "k") == ""


@pytest.mark.slow
def test_a_json_value_cannot_be_emptied(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "json", {"a": 1})
    editing = shell.but(EDITOR="truncate -s0")
    told = editing.run("edit", "json")
    assert (told.code, "JSON has no empty value" in told.err) == (2, True)
    assert editing.on_terminal("edit", "json", typed={"(edit, quit): ": "q"}).code == 2


@pytest.mark.slow
def test_a_value_that_was_empty_before_stays_editable(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "empty", "", form="plain")
    assert shell.but(EDITOR="true").run("edit", "empty", "--seal").code == 0
    assert shell.ok("get", "empty") == ""


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_api_key_is_no_api_key(shell: Shell, blank: str) -> None:
    environ = {**shell.environ, "CONFIGSVC_API_KEY": blank}
    told = Shell(environ).run("list")
    assert (told.code, "Not set: CONFIGSVC_API_KEY" in told.err) == (2, True), told
