from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-77aa01"


@pytest.mark.parametrize("value", ["hunter2", "žluťoučký 🐎", "two\nlines", " spaces ", "a=b #c 'd' \"e\""])
def test_a_secret_from_stdin_comes_back_without_a_newline_added(shell: Shell, value: str) -> None:
    shell.ok("put", "db.password", "-", given=value)
    assert shell.ok("get", "db.password") == value


def test_one_newline_at_the_end_of_stdin_is_removed(shell: Shell) -> None:
    shell.ok("put", "a", "-", given="x\n\n")
    shell.ok("put", "b", "-", "--exact", given="x\n")
    assert (shell.ok("get", "a"), shell.ok("get", "b")) == ("x\n", "x\n")


def test_a_file_is_stored_byte_for_byte(shell: Shell, tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    pem.write_text("-----BEGIN\nline\n-----END\n")
    shell.ok("put", "a", f"@{pem}")
    shell.ok("put", "b", "--from-file", pem)
    assert shell.ok("get", "a") == shell.ok("get", "b") == pem.read_text()


def test_a_tilde_that_the_shell_leaves_is_expanded(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(b"at home")
    at_home = shell.but(HOME=str(tmp_path))
    at_home.ok("put", "k", "@~/value")
    assert at_home.ok("get", "k") == "at home"
    assert "unchanged" in at_home.run("import", "/dev/null", "--file", "k=~/value").err


def test_the_binary_option_accepts_bytes(shell: Shell, service: Loopback, namespace: str) -> None:
    refused = shell.run("put", "raw", "-", given=b"\xff\x00\n")
    assert (refused.code, "--binary" in refused.err) == (1, True)
    shell.ok("put", "raw", "-", "--binary", given=b"\xff\x00\n")
    assert service.admin().values.get(namespace, "raw").data == b"\xff\x00\n"


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(shell: Shell, service: Loopback) -> None:
    for arguments in (("put", "k", CANARY), ("put", "k", CANARY, "more"), ("get", "k", CANARY)):
        done = shell.run(*arguments)
        assert done.code == 2
        assert CANARY not in done.err + done.out
    assert not service.requests


def test_a_plain_value_may_be_on_the_command_line(shell: Shell, service: Loopback, namespace: str) -> None:
    shell.ok("put", "log.level", "info", "--plain")
    shell.ok("put", "limits", '{"a": 1}', "--plain", "--json", "-m", "why")
    assert shell.ok("list").splitlines() == [
        "limits\tplain\tapplication/json\t1\t1\t4\tserved\tno",
        "log.level\tplain\ttext/plain\t1\t1\t3\tserved\tno",
    ]
    assert service.admin().values.get(namespace, "limits").content_type == "application/json"
    assert not service.kms.calls


def test_a_value_that_is_not_json_is_refused_without_being_shown(shell: Shell) -> None:
    done = shell.run("put", "k", "-", "--json", given=f"{{{CANARY}")
    assert (done.code, CANARY in done.err) == (1, False)
    assert "not JSON" in done.err


def test_options_select_the_kms_form_staging_and_conditions(shell: Shell) -> None:
    shell.ok("put", "k", "-", "--kms", "--create-only", "--rotate-by", "2030-01-31", given="1")
    assert shell.run("put", "k", "-", "--create-only", given="2").code == 5
    assert shell.run("put", "k", "-", "--if-match", "999", given="2").code == 5
    shell.ok("put", "k", "-", "--stage", given="2")
    assert shell.ok("get", "k") == "1"
    key, _, _, active, latest, *_ = shell.ok("list").split("\t")
    assert (key, active, latest) == ("k", "1", "2")


def test_without_a_value_or_terminal_the_error_names_the_sources(shell: Shell) -> None:
    done = shell.run("put", "k")
    assert (done.code, "configsvc put k -" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("get", "nothing.here"), 3),
        (("get", "k", "-n", "no.such"), 3),
        (("get", "a/b"), 2),
        (("get", "k", "-n", "Not.A.Name"), 2),
        (("no-such-command",), 2),
        (("grant", "api-key:abc", "--action", "read", "-n", "*"), 4),
        (("put", "k", "@/no/such/file"), 1),
    ],
)
def test_exit_codes_tell_kinds_of_failure_in_at_most_two_lines(
    shell: Shell, arguments: tuple[str, ...], code: int
) -> None:
    done = shell.run(*arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("configsvc: ")
    assert len(done.err.splitlines()) <= 2


@pytest.mark.slow
def test_a_service_that_does_not_answer_is_code_6(shell: Shell) -> None:
    done = shell.but(CONFIGSVC_URL="http://127.0.0.1:9/api").run("list")
    assert (done.code, "could not be reached" in done.err) == (6, True)


def test_missing_settings_are_named_at_once(shell: Shell) -> None:
    done = shell.but(CONFIGSVC_URL="", CONFIGSVC_API_KEY="").run("list")
    assert (done.code, "CONFIGSVC_URL, CONFIGSVC_API_KEY" in done.err) == (2, True)


def test_a_reader_without_kms_rights_is_told_which_one_is_missing(shell: Shell, service: Loopback) -> None:
    shell.ok("put", "k", "-", given=CANARY)
    service.kms.refused.add("Decrypt")
    try:
        done = shell.run("get", "k")
    finally:
        service.kms.refused.clear()
    assert (done.code, "kms:Decrypt" in done.err, "configsvc:namespace" in done.err) == (4, True, True)


def test_a_namespace_is_never_guessed_among_several(shell: Shell, namespace: str) -> None:
    done = shell.but(CONFIGSVC_NAMESPACES=f"{namespace},other.one").run("put", "k", "-", given="1")
    assert (done.code, "-n NAMESPACE" in done.err) == (2, True)
    assert shell.but(CONFIGSVC_NAMESPACES="").run("list").code == 2
    shell.but(CONFIGSVC_NAMESPACES="").ok("put", "-n", namespace, "k", "-", given="1")


def test_a_long_list_shows_what_must_be_replaced_and_when(shell: Shell) -> None:
    shell.ok("put", "k", "-", "--rotate-by", "2030-01-31", given="1")
    assert shell.ok("list", "--long").rstrip("\n").split("\t")[6:] == ["2", "2030-01-31", "served", "no"]


def test_put_warns_that_the_content_type_changes(shell: Shell) -> None:
    first = shell.run("put", "limits.retries", "-", "--json", given="3")
    text = shell.run("put", "limits.retries", "-", given="5")
    again = shell.run("put", "limits.retries", "-", given="6")
    said = "limits.retries: the content type changes from application/json to text/plain"
    assert [said in done.err for done in (first, text, again)] == [False, True, False]
