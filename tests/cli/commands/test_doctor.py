"""doctor and init, as a person runs them on a new computer."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from configsvc.model.grants import Grant
from configsvc_client.admin import make_draft
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Done, Shell


def _states(done: Done) -> dict[str, str]:
    return {each["check"]: each["state"] for each in json.loads(done.out)}


def test_doctor_passes_on_a_working_setup(shell: Shell, service: Loopback, namespace: str) -> None:
    before = list(service.admin().history.list_changes(namespace))
    service.requests.clear()
    done = shell.run("doctor", "-o", "json")
    assert (done.code, _states(done)) == (
        0,
        {
            "settings": "ok", "service": "ok", "table": "ok", "clock": "ok", "API key": "ok", "AWS identity": "ok",
            f"{namespace}: write": "ok", namespace: "ok", f"{namespace}: pin": "ok", f"{namespace}: KMS": "ok",
        },
    )  # fmt: skip
    probes = [f"POST /v1/namespaces/{namespace}/changes", f"PUT /v1/namespaces/{namespace}/keys/configsvc.doctor"]
    assert [each for each in service.requests if not each.startswith("GET") and "whoami" not in each] == probes
    assert list(service.admin().history.list_changes(namespace)) == before
    assert [each.operation for each in service.kms.calls] == ["Decrypt"]
    for secret in (shell.environ["CONFIGSVC_API_KEY"], shell.environ["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in done.out + done.err


@pytest.mark.parametrize(
    ("changed", "check", "says"),
    [
        ({"CONFIGSVC_URL": ""}, "settings", "CONFIGSVC_URL"),
        ({"CONFIGSVC_URL": "http://127.0.0.1:9/api"}, "service", "could not be reached"),
        ({"CONFIGSVC_API_KEY": "wrong"}, "API key", "in no usage plan of this stage"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "AWS identity", ""),
        ({"CONFIGSVC_KMS_KEYS": FOREIGN_KEY}, "pin", "Add it if you trust it"),
        ({"CONFIGSVC_KMS_KEYS": ""}, "pin", "does not name"),
        ({"CONFIGSVC_NAMESPACES": "no.such"}, "no.such", "configsvc grant api-key:idwriter -a read -n no.such"),
    ],
)
def test_doctor_names_each_problem_with_a_fix(shell: Shell, changed: dict[str, str], check: str, says: str) -> None:
    done = shell.but(**changed).run("doctor", "-o", "json")
    failed = [each for each in json.loads(done.out) if each["state"] == "failed" and each["check"].endswith(check)]
    assert (done.code, len(failed)) == (1, 1)
    assert says in json.dumps(failed[0])


@pytest.mark.parametrize(("given", "refused"), [("{0},wrong", 2), ("wrong,{0}", 1)])
def test_refused_one_of_two_api_keys_is_a_warning(shell: Shell, given: str, refused: int) -> None:
    two = shell.but(CONFIGSVC_API_KEY=given.format(shell.environ["CONFIGSVC_API_KEY"]))
    done = two.run("doctor", "-o", "json")
    states = _states(done)
    assert (done.code, states[f"API key {refused} of 2"], states[f"API key {3 - refused} of 2"]) == (0, "warning", "ok")
    told = next(each for each in json.loads(done.out) if each["check"] == f"API key {refused} of 2")
    assert "in no usage plan of this stage" in told["found"]
    assert " Run" not in told["found"]  # the advice to run doctor is left out as a whole
    assert "Remove this one from CONFIGSVC_API_KEY" in told["what_to_do"]
    assert shell.environ["CONFIGSVC_API_KEY"] not in done.out + done.err


@pytest.fixture
def two(shell: Shell, service: Loopback) -> Iterator[tuple[Shell, str, str]]:
    """A shell with two API keys, and their principals: an old one that may read all, and a new one without grants."""
    old, new = (f"{age}{uuid4().hex}" for age in ("old", "new"))
    service.keys.update({f"value-of-{each}": each for each in (old, new)})
    service.admin("admin").grants.set(f"api-key:{old}", [Grant(("read",), ("*",))])
    yield shell.but(CONFIGSVC_API_KEY=f"value-of-{old},value-of-{new}"), f"api-key:{old}", f"api-key:{new}"
    for each in (old, new):
        del service.keys[f"value-of-{each}"]


def _compare(shell: Shell) -> dict[str, str]:
    (found,) = [each for each in json.loads(shell.here("doctor", "-o", "json").out) if each["check"] == "API keys"]
    return {name: found[name] for name in ("state", "found", "what_to_do")}


def test_what_the_new_key_lacks_comes_with_the_command(two: tuple[Shell, str, str], service: Loopback) -> None:
    shell, old, new = two
    assert _compare(shell) == {
        "state": "warning", "found": f"{new} lacks read on *, which {old} has",
        "what_to_do": f"Before you remove the first key: configsvc grant {new} --like {old}",
    }  # fmt: skip
    command = _compare(shell)["what_to_do"].partition(": configsvc ")[2].split()
    Shell(service.environ("admin")).ok(*command)
    assert _compare(shell) == {"state": "ok", "found": "both keys have the same grants", "what_to_do": ""}


@pytest.mark.parametrize(
    ("old_has", "new_has", "state", "says"),
    [
        (["payments.*", "payments.prod"], ["payments.*"], "ok", "both keys have the same grants"),
        (["payments.prod"], ["payments.*"], "warning", "To take that away from it: configsvc grant {new} --like {old}"),
        (["payments.*"], ["shared.prod"], "warning", "Before you remove the first key: configsvc grant {new} --like"),
        ([], ["payments.*"], "warning", "The first key has no grants. Remove it from CONFIGSVC_API_KEY."),
        ([], [], "warning", "neither key has a grant"),
    ],
)
def test_grants_are_compared_by_what_they_allow(  # noqa: PLR0917  # fixtures and cases
    two: tuple[Shell, str, str], service: Loopback, old_has: list[str], new_has: list[str], state: str, says: str
) -> None:
    (shell, old, new), admin = two, service.admin("admin")
    for who, patterns in ((old, old_has), (new, new_has)):
        given = [Grant(("read",), tuple(patterns))] if patterns else []
        admin.grants.change(who, lambda _, given=given: given)  # type: ignore[misc]  # bound for this call
    compared = _compare(shell)
    assert (compared["state"], says.format(old=old, new=new) in json.dumps(compared)) == (state, True), compared


def test_grants_of_a_refused_key_are_not_compared(shell: Shell) -> None:
    two = shell.but(CONFIGSVC_API_KEY=f"{shell.environ['CONFIGSVC_API_KEY']},wrong")
    assert _compare(two)["state"] == "skipped"


def test_two_refused_api_keys_both_fail(shell: Shell) -> None:
    done = shell.but(CONFIGSVC_API_KEY="wrong,wronger").run("doctor", "-o", "json")
    assert (done.code, _states(done)["API key 1 of 2"], _states(done)["API key 2 of 2"]) == (1, "failed", "failed")


def test_commands_continue_with_the_working_api_key(shell: Shell) -> None:
    two = shell.but(CONFIGSVC_API_KEY=f"wrong, {shell.environ['CONFIGSVC_API_KEY']}")
    two.ok("put", "two.keys", "-", given="v")
    assert two.ok("get", "two.keys", "--reveal") == "v"
    assert "api-key:idwriter" in two.ok("whoami")
    assert two.ok("exec", "--only", "two.keys", "--", "printenv", "CONFIGSVC_API_KEY").startswith("wrong, ")


def test_doctor_warns_of_what_is_due(service: Loopback) -> None:
    service.clock.behind = 91 * 86400
    try:
        old = service.namespace(f"old.{uuid4().hex[:8]}")
    finally:
        service.clock.behind = 0
    for key, day in {"late": "2026-01-31", "later": "2999-01-31"}.items():
        service.admin().values.put_draft(old, make_draft(key, "canary-77")._replace(rotate_by=day))
    shell = Shell(service.environ("writer", old))
    done, (listed,) = shell.here("doctor", "-o", "json"), json.loads(shell.ok("data-key", "list", "-o", "json"))
    due = {each["check"]: (each["state"], each["found"], each["what_to_do"]) for each in json.loads(done.out)}
    assert (done.code, "canary-77" in done.out, listed["due"]) == (0, False, ["age"])
    assert due[f"{old}: due data keys"] == (
        "warning", f"1 data key due: {listed['kid']} is older than 90 days",
        f"To replace it: configsvc data-key rotate -n {old}",
    )  # fmt: skip
    assert due[f"{old}: overdue values"] == (
        "warning", "1 value overdue: late", f"To list them: configsvc list --due -n {old}",
    )  # fmt: skip


def test_doctor_finds_a_missing_kms_permission(shell: Shell, service: Loopback, namespace: str) -> None:
    service.kms.refused.add("Decrypt")
    try:
        done = shell.run("doctor", "-o", "json")
    finally:
        service.kms.refused.clear()
    assert (done.code, _states(done)[f"{namespace}: KMS"]) == (1, "failed")
    assert "kms:Decrypt" in done.out


def test_doctor_passes_for_a_reader_and_says_it_cannot_write(service: Loopback, namespace: str) -> None:
    done = Shell(service.environ("reader", namespace)).run("doctor", "-o", "json")
    assert (done.code, _states(done)["AWS identity"], _states(done)[f"{namespace}: write"]) == (0, "ok", "warning")
    assert f"configsvc grant {arn('reader')} -a write -n {namespace}" in done.out
    assert "iam-policy" not in done.out


@pytest.mark.parametrize(
    "allowed",
    [(), ("POST/v1/whoami",), ("POST/v1/whoami", "POST/v1/namespaces/*/changes"), ("PUT/v1/namespaces/another/*",)],
)
def test_doctor_does_not_promise_writes_without_iam(
    service: Loopback, namespace: str, allowed: tuple[str, ...]
) -> None:
    held = service.identities["AKIAWRITER"]
    service.identities["AKIAWRITER"] = held._replace(allowed=allowed)
    try:
        shell = Shell(service.environ("writer", namespace))
        done, refused = shell.here("doctor", "-o", "json"), shell.here("put", "k", "x", "--plain")
        me = shell.here("whoami")
    finally:
        service.identities["AKIAWRITER"] = held
    (found,) = [each for each in json.loads(done.out) if each["check"] == f"{namespace}: write"]
    assert (done.code, found["state"]) == (0, "warning")
    assert "may write" not in found["found"]
    assert f"configsvc iam-policy --for writer -n {namespace}" in found["what_to_do"]
    assert "configsvc grant" not in found["what_to_do"]
    assert (refused.code, f"configsvc iam-policy --for writer -n {namespace}" in refused.err) == (4, True)
    assert "CONFIGSVC_URL" not in refused.err
    assert (me.code, "api-key:idwriter" in me.out) == (0, True)
    assert ("configsvc iam-policy" in me.err) == ("POST/v1/whoami" not in allowed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def newcomer(service: Loopback, folder: Path) -> Shell:
    """A person with AWS credentials, an API key and an empty folder."""
    environ = service.environ("writer") | {"XDG_CONFIG_HOME": str(folder.parent)}
    return Shell(environ, folder).but(CONFIGSVC_URL="", CONFIGSVC_NAMESPACES="", CONFIGSVC_KMS_KEYS="")


def test_init_writes_settings_without_a_secret_and_checks_them(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    done = newcomer.run(
        "init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY, "--region", "us-east-1", "-o", "json"
    )
    assert (done.code, set(_states(done).values())) == (0, {"ok"}), done
    text = (folder / ".configsvc.toml").read_text()
    assert tomllib.loads(text) == {
        "url": service.url,
        "namespaces": [namespace],
        "kms_keys": [KMS_KEY],
        "region": "us-east-1",
    }
    assert newcomer.environ["CONFIGSVC_API_KEY"] not in text
    newcomer.ok("put", "k", "-", given="v")
    assert (
        newcomer.run("init", "--url", service.url, "-n", namespace).code == 2
    )  # the file exists, and there is nobody to ask


def test_init_asks_on_a_terminal_whom_to_trust(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    typed = {"stage included: ": service.url, "Namespaces: ": namespace, "Trust them? [y/N]: ": "y"}
    done = newcomer.on_terminal("init", typed=typed)
    assert (done.code, KMS_KEY in done.out) == (0, True)
    assert tomllib.loads((folder / ".configsvc.toml").read_text())["kms_keys"] == [KMS_KEY]


def test_init_stores_the_api_key_in_the_keyring_without_showing_it(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    vault = folder.parent / "vault.json"
    (folder.parent / "keyring.py").write_text(
        "import json, pathlib\n"
        f"vault = pathlib.Path({str(vault)!r})\n"
        "def get_password(service, account):\n"
        "    return json.loads(vault.read_text()).get(account) if vault.exists() else None\n"
        "def set_password(service, account, password):\n"
        "    vault.write_text(json.dumps({account: password}))\n"
    )
    key = newcomer.environ["CONFIGSVC_API_KEY"]
    keyless = newcomer.but(CONFIGSVC_API_KEY="", PYTHONPATH=str(folder.parent))
    arguments = ("init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY)
    done = keyless.on_terminal(*arguments, typed={"(leave empty to skip): ": key})
    assert (done.code, key in done.out) == (0, False)
    assert json.loads(vault.read_text()) == {service.url: key}
    assert keyless.ok("whoami", "--api-key-only").startswith("API key: api-key:idwriter")


_RAISES = "class {0}(RuntimeError): pass\ndef get_password(*_): raise {0}\nset_password = get_password\n"
_FORGETS = "def get_password(*_): return None\ndef set_password(*_): pass\n"
_FAILS_TO_LOAD = "raise RuntimeError\n"
_MISSES_A_PART = "import a_part_that_is_missing\n"


@pytest.mark.parametrize(
    ("library", "says"),
    [
        (_RAISES.format("NoKeyringError"), "finds no keyring here"),
        (_RAISES.format("KeyringLocked"), "keyring failed (KeyringLocked)"),
        (_FAILS_TO_LOAD, "keyring failed (RuntimeError)"),
        (_MISSES_A_PART, "keyring failed (ModuleNotFoundError)"),
        ("raise ModuleNotFoundError(name='keyring')\n", "pip install 'configsvc[keyring]'"),
    ],
)
def test_init_without_a_keyring_advises_once_for_this_system(  # noqa: PLR0917  # fixtures
    newcomer: Shell, service: Loopback, namespace: str, folder: Path, library: str, says: str
) -> None:
    (folder.parent / "keyring.py").write_text(library)
    keyless = newcomer.but(CONFIGSVC_API_KEY="", PYTHONPATH=str(folder.parent))
    done = keyless.on_terminal("init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY)
    shown = " ".join(done.out.split())
    assert (done.code, shown.count(says), "Traceback" in shown) == (1, 1, False), done.out
    assert shown.count("CONFIGSVC_API_KEY") <= 2, done.out  # the missing setting, and how to set it
    assert ("pip install" in shown) == ("pip install" in says), done.out
    told = keyless.run("list", "-n", namespace)
    assert (told.code, told.err.count(says)) == (2, 1), told


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_keyring_backends_that_store_nothing_are_ignored(
    newcomer: Shell, service: Loopback, namespace: str, backend: str
) -> None:
    keyless = newcomer.but(CONFIGSVC_API_KEY="", PYTHON_KEYRING_BACKEND=backend)
    done = keyless.on_terminal("init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY)
    assert (done.code, "API key to store in the keyring" in done.out, "pip install" in done.out) == (1, False, False), (
        done.out
    )
    assert "finds no keyring here" in " ".join(done.out.split())


def test_init_detects_a_keyring_that_forgets_the_api_key(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    (folder.parent / "keyring.py").write_text(_FORGETS)
    keyless = newcomer.but(CONFIGSVC_API_KEY="", PYTHONPATH=str(folder.parent))
    arguments = ("init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY)
    done = keyless.on_terminal(*arguments, typed={"(leave empty to skip): ": "  value "})
    assert (done.code, "did not keep" in done.out, "run configsvc init again" in done.out) == (1, True, True), done.out
    blank = keyless.on_terminal(*arguments, "--yes", typed={"(leave empty to skip): ": "   "})
    assert (blank.code, "did not keep" in blank.out) == (1, False)


def test_missing_url_leads_to_init(newcomer: Shell) -> None:
    told = newcomer.run("list", "-n", "any.thing")
    assert (told.code, "configsvc init" in told.err, "keyring" in told.err) == (2, True, False)


def test_init_never_pins_any_key_but_offers_those_in_use(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    anyone, path = newcomer.but(CONFIGSVC_KMS_KEYS="*"), folder / ".configsvc.toml"
    anyone.ok("init", "--url", service.url, "-n", namespace)
    assert "kms_keys" not in tomllib.loads(path.read_text())
    path.unlink()
    done = anyone.on_terminal("init", "--url", service.url, "-n", namespace, typed={"Trust them? [y/N]: ": "y"})
    assert (done.code, tomllib.loads(path.read_text())["kms_keys"]) == (0, [KMS_KEY])


def test_init_offers_a_drafted_policy_and_trusts_what_it_writes(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    service.admin().values.put(namespace, "log.level", "info", form="plain")
    arguments = ("init", "--url", service.url, "-n", namespace, "--kms-key", KMS_KEY)
    done = newcomer.on_terminal(*arguments, typed={"Add this policy? [y/N]: ": "y"})
    table = {"plain": ["log.level"], "exec": ["LOG_LEVEL"]}
    written = tomllib.loads((folder / ".configsvc.toml").read_text())
    assert (done.code, written["policy"]) == (0, {namespace: table})
    newcomer.ok("put", "log.level", "debug")
    again = newcomer.run("init", "--url", service.url, "-n", namespace, "--yes")  # keeps policy and profiles
    assert (again.code, tomllib.loads((folder / ".configsvc.toml").read_text())["policy"]) == (0, {namespace: table})


def test_doctor_reports_an_untrusted_project_file(
    newcomer: Shell, service: Loopback, namespace: str, folder: Path
) -> None:
    (folder / ".configsvc.toml").write_text(f'url = "{service.url}"\n')
    stopped = newcomer.run("doctor", "-n", namespace, "-o", "json")
    assert (stopped.code, _states(stopped), "configsvc trust" in stopped.out) == (1, {"settings": "failed"}, True)
    harmless = newcomer.but(CONFIGSVC_URL=service.url, CONFIGSVC_KMS_KEYS=KMS_KEY).run(
        "doctor", "-n", namespace, "-o", "json"
    )
    assert (harmless.code, _states(harmless)["project file"]) == (0, "warning")


@pytest.mark.parametrize("arguments", [(), ("--url", "https://x.example/api"), ("--url", "ftp://x", "-n", "a")])
def test_init_without_a_terminal_takes_options_only(newcomer: Shell, folder: Path, arguments: tuple[str, ...]) -> None:
    assert newcomer.run("init", *arguments).code == 2
    assert not list(folder.iterdir())
