"""Mistyped names get suggestions, and nobody is asked to confirm a change of something missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from configsvc_client import _wording
from configsvc_client.cli.command_line import _commands, run
from configsvc_client.cli.common import Group
from tests.support.admin.loopback import Loopback, loopback
from tests.support.cli.shell import Shell

CANARY = "canary-value-5c1f"


@pytest.fixture(scope="module")
def made() -> Iterator[Loopback]:
    with loopback() as service:
        service.namespace("payments.prod")
        service.namespace("payments.staging")
        admin = service.admin()
        for key in ("db.url", "db.user", "smtp.host", "gone"):
            admin.values.put("payments.prod", key, CANARY)
        admin.values.delete("payments.prod", "gone")
        service.requests.clear()
        yield service


@pytest.fixture
def shell(made: Loopback) -> Shell:
    made.requests.clear()
    return Shell(made.environ("owner", "payments.prod"))


@pytest.mark.parametrize(
    ("wanted", "known", "near"),
    [
        ("db.urll", ["db.url", "db.user", "x"], ["db.url", "db.user"]),
        ("DB_URL", ["db.url", "db.user"], ["db.url"]),
        ("db-url", ["db.url", "db_url"], ["db.url", "db_url"]),
        ("payments/prod", ["payments.prod"], ["payments.prod"]),
        ("zzz", ["db.url"], []),
        ("a", [], []),
        ("key1", [f"key{n}" for n in range(2, 9)], ["key8", "key7", "key6"]),
    ],
)
def test_nearest_finds_at_most_three_similar_names(wanted: str, known: list[str], near: list[str]) -> None:
    assert _wording.find_similar(wanted, known)[: len(near)] == near
    assert len(_wording.find_similar(wanted, known)) <= 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["improt", "x"], "No such command 'improt'. Did you mean import?"),
        (["namespaces"], "Did you mean namespace?"),
        (["namespace", "creat", "x"], "Did you mean create?"),
        (["create", "x"], "Did you mean namespace create?"),
        (["set", "k", "v"], "Did you mean put?"),
        (["snapshot", "sav"], "Did you mean save?"),
        (["frobnicate"], "No such command 'frobnicate'."),
        (["put", "--palin", "k"], "Did you mean --plain?"),
        (["get", "--create-only", "k"], "configsvc put has it."),
        (["whoami", "--jsn"], "No such option --jsn.\nTry"),
        (["export", "--at", "x"], "No such option --at.\nTry"),
        (["-n", "a.b", "get", "k"], "It goes after the command: configsvc COMMAND -n"),
        (["exec", "--prefx", "db.", "env"], "Did you mean --prefix?"),
        (["get", "payments.prod", "db.url"], "configsvc get [OPTIONS] KEY. The namespace is an option: -n NAMESPACE."),
        (
            ["grant", "x", "-a", "wirte", "-n", "a"],
            "is not one of 'read', 'write', 'admin'. Did you mean write?",
        ),
        (["grant", "x", "-n", "a"], "Missing option '-a' / '--action'. Choose from: read, write, admin"),
        (["destroy", "k", "x"], "Invalid value for 'VERSION': 'x' is not a whole number."),
        (["whoami", CANARY], "Too many arguments. Usage: configsvc whoami [OPTIONS]."),
    ],
)
def test_mistyped_command_or_option_gets_a_suggestion(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr().err
    assert says in told
    assert CANARY not in told


def test_every_command_group_suggests_commands() -> None:
    context = click.Context(_commands)
    found = [_commands, *(_commands.get_command(context, name) for name in _commands.list_commands(context))]
    groups = [each for each in found if isinstance(each, click.Group)]
    assert len(groups) > 4
    assert [each.name for each in groups if not isinstance(each, Group)] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("get", "db.urll"), "Did you mean db.url or db.user?"),
        (("get", "DB_URL"), "Did you mean db.url?"),
        (("delete", "smtp_host"), "Did you mean smtp.host?"),
        (("history", "goen"), "Did you mean gone?"),
        (("copy", "db.urll", "--as", "x"), "Did you mean db.url or db.user?"),
        (("exec", "--only", "db.urll", "--", "true"), "Did you mean db.url or db.user?"),
        (("get", "db.url", "-n", "payment.prod"), "Did you mean payments.prod?"),
        (("list", "-n", "Payments.Staging"), "Did you mean payments.staging?"),
        (("put", "k", "-n", "payments-prod", "--plain", "x"), "Did you mean payments.prod?"),
    ],
)  # fmt: skip
def test_unknown_key_or_namespace_gets_similar_names_suggested(
    shell: Shell, arguments: tuple[str, ...], says: str
) -> None:
    done = shell.run(*arguments) if arguments[0] == "exec" else shell.here(*arguments)
    assert done.code in (2, 3)
    assert says in done.err
    assert CANARY not in done.err + done.out


def test_deleted_key_is_not_suggested_for_commands_on_served_keys(shell: Shell) -> None:
    assert "Did you mean" not in shell.here("get", "goen").err
    assert "Did you mean" not in shell.here("get", "gone").err


def test_successful_commands_list_no_names_for_suggestions(shell: Shell, made: Loopback) -> None:
    assert shell.here("get", "db.url").code == 0
    assert [each for each in made.requests if each.endswith(("/keys", "/namespaces"))] == []


def test_what_the_caller_may_not_list_is_not_suggested(made: Loopback) -> None:
    made.keys["value-of-stranger"] = "idstranger"
    stranger = Shell(made.environ("owner", "payments.prod")).but(CONFIGSVC_API_KEY="value-of-stranger")
    for arguments in (("get", "db.urll"), ("get", "db.url", "-n", "payment.prod")):
        assert "Did you mean" not in stranger.here(*arguments).err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("delete", "db.urll"), "There is no key db.urll"),
        (("delete", "gone"), "Nothing is served under gone"),
        (("destroy", "db.urll", "1"), "no key db.urll"),
        (("destroy", "db.url", "7"), "db.url has no version 7"),
        (("destroy", "db.url", "1"), "Version 1 of db.url is served"),
        (("rollback", "db.urll"), "Nothing is served under db.urll"),
        (("rollback", "db.urll", "--to-revision", "2"), "has no key db.urll"),
        (("activate", "db.url", "7"), "has no version 7"),
        (("data-key", "retire", "A" * 43), "has no data key"),
    ],
)
def test_missing_key_is_refused_before_the_confirmation_prompt(
    shell: Shell, arguments: tuple[str, ...], says: str
) -> None:
    done = shell.here(*arguments)
    assert done.code in (3, 5)
    assert says in done.err
    assert "Cannot ask without a terminal" not in done.err


def test_delete_asks_about_an_existing_key(shell: Shell) -> None:
    assert "Delete db.url in payments.prod?" in shell.here("delete", "db.url").err


@pytest.mark.parametrize("option", ["--seal", "--plain", "--kms", "--json"])
def test_import_pattern_without_matching_key_stores_nothing(
    shell: Shell, made: Loopback, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "new.env"
    file.write_text(f"new.flag=1\nnew.password={CANARY}\n")
    done = shell.here("import", str(file), "--plain", "new.flag", option, "new_pasword")
    assert done.code == 2
    assert f"  {option} new_pasword. Did you mean new.password?" in done.err
    assert CANARY not in done.err
    assert [each for each in made.requests if not each.startswith("GET")] == []
    missing = shell.here("import", str(file), option, "zzz.*", "--dry-run")
    assert (missing.code, f"  {option} zzz.*" in missing.err) == (2, True)


def test_import_pattern_may_match_a_served_key_missing_from_the_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "missing.env"
    file.write_text("")
    assert shell.here("import", str(file), "--plain", "db.*", "--json", "db.url").code == 0
    file.write_text("new.flag=1\n")
    assert shell.here("import", str(file), "--plain", "new.*", "--seal", "db.url", "--dry-run").code == 0


@pytest.mark.parametrize("option", ["--seal", "--plain", "--kms"])
def test_copy_pattern_without_matching_target_key_stores_nothing(shell: Shell, made: Loopback, option: str) -> None:
    arguments = ("copy", "db.url", "--to", "payments.staging", "--yes")
    done = shell.here(*arguments, option, "db.urll")
    assert (done.code, f"  {option} db.urll. Did you mean db.url?" in done.err) == (2, True)
    assert [each for each in made.requests if not each.startswith("GET")] == []
    renamed = shell.here(*arguments, "--as", "new.url", option, "db.url")
    assert (renamed.code, "Did you mean new.url?" in renamed.err) == (2, False)
