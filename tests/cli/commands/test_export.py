from __future__ import annotations

import json
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from configsvc_client.admin import make_draft
from configsvc_client.cli.formats import FORMATS
from tests.support.admin.loopback import Loopback
from tests.support.cli import readers
from tests.support.cli.shell import COMMAND, Shell

CANARY = "canary-3d11e0"


@pytest.fixture
def held(service: Loopback, namespace: str) -> dict[str, bytes]:
    """Values that every format holds, and a plain one."""
    admin = service.admin()
    drafts = [
        make_draft("db.url", f"postgres://u:{CANARY}@h/d?a=b#c"), make_draft("DB-Url", 'its "$x" \\ ü'),
        make_draft("empty", ""),
        make_draft("limits", {"per.day": [1, None, "x"]}), make_draft("text.json", "null", content_type="text/plain"),
        make_draft("log.level", "info", form="plain"),
    ]  # fmt: skip
    admin.change_sets.apply(namespace, drafts)
    service.requests.clear()
    return {each.key: each.data for each in drafts}


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [each for each in FORMATS if each != "shell"])  # a shell cannot name these keys
def test_reimporting_an_export_changes_nothing(
    shell: Shell, service: Loopback, held: dict[str, bytes], tmp_path: Path, wanted: str
) -> None:
    namespace = shell.environ["CONFIGSVC_NAMESPACES"]
    path = tmp_path / "held"
    shell.ok("export", path, "--format", wanted)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = service.namespace(f"{namespace}.copy")
    shell.ok("import", path, "--format", wanted, "-n", other, "--plain", "log.*")
    admin = service.admin()
    before, after = admin.values.get_all(namespace), admin.values.get_all(other)
    assert {key: each.data for key, each in after.items()} == held
    assert {key: each.content_type for key, each in after.items()} == {
        key: each.content_type for key, each in before.items()
    }
    again = shell.run("import", path, "--format", wanted, "--plain", "log.*", "--dry-run")
    assert "6 unchanged" in again.err


