"""How a value is stored: options override the policy, the policy overrides sealing, and the served form comes last."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from configsvc.model import names
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a trusted project file, as in a job that runs reviewed commits."""
    return tmp_path


@pytest.fixture
def trusting(shell: Shell, project: Path) -> Shell:
    return Shell({**shell.environ, "CONFIGSVC_TRUST": "project"}, project)


def policy(project: Path, text: str) -> None:
    (project / ".configsvc.toml").write_text(text)


def form(service: Loopback, namespace: str, key: str) -> str:
    return service.admin().values.get_entry(namespace, key).form


def test_options_override_the_policy_on_plain_values(
    trusting: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    policy(project, f'[policy."{namespace}"]\nplain = ["limits.*"]\nkms = ["by.kms"]\n')
    trusting.ok("put", "limits.daily", "5")  # not a secret, so it may be on the command line
    trusting.ok("put", "limits.secret", "-", "--seal", given="s")
    trusting.ok("put", "by.kms", "-", given="k")
    trusting.ok("put", "db.url", "-", given="u")
    trusting.ok("import", "-", "-f", "dotenv", given="limits.weekly=7\ndb.password=p\n")
    forms = {each.key: each.form for each in service.admin().values.get_snapshot(namespace).entries}
    assert forms == {
        "limits.daily": "plain", "limits.secret": "envelope", "by.kms": "kms", "db.url": "envelope",
        "limits.weekly": "plain", "db.password": "envelope",
    }  # fmt: skip
    assert trusting.run("put", "db.url", "on-the-line").code == 2


def test_copy_follows_the_target_policy_not_the_source(
    trusting: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    other = service.namespace(f"{namespace}.other")
    policy(project, f'[policy."{namespace}"]\nplain = ["*"]\n[policy."{other}"]\nplain = ["b"]\n')
    trusting.ok("put", "a", "1")
    trusting.ok("put", "b", "2")
    trusting.ok("copy", "--all", "--to", other)
    assert {each.key: each.form for each in service.admin().values.get_snapshot(other).entries} == {
        "a": "envelope",
        "b": "plain",
    }


def test_generated_secret_follows_the_policy_but_is_never_plain(
    trusting: Shell, project: Path, service: Loopback, namespace: str
) -> None:
    policy(project, f'[policy."{namespace}"]\nplain = ["limits.*"]\nkms = ["by.kms"]\n')
    for key in ("by.kms", "limits.token", "db.password"):
        trusting.ok("put", key, "--generate")
    found = {key: form(service, namespace, key) for key in ("by.kms", "limits.token", "db.password")}
    assert found == {"by.kms": "kms", "limits.token": "envelope", "db.password": "envelope"}


def test_an_equal_value_is_unchanged_unless_something_names_another_form(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "a", "1", form="plain")
    service.admin().values.put(namespace, "b", "2")
    service.requests.clear()
    for arguments in (("put", "a", "-"), ("import", "-", "-f", "dotenv")):
        done = shell.run(*arguments, given="1" if arguments[0] == "put" else "a=1\nb=2\n")
        assert (done.code, "unchanged" in done.err) == (0, True)
    assert "unchanged" in shell.run("put", "b", "-", given="2").err
    assert not [each for each in service.requests if not each.startswith("GET")]
    shell.ok("put", "a", "-", "--seal", given="1")
    assert form(service, namespace, "a") == "envelope"
    shell.ok("import", "-", "-f", "dotenv", "--kms", "b", given="b=2\n")
    assert form(service, namespace, "b") == "kms"


def test_kms_value_becomes_an_envelope_and_this_is_reported(shell: Shell, service: Loopback, namespace: str) -> None:
    for arguments, given in ((("put", "a", "-"), "2"), (("import", "-", "-f", "dotenv"), "a=3\n")):
        service.admin().values.put(namespace, "a", "1", form="kms")
        done = shell.run(*arguments, given=given)
        assert (done.code, "To keep the form: --kms" in done.err) == (0, True)
        assert form(service, namespace, "a") == "envelope"


def test_put_with_new_type_date_or_precondition_is_a_change(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "1")
    for number, more in enumerate((["--json"], ["--rotate-by", "2030-01-01", "--json"], ["--stage"]), start=2):
        shell.ok("put", "a", "-", *more, given="1")
        assert service.admin().values.find_keys(namespace, ["a"])[names.parse_key("a")].latest == number
    assert shell.run("put", "a", "-", "--create-only", given="1").code == 5


def test_edit_asks_first_and_stores_another_form_of_equal_text(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "a", {"x": 1}, form="plain")
    opened = tmp_path / "opened"
    (tmp_path / "editor.py").write_text(f"open({str(opened)!r}, 'w')")
    editing = shell.but(EDITOR=f"{sys.executable} {tmp_path / 'editor.py'}")
    assert (editing.run("edit", "a").code, opened.exists()) == (2, False)
    assert "nothing changed" in editing.run("edit", "a", "--plain").err
    editing.ok("edit", "a", "--seal")
    found = service.admin().values.get(namespace, "a")
    assert (found.form, found.data) == ("envelope", b'{"x":1}')


def test_import_names_each_refused_key_and_stores_the_rest(
    shell: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    for key in ("a", "b"):
        service.admin().values.put(namespace, key, "old", form="plain")
    done = Shell(shell.environ, project).run("import", "-", "-f", "dotenv", given="a=new\nb=new\nc=new\n")
    assert (done.code, "1 new, 2 failed" in done.err, 'plain = ["a", "b"]' in done.err) == (2, True, True)
    assert set(service.admin().values.get_all(namespace)) == {"a", "b", "c"}
    atomic = shell.run("import", "-", "-f", "dotenv", "--atomic", given="a=new\nd=new\n")
    assert (atomic.code, "d" in service.admin().values.get_all(namespace)) == (2, False)
    dry = shell.run("import", "-", "-f", "dotenv", "--dry-run", given="a=new\n")
    assert (dry.code, "unnamed" in dry.out) == (2, True)


def test_policy_line_to_paste_extends_the_applicable_table(
    trusting: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    service.admin().values.put(namespace, "log.level", "info", form="plain")
    policy(project, '[policy."*"]\nplain = ["limits.*"]\n')
    done = trusting.run("put", "log.level", "-", given="debug")
    assert (done.code, '[policy."*"]' in done.err, 'plain = ["limits.*", "log.level"]' in done.err) == (2, True, True)
    policy(project, '[policy."*"]\nplain = ["limits.*", "log.level"]\n')
    trusting.ok("put", "log.level", "-", given="debug")
    assert form(service, namespace, "log.level") == "plain"


def test_an_untrusted_policy_is_named_as_the_reason(
    shell: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    service.admin().values.put(namespace, "a", "1", form="plain")
    policy(project, '[policy."*"]\nplain = ["*"]\n')
    done = Shell(shell.environ, project).run("put", "a", "-", given="2")
    assert (done.code, "is not trusted" in done.err, "configsvc trust" in done.err) == (2, True, True)


def test_suggest_drafts_a_valid_policy_without_variables_that_run_code(
    trusting: Shell, service: Loopback, namespace: str, project: Path
) -> None:
    admin = service.admin()
    for key, stored in (("log.level", "plain"), ("by.kms", "kms"), ("db.url", "envelope"), ("ld.preload", "plain")):
        admin.values.put(namespace, key, "v", form=stored)  # type: ignore[arg-type]  # forms by name
    draft = trusting.ok("policy", "suggest")
    assert tomllib.loads(draft) == {
        "policy": {
            namespace: {
                "plain": ["ld.preload", "log.level"],
                "kms": ["by.kms"],
                "exec": ["BY_KMS", "DB_URL", "LOG_LEVEL"],
            }
        }
    }
    policy(project, draft)
    trusting.ok("put", "log.level", "-", given="debug")
    assert form(service, namespace, "log.level") == "plain"


def test_broken_policy_stops_every_command_that_needs_it(trusting: Shell, namespace: str, project: Path) -> None:
    policy(project, "[policy.payments.prod]\nplain = []\n")
    done = trusting.run("put", "a", "-", "-n", namespace, given="1")
    assert (done.code, 'Quote the namespace pattern: [policy."payments.prod"]' in done.err) == (2, True)


@pytest.mark.parametrize("flags", [("--seal", "--plain"), ("--plain", "--kms"), ("--seal", "--kms")])
def test_two_forms_at_once_are_refused(shell: Shell, flags: tuple[str, ...]) -> None:
    for command in (("put", "a", "-"), ("edit", "a")):
        assert shell.run(*command, *flags, given="x").code == 2


def test_value_on_command_line_is_refused_naming_how_to_make_it_plain(
    trusting: Shell, project: Path, namespace: str
) -> None:
    assert "pass --plain or name the key in your policy" in trusting.run("put", "log.level", "debug").err
    policy(project, f'[policy."{namespace}"]\nplain = ["log.level"]\n')
    assert "is not trusted" in trusting.but(CONFIGSVC_TRUST="").run("put", "log.level", "debug").err
    trusting.ok("put", "log.level", "debug")
