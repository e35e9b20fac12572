"""A cloned repository brings a `.configsvc.toml`. Its author has no right anywhere: only the file, and a server."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from configsvc_client.cli.command_line import find_commands
from configsvc_client.cli.settings.trust import TrustStore, canonicalize
from local.network.listener import Listener
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

THEIRS = "arn:aws:kms:us-east-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SECRET = "canary-7c31d0"

# Every command, as somebody who cloned the repository would type it. `completion` and `trust` send nothing by design.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "activate": ("k", "1"),
    "completion": ("bash",),
    "copy": ("k", "--to", "their.namespace"),
    "data-key": ("add",),
    "delete": ("k", "--yes"),
    "destroy": ("k", "1", "--yes"),
    "diff": ("--from", "1"),
    "doctor": (),
    "edit": ("k",),
    "env": (),
    "exec": ("--", "true"),
    "export": (),
    "get": ("k",),
    "grant": ("api-key:theirs", "-a", "read", "-n", "*"),
    "grants": (),
    "history": ("k",),
    "iam-policy": ("--for", "writer"),
    "import": ("-", "-f", "dotenv"),
    "init": ("--yes",),
    "list": (),
    "log": (),
    "namespace": ("create", "their.namespace"),
    "policy": ("suggest",),
    "put": ("k", "-"),
    "revoke": ("api-key:theirs", "--all"),
    "rollback": ("k",),
    "snapshot": ("save", "saved.json"),
    "trust": ("--yes",),
    "watch": (),
    "whoami": (),
}
_QUIET = {"completion"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "clone" / "src").mkdir(parents=True)
    return tmp_path / "clone"


@pytest.fixture
def victim(service: Loopback, clone: Path) -> Shell:
    """Who cloned it: with an API key and AWS credentials in the shell, and nothing that says where they go."""
    environ = service.environ("owner")
    kept = {name: text for name, text in environ.items() if name.startswith(("AWS_", "CONFIGSVC_API_KEY"))}
    own = {"XDG_CONFIG_HOME": str(clone.parent / "own"), "EDITOR": "true"}
    return Shell({**kept, **own}, clone / "src").but(AWS_REGION="")


def hostile(clone: Path, listener: Listener, more: str = "") -> None:
    (clone / ".configsvc.toml").write_text(
        f'url = "{listener.url}"\nnamespaces = ["their.namespace"]\nkms_keys = ["{THEIRS}"]\nregion = "us-east-1"\n'
        f"{more}"
    )


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) == set(find_commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_sends_anything_to_the_url_of_a_clone(
    victim: Shell, clone: Path, listener: Listener, name: str
) -> None:
    hostile(clone, listener)
    done = victim.but(AWS_SESSION_TOKEN="token").run(name, *COMMANDS[name], given=f"K={SECRET}")
    assert (listener.connections, done.code == 0) == ([], name in _QUIET), done
    if name not in {"completion", "init", "trust", "doctor"}:
        assert "configsvc trust" in done.err


@pytest.mark.parametrize(
    "text",
    [
        'profile = "x"\n[profiles.x]\nurl = "{url}"\nkms_keys = ["{key}"]\n',
        '"\\u0075rl" = "{url}"\n',
        "'url' = '''{url}'''\n",
        'url = "{url}"\n[policy."*"]\nplain = ["*"]\n',
    ],
)
def test_no_spelling_of_the_url_is_sent_to(victim: Shell, clone: Path, listener: Listener, text: str) -> None:
    (clone / ".configsvc.toml").write_text(text.replace("{url}", listener.url).replace("{key}", THEIRS))
    for arguments in (("list", "-n", "a"), ("whoami",), ("--profile", "x", "whoami")):
        assert victim.run(*arguments).code == 2
    assert listener.connections == []


def test_a_link_to_the_file_is_no_more_trusted_than_the_file(victim: Shell, clone: Path, listener: Listener) -> None:
    hostile(clone, listener)
    (clone / ".configsvc.toml").rename(clone / "innocent.txt")
    (clone / "src" / ".configsvc.toml").symlink_to(clone / "innocent.txt")
    assert (victim.run("list", "-n", "a").code, listener.connections) == (2, [])


def test_the_nearest_file_counts_alone_and_hides_a_trusted_one_above(
    victim: Shell, clone: Path, service: Loopback, listener: Listener, namespace: str
) -> None:
    (clone.parent / ".configsvc.toml").write_text(
        f'url = "{service.url}"\nnamespaces = ["{namespace}"]\nkms_keys = ["{KMS_KEY}"]\nregion = "us-east-1"\n'
    )
    above = Shell(victim.environ, clone.parent)
    _trust(above)
    assert above.run("list").code == 0
    hostile(clone, listener)
    assert (victim.run("list").code, listener.connections) == (2, [])


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_file_is_refused_and_not_waited_for(victim: Shell, clone: Path, make: object) -> None:
    assert callable(make)
    make(clone / ".configsvc.toml")
    done = victim.run("list", "-n", "a")
    assert (done.code, ".configsvc.toml" in done.err) == (2, True)


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 60_000, ".".join(["a"] * 30_000) + " = 1", "a = 1\n" * 20_000, "a = 0x" + "f" * 60_000, "\0"],
)
def test_a_file_made_to_break_the_reader_is_refused_in_a_line(victim: Shell, clone: Path, text: str) -> None:
    (clone / ".configsvc.toml").write_text(text)
    for command in ("list", "trust"):
        done = victim.run(command)
        assert (done.code, done.err.count("\n"), "Please report" in done.err) == (2, 1, False), done.err[:400]


def test_a_profile_chosen_by_a_clone_stops_the_command(victim: Shell, clone: Path, service: Loopback) -> None:
    own = clone.parent / "own" / "configsvc"
    own.mkdir()
    (own / "config.toml").write_text(
        f'url = "{service.url}"\nregion = "us-east-1"\n[profiles.prod]\nurl = "http://127.0.0.1:9/prod"\n'
    )
    assert victim.run("whoami").code == 0
    (clone / ".configsvc.toml").write_text('profile = "prod"\n')
    done = victim.run("whoami")
    assert (done.code, "CONFIGSVC_URL" in done.err, "configsvc trust" in done.err) == (2, True, True)
    assert victim.but(CONFIGSVC_URL=service.url).run("whoami").code == 0


def test_the_policy_of_a_clone_counts_as_empty(victim: Shell, clone: Path, service: Loopback, namespace: str) -> None:
    (clone / ".configsvc.toml").write_text('[policy."*"]\nplain = ["*"]\nkms = ["*"]\n')
    shell = victim.but(**service.environ("writer", namespace))
    shell.ok("put", "k", "-", "-n", namespace, given=SECRET)
    assert service.admin().values.get_entry(namespace, "k").form == "envelope"


def test_a_clone_chooses_no_namespace_to_write_to(
    victim: Shell, clone: Path, service: Loopback, namespace: str
) -> None:
    (clone / ".configsvc.toml").write_text(f'namespaces = ["{namespace}"]\n')
    shell = victim.but(**service.environ("writer"))
    assert shell.run("list").code == 0
    writes = (("put", "k", "-"), ("import", "-", "-f", "dotenv"), ("delete", "k"), ("data-key", "add"))
    prints = (("env",), ("iam-policy", "--for", "reader"))
    for arguments in (*writes, *prints):
        done = shell.run(*arguments, "--yes", given="K=v")
        assert (done.code, "-n NAMESPACE" in done.err) == (2, True)
    assert shell.run("put", "k", "-", "-n", namespace, given="v").code == 0


def test_init_takes_nothing_of_a_clone(victim: Shell, clone: Path, service: Loopback, listener: Listener) -> None:
    hostile(clone, listener, '[policy."*"]\nplain = ["*"]\n')
    done = victim.run("init", "--url", service.url, "-n", "a", "--yes")
    assert tomllib.loads((clone / "src" / ".configsvc.toml").read_text()) == {"url": service.url, "namespaces": ["a"]}
    at_its_place = Shell(victim.environ, clone)
    done = at_its_place.run("init", "--url", service.url, "-n", "a", "--yes")
    assert tomllib.loads((clone / ".configsvc.toml").read_text()) == {"url": service.url, "namespaces": ["a"]}
    assert (listener.connections, "not trusted" in done.err) == ([], False)
    typed = {"stage included: ": service.url, "Namespaces: ": "a"}
    hostile(clone, listener)
    asked = Shell(victim.environ, clone).on_terminal("init", typed={"all of it? [y/N]: ": "y", **typed})
    assert (listener.url in asked.out, listener.connections) == (False, [])


def test_init_writes_through_no_link(victim: Shell, clone: Path, service: Loopback) -> None:
    target = clone.parent / "anywhere"
    (clone / "src" / ".configsvc.toml").symlink_to(target)
    assert victim.run("init", "--url", service.url, "-n", "a", "--yes").code == 2
    assert not target.exists()
    target.write_text("")
    victim.run("init", "--url", service.url, "-n", "a", "--yes")
    assert (target.read_text(), (clone / "src" / ".configsvc.toml").is_symlink()) == ("", False)


def test_no_file_sets_that_files_are_trusted(victim: Shell, clone: Path, listener: Listener) -> None:
    for name in ("trust", "CONFIGSVC_TRUST", "trusted"):
        hostile(clone, listener)
        text = (clone / ".configsvc.toml").read_text()
        (clone / ".configsvc.toml").write_text(f'{name} = "project"\n{text}')
        assert victim.run("list").code == 2
    assert listener.connections == []


def test_a_relative_home_is_not_looked_up_in_the_clone(victim: Shell, clone: Path, listener: Listener) -> None:
    hostile(clone, listener)
    planted = clone / "src" / ".config" / "configsvc"
    planted.mkdir(parents=True)
    (planted / "config.toml").write_text(f'url = "{listener.url}"\n')
    homeless = victim.but(XDG_CONFIG_HOME="", HOME=".")
    assert (homeless.run("whoami").code, listener.connections) == (2, [])
    (clone / ".configsvc.toml").unlink()
    assert (homeless.run("whoami").code, listener.connections) == (2, [])
    assert victim.but(XDG_CONFIG_HOME=".config").run("whoami").code == 2
    assert listener.connections == []


def test_a_repository_that_a_variable_makes_the_home_of_settings_brings_none(
    victim: Shell, clone: Path, listener: Listener
) -> None:
    hostile(clone, listener)
    (clone / ".git").mkdir()
    planted = clone / ".config" / "configsvc"
    TrustStore(planted / "trusted").keep(canonicalize(tomllib.loads((clone / ".configsvc.toml").read_text())), "p")
    (planted / "config.toml").write_text(f'url = "{listener.url}"\napi_key_command = ["touch", "{clone}/ran"]\n')
    for moved in ({"XDG_CONFIG_HOME": str(clone / ".config")}, {"XDG_CONFIG_HOME": "", "HOME": str(clone)}):
        done = victim.but(CONFIGSVC_API_KEY="", **moved).run("list", "-n", "a")
        assert (done.code, "inside the repository" in done.err) == (2, True), done
    assert (listener.connections, (clone / "ran").exists()) == ([], False)


def test_what_a_clone_shows_when_it_is_looked_at_is_escaped(victim: Shell, clone: Path, listener: Listener) -> None:
    hostile(clone, listener, '"\\u001b]0;x\\u0007" = "\\u001b[2J\\u202e\\r"\n')
    done = victim.run("trust")
    assert not any(each in done.err for each in ("\x1b", "\x07", "\u202e", "\r"))


def test_no_long_list_hides_what_decides_most(victim: Shell, clone: Path, listener: Listener) -> None:
    hostile(clone, listener, "".join(f'[policy."n{number}"]\nplain = []\n' for number in range(50)))
    (clone / ".configsvc.toml").write_text(
        (clone / ".configsvc.toml").read_text().replace('"their.namespace"', '"a", ' * 5_000)
    )
    lines = victim.run("trust").err.splitlines()
    assert listener.url in " ".join(lines[-6:])


def test_neither_yes_nor_a_pipe_answers_whether_a_clone_is_trusted(
    victim: Shell, clone: Path, listener: Listener
) -> None:
    hostile(clone, listener)
    for arguments in (("trust", "--yes"), ("trust", "--hash", "0" * 64)):
        assert victim.run(*arguments, given="y\n").code == 2
    assert victim.run("list").code == 2
    assert victim.on_terminal("trust", "--yes", typed={"Trust it? [y/N]: ": "n"}).code == 1
    assert (victim.run("list").code, listener.connections) == (2, [])


def test_a_hostile_change_to_a_trusted_file_is_not_trusted(
    victim: Shell, clone: Path, service: Loopback, namespace: str
) -> None:
    file = clone / ".configsvc.toml"
    file.write_text(f'[policy."{namespace}"]\nplain = ["log.level"]\n')
    shell = victim.but(**service.environ("writer", namespace))
    _trust(shell)
    shell.ok("put", "log.level", "-", given="info")
    assert service.admin().values.get_entry(namespace, "log.level").form == "plain"
    file.write_text(f'[policy."{namespace}"]\nplain = ["*"]\n')  # a pull request
    shell.ok("put", "db.url", "-", given=SECRET)
    assert service.admin().values.get_entry(namespace, "db.url").form == "envelope"
    shown = shell.run("trust").err
    assert f'- policy."{namespace}".plain = ["log.level"]' in shown
    assert f'+ policy."{namespace}".plain = ["*"]' in shown


def test_a_pattern_added_to_a_long_list_is_shown(victim: Shell, clone: Path) -> None:
    keys = [f"feature.number-{each}.enabled" for each in range(200)]
    file = clone / ".configsvc.toml"
    file.write_text(f'[policy."a"]\nplain = {json.dumps(keys)}\n')
    _trust(victim)
    file.write_text(f'[policy."a"]\nplain = {json.dumps([*keys[:90], "*", *keys[90:]])}\n')
    assert _changes(victim.run("trust").err) == ['+ policy.a.plain has "*"']


def test_a_new_order_of_a_long_list_is_told(victim: Shell, clone: Path) -> None:
    keys = [f"feature.number-{each}.enabled" for each in range(9)]
    for each in (keys, keys[::-1]):
        (clone / ".configsvc.toml").write_text(f'[policy."a"]\nplain = {json.dumps(each)}\n')
        told = victim.run("trust").err
        _trust(victim)
    assert (_changes(told), "Only the order of lists differs." in told) == ([], True)


def test_what_decides_most_is_shown_last_however_much_there_is(victim: Shell, clone: Path, listener: Listener) -> None:
    noise = "".join(f'[profiles.z{each}]\nregion = "eu-west-1"\n' for each in range(900))
    more = ", ".join(f'"feature.{each}.*"' for each in range(90))
    hostile(clone, listener, f'{noise}[policy."zz"]\nplain = ["*", {more}]\n')
    shown = _changes(victim.run("trust").err)
    assert shown[-1] == '+ policy.zz.plain has "*"'
    assert shown.index(f'+ url = "{listener.url}"') > shown.index('+ profiles.z9.region = "eu-west-1"')


def test_nothing_is_trusted_that_is_too_long_to_look_at(victim: Shell, clone: Path, listener: Listener) -> None:
    (clone / ".configsvc.toml").write_text(f'url = "{listener.url}/{"a" * 30_000}"\n')
    done = victim.run("trust")
    assert (done.code, "too long to check by eye" in done.err, "--hash" in done.err) == (2, True, False)


def test_a_table_that_takes_an_exec_list_away_says_so(victim: Shell, clone: Path) -> None:
    file = clone / ".configsvc.toml"
    file.write_text('[policy."pay.*"]\nplain = ["log.level"]\nexec = ["DB_*"]\n')
    _trust(victim)
    file.write_text(file.read_text() + '[policy."pay.prod"]\nplain = ["log.level"]\n')
    first, second = _changes(victim.run("trust").err)
    assert first == '+ policy."pay.prod".plain = ["log.level"]'
    assert second.startswith('+ policy."pay.prod" has no exec list: its namespaces may set every variable')


def _changes(told: str) -> list[str]:
    return [each for each in told.splitlines() if each[:2] in ("+ ", "- ")]


def _trust(shell: Shell) -> None:
    said = shell.run("trust").err
    hash_ = said.split("--hash ")[1].split()[0]
    assert json.loads(shell.ok("trust", "--hash", hash_, "-o", "json"))["trusted"] is True


@pytest.mark.parametrize("words", ["configsvc ", "configsvc get ", "configsvc put -", "configsvc --profile "])
def test_completion_sends_nothing(victim: Shell, clone: Path, listener: Listener, words: str) -> None:
    hostile(clone, listener)
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_CONFIGSVC_COMPLETE": "bash_complete"}
    victim.but(**asked).run()
    assert listener.connections == []