def test_bytes_and_lines_come_back_where_the_format_can_hold_them(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().change_sets.apply(
        namespace, [make_draft("bytes", b"\x00\xff"), make_draft("lines", f"{CANARY}\nb\r\n")]
    )
    for wanted in ("csv", "json", "k8s-secret", "toml", "yaml"):
        path = tmp_path / "held"
        shell.ok("export", path, "-f", wanted)
        assert "2 unchanged" in shell.run("import", path, "-f", wanted).err
    refused = shell.run("export", tmp_path / "none.env", "-f", "docker")
    assert (refused.code, CANARY in refused.err) == (1, False)
    assert all(f"{key}: " in refused.err for key in ("bytes", "lines"))
    assert not (tmp_path / "none.env").exists()


def test_export_gives_sealed_values_to_pipes_but_to_terminals_only_on_request(
    shell: Shell, service: Loopback, held: dict[str, bytes]
) -> None:
    del held
    assert CANARY in shell.ok("export")
    assert json.loads(shell.ok("export", "-f", "json"))["limits"] == {"per.day": [1, None, "x"]}
    service.kms.calls.clear()
    refused = shell.on_terminal("export")
    assert service.kms.calls == []
    assert (refused.code, CANARY in refused.out, "--reveal" in refused.out) == (2, False, True)
    assert CANARY in shell.on_terminal("export", "--reveal").out
    assert "info" in shell.on_terminal("export", "--only", "log.*").out


def test_export_escapes_control_characters_on_a_terminal(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "\x1b]0;title\x07", form="plain")
    assert "\x1b]0" not in shell.on_terminal("export", "-f", "dotenv").out


def test_export_selects_keys_and_reports_patterns_without_match(shell: Shell, held: dict[str, bytes]) -> None:
    del held
    assert shell.ok("export", "--only", "log.*") == "log.level=info\n"
    assert shell.run("export", "--only", "nothing.*").code == 3


def test_export_renames_keys_only_on_request_and_never_to_one_name(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "db.url", "x")
    assert shell.ok("export", "--variables") == "DB_URL=x\n"
    service.admin().values.put(namespace, "db-url", "y")
    refused = shell.run("export", "--variables")
    assert (refused.code, "would both be DB_URL" in refused.err) == (1, True)


def test_a_value_that_does_not_open_leaves_the_file_as_it_was(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "held.json"
    path.write_text("before")
    service.admin().values.put(namespace, "a", "x")
    other = shell.but(CONFIGSVC_KMS_KEYS="arn:aws:kms:us-east-1:666666666666:key/other")
    assert other.run("export", path).code == 1
    assert path.read_text() == "before"


def test_export_writes_to_an_existing_pipe_without_replacing_it(shell: Shell, held: dict[str, bytes]) -> None:
    del held
    shell.ok("export", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_thousand_secrets_take_few_requests_and_one_kms_call(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    path, out = tmp_path / "many.env", tmp_path / "out.env"
    path.write_text("".join(f"key.{number:04}=value of {number}\n" for number in range(1000)))
    shell.ok("import", path)
    assert (len(service.requests), len(service.kms.calls)) == (29, 1)  # snapshot, limit, keys, keyring, 25 change sets
    service.requests.clear()
    service.kms.calls.clear()
    shell.ok("export", out)
    assert (len(service.requests), len(service.kms.calls)) == (1, 1)
    service.requests.clear()
    service.kms.calls.clear()
    assert "1000 unchanged" in shell.run("import", out).err
    assert (len(service.requests), len(service.kms.calls)) == (1, 1)


def test_a_shell_evaluates_what_is_exported_and_runs_nothing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    texts = {"a": "x'; touch F #", "b": "$(touch F)`touch F`", "c": "O'Reilly", "d": "C:\\dir", "e": "$HOME\n"}
    service.admin().change_sets.apply(namespace, [make_draft(key, text) for key, text in texts.items()])
    printed = "".join(f'printf "%s\\0" "${key.upper()}"; ' for key in texts)
    command = shlex.join([*COMMAND, "export", "--variables"])
    for line in (f'eval "$({command})"', f"{command} > {tmp_path}/.x; . {tmp_path}/.x"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{line}; {printed}"],
            env=shell.environ, cwd=tmp_path, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.decode().split("\0")[:-1] == list(texts.values())
    assert not (tmp_path / "F").exists()


def test_values_dotenv_cannot_hold_are_refused_but_fit_shell_format(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    texts = {"A": "${HOME}", "B": f"'{CANARY}\"", "C": f"{CANARY}\r\n", "D": f"it's {CANARY}"}
    service.admin().change_sets.apply(namespace, [make_draft(key, text) for key, text in texts.items()])
    refused = shell.run("export", tmp_path / "x.env")
    assert (refused.code, refused.out, CANARY in refused.err) == (1, "", False)
    assert [line.split(":")[0].strip() for line in refused.err.splitlines()] == ["configsvc", "A", "B", "C"]
    assert refused.err.count("; shell, yaml, json, toml, csv and k8s-secret can hold it") == 3
    assert not (tmp_path / "x.env").exists()
    shell.ok("export", tmp_path / "x.sh")
    assert readers.read_in_shell("bash", tmp_path / "x.sh", list(texts)) == list(texts.values())
    assert "4 unchanged" in shell.run("import", tmp_path / "x.sh").err


def test_names_that_no_shell_can_assign_are_refused_together(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().change_sets.apply(namespace, [make_draft(key, "x") for key in ("1st.key", "2nd", "uid", "db.url")])
    refused = shell.run("export", "--variables")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.splitlines()[1:] == [
        "  1st.key: 1ST_KEY is not a name that a shell can assign", "  2nd: 2ND is not a name that a shell can assign",
        "  uid: UID is a variable that bash reserves",
    ]  # fmt: skip
    assert shell.ok("export", "--variables", "--only", "db.*") == "DB_URL=x\n"


def test_dotenv_export_warns_that_shells_cannot_assign_dotted_keys(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "A", "x")
    assert shell.run("export").err == ""
    service.admin().change_sets.apply(namespace, [make_draft("db.url", "x"), make_draft("db.pool", "x")])
    done = shell.run("export")
    assert done.out == "A=x\ndb.pool=x\ndb.url=x\n"
    assert done.err == "No shell can assign db.pool, db.url. For a shell, export with --variables.\n"
    assert shell.run("export", "--variables").err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [("--variables",), ("-f", "docker"), ("-f", "docker", "--variables"), ("-f", "shell", "--variables")]
)
@pytest.mark.parametrize("key", ["GIT_SSH_COMMAND", "http_proxy", "npm_config_script-shell"])
def test_environment_file_has_no_dangerous_variables(
    shell: Shell, service: Loopback, namespace: str, options: tuple[str, ...], key: str
) -> None:
    service.admin().values.put(namespace, key, "theirs")
    done = shell.run("export", *options)
    assert (done.code, done.out) == (1, "")
    assert key in done.err
    assert "theirs" in shell.ok("export", "-f", "json")
