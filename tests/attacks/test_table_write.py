"""Somebody who can write the table marks keys plain, and waits for the next secret. They have no other right.

What the writer's own settings say decides how a value is stored; an answer of the service never does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.change_set import Activate
from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc.model.snapshot import Form
from configsvc_client._setting_parsers import parse_key_patterns
from configsvc_client.admin import Policy, Protection, from_environ, make_draft
from configsvc_client.admin.sealing.protection import FormRules
from tests.support.admin.loopback import Loopback
from tests.support.attacks.marker import PLANTED, Marker
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

SECRET = "canary-3e90fa"
OLD = "was sealed"


@pytest.fixture
def thief(service: Loopback, namespace: str) -> Marker:
    """After the table was stolen: `db.url` was sealed, and is marked plain."""
    service.admin().values.put(namespace, "db.url", OLD)
    made = Marker(service.table, namespace)
    made.mark_plain("db.url")
    return made


@pytest.fixture
def writer(service: Loopback, namespace: str, tmp_path: Path) -> Shell:
    """Who knows nothing of it, with an editor that writes the new secret."""
    editor = tmp_path / "editor.py"
    editor.write_text(f"import sys; open(sys.argv[1], 'w').write({SECRET!r})")
    environ = service.environ("owner", namespace)
    return Shell({**environ, "EDITOR": f"{sys.executable} {editor}", "HOME": str(tmp_path)}, tmp_path)


WRITES: dict[str, tuple[str, ...]] = {
    "put": ("put", "db.url", "-"),
    "edit": ("edit", "db.url"),
    "import": ("import", "-", "-f", "dotenv"),
    "import --atomic": ("import", "-", "-f", "dotenv", "--atomic"),
}


@pytest.mark.parametrize("arguments", WRITES.values(), ids=WRITES)
def test_no_command_follows_the_mark_and_each_says_what_to_do(
    writer: Shell, thief: Marker, namespace: str, arguments: tuple[str, ...]
) -> None:
    text = f"db.url={SECRET}" if arguments[0] == "import" else SECRET
    done = writer.run(*arguments, "--yes", given=text)
    assert (done.code, SECRET in thief.sees(), SECRET in done.err) == (2, False, False)
    for says in ("--seal", "--plain", f'[policy."{namespace}"]', 'plain = ["db.url"]'):
        assert says in done.err


@pytest.mark.parametrize("arguments", WRITES.values(), ids=WRITES)
def test_sealing_is_what_an_option_does(
    writer: Shell, thief: Marker, service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    text = f"db.url={SECRET}" if arguments[0] == "import" else SECRET
    seal = ("--seal", "*") if arguments[0] == "import" else ("--seal",)
    assert writer.run(*arguments, *seal, given=text).code == 0
    assert SECRET not in thief.sees()
    assert service.admin().values.get(namespace, "db.url").data == SECRET.encode()


def test_a_person_is_asked_and_may_seal(writer: Shell, thief: Marker, service: Loopback, namespace: str) -> None:
    done = writer.on_terminal("edit", "db.url", typed={"plain, quit)": "seal"})
    assert (done.code, service.admin().values.get_entry(namespace, "db.url").form) == (0, "envelope")
    assert SECRET not in thief.sees()
    thief.mark_plain("db.url")
    assert writer.on_terminal("edit", "db.url", typed={"plain, quit)": "quit"}).code == 2


def test_a_secret_cannot_hide_among_settings_marked_plain(
    writer: Shell, thief: Marker, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "log.level", "info", form="plain")
    (tmp_path / "prod.env").write_text(f"db.url={SECRET}\nlog.level=debug\n")
    typed = {
        "db.url is served in the clear": "seal", "log.level is served in the clear": "plain", "This replaces 2": "y",
    }  # fmt: skip
    assert writer.on_terminal("import", "prod.env", typed=typed).code == 0
    assert {each.key: each.form for each in service.admin().values.get_snapshot(namespace).entries} == {
        "db.url": "envelope", "log.level": "plain",
    }  # fmt: skip
    assert SECRET not in thief.sees()


@pytest.mark.usefixtures("thief")
def test_copy_seals_marked_sources_and_refuses_marked_targets(writer: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    writer.ok("copy", "--all", "--to", other)
    assert service.admin().values.get_entry(other, "db.url").form == "envelope"
    there = Marker(service.table, other)
    there.mark_plain("db.url", "of the target")
    service.admin().values.put(namespace, "db.url", SECRET)
    done = writer.run("copy", "--all", "--to", other)
    assert (done.code, "--seal" in done.err, SECRET in there.sees()) == (2, True, False)


@pytest.mark.parametrize(
    "arguments", [("rollback", "db.url"), ("rollback", "db.url", "--to-version", "1"), ("activate", "db.url", "1")]
)
def test_a_planted_version_does_not_replace_a_sealed_one(
    writer: Shell, service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    admin = service.admin()
    for value in (OLD, SECRET):
        admin.values.put(namespace, "db.url", value)
    Marker(service.table, namespace).plant("db.url", 1)
    done = writer.run(*arguments, "--yes")
    assert (done.code, "--declassify" in done.err) == (2, True)
    assert admin.values.get(namespace, "db.url").data == SECRET.encode()
    assert writer.on_terminal(*arguments, typed={"in the clear? [y/N]: ": "n"}).code == 1
    assert admin.values.get(namespace, "db.url").version == 2
    assert writer.run(*arguments, "--declassify").code == 0
    assert admin.values.get(namespace, "db.url").data == PLANTED.encode()


def test_a_rollback_of_the_namespace_serves_no_planted_version_unasked(
    writer: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "db.url", OLD)
    revision = str(admin.namespaces.get(namespace)["revision"])
    admin.values.put(namespace, "db.url", SECRET)
    Marker(service.table, namespace).plant("db.url", 1)
    done = writer.run("rollback", "--to-revision", revision, "--yes")
    assert (done.code, admin.values.get(namespace, "db.url").version) == (2, 2)
    assert writer.run("rollback", "--to-revision", revision, "--yes", "--declassify").code == 0


def test_a_rollback_revives_no_planted_version_of_a_deleted_key(
    writer: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    for value in (OLD, SECRET):
        admin.values.put(namespace, "db.url", value)
    revision = str(admin.namespaces.get(namespace)["revision"])
    admin.values.delete(namespace, "db.url")
    Marker(service.table, namespace).plant("db.url", 2)
    done = writer.run("rollback", "--to-revision", revision, "--yes")
    assert (done.code, "--declassify" in done.err, "db.url" in admin.values.get_all(namespace)) == (2, True, False)
    assert writer.run("activate", "db.url", "2", "--yes").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "db.url", "-", "--plain"),
        ("edit", "db.url", "--plain"),
        ("import", "-", "-f", "dotenv", "--plain", "*"),
        ("copy", "other", "--as", "db.url", "--plain", "*", "--declassify"),
        ("activate", "db.url", "1", "--declassify"),
        ("rollback", "db.url", "--to-version", "1", "--declassify"),
    ],
)
def test_no_command_stores_a_must_seal_key_in_the_clear(
    writer: Shell, service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    admin = service.admin()
    for key, value in (("db.url", OLD), ("db.url", "newer"), ("other", SECRET)):
        admin.values.put(namespace, key, value)
    thief = Marker(service.table, namespace)
    thief.plant("db.url", 1)
    strict = writer.but(CONFIGSVC_SEALED_KEYS="db.*")
    done = strict.run(*arguments, given=f"db.url={SECRET}" if arguments[0] == "import" else SECRET)
    assert (done.code, "CONFIGSVC_SEALED_KEYS" in done.err) == (2, True)
    assert (admin.values.get(namespace, "db.url").data, SECRET in thief.sees()) == (b"newer", False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "db.url"), ("export",), ("exec", "--only", "db.*", "--", "env"), ("copy", "db.url", "--as", "other"),
        ("edit", "db.url"),
    ],
)  # fmt: skip
def test_no_command_reads_a_must_seal_key_in_the_clear(
    writer: Shell, thief: Marker, service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    strict = writer.but(CONFIGSVC_SEALED_KEYS="db.*")
    done = strict.run(*arguments)
    assert (done.code != 0, "CONFIGSVC_SEALED_KEYS" in done.err, PLANTED in done.out) == (True, True, False)
    strict.ok("put", "db.url", "-", given=SECRET)
    assert service.admin().values.get(namespace, "db.url").data == SECRET.encode()
    assert SECRET not in thief.sees()


def test_code_stores_in_the_clear_only_on_request(service: Loopback, thief: Marker, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "db.url", SECRET)
    thief.mark_plain("db.url")
    admin.change_sets.apply(namespace, [make_draft("db.url", SECRET)])
    thief.mark_plain("db.url")
    assert all(each.error is None for each in admin.change_sets.store(namespace, [make_draft("db.url", SECRET)]))
    assert SECRET not in thief.sees()
    thief.plant("db.url", 1)
    with pytest.raises(Unprocessable, match="declassify"):
        admin.values.activate(namespace, "db.url", 1)
    with pytest.raises(Unprocessable, match="declassify"):
        admin.change_sets.apply(namespace, [Activate(names.parse_key("db.url"), 1)])
    with pytest.raises(Unprocessable, match="declassify"):
        admin.rollback.roll_back(namespace, "db.url", version=1)
    assert admin.values.activate(namespace, "db.url", 1, declassify=True).versions == {"db.url": 1}


def test_in_code_a_policy_decides_for_the_namespace_that_is_written_to(service: Loopback, namespace: str) -> None:
    policy = Policy({namespace: Protection(plain=("limits.*",), kms=("limits.by_kms",))})
    environ = service.environ("writer") | {"CONFIGSVC_SEALED_KEYS": "limits.strict"}
    other = service.namespace(f"{namespace}.other")
    with from_environ(environ, policy=policy) as admin:
        for key in ("limits.daily", "limits.by_kms", "db.url"):
            admin.values.put(namespace, key, "1")
        admin.values.put(namespace, "limits.seal", "1", form="envelope")
        admin.values.put(other, "limits.daily", "1")
        with pytest.raises(Misconfigured, match="CONFIGSVC_SEALED_KEYS"):
            admin.values.put(namespace, "limits.strict", "1")
        forms = {each.key: each.form for each in admin.values.get_snapshot(namespace).entries}
        assert forms == {
            "limits.daily": "plain", "limits.by_kms": "kms", "db.url": "envelope", "limits.seal": "envelope",
        }  # fmt: skip
        assert admin.values.get_entry(other, "limits.daily").form == "envelope"


_keys = st.sampled_from(["a", "a.b", "b"])
_patterns = st.lists(st.sampled_from(["a", "a.*", "b", "*"]), max_size=3).map(tuple)
_forms = st.sampled_from([None, "envelope", "plain", "kms"])


@given(_keys, _forms, _patterns, _patterns, _patterns)
def test_precedence(
    key: str, asked: Form | None, sealed: tuple[str, ...], plain: tuple[str, ...], kms: tuple[str, ...]
) -> None:
    rules = FormRules(Policy({"ns": Protection(plain, kms)}), parse_key_patterns(sealed))

    def has(patterns: tuple[str, ...]) -> bool:
        return any(each in ("*", key) or (each == "a.*" and key == "a.b") for each in patterns)

    wanted = asked or ("kms" if has(kms) else "plain" if has(plain) else "envelope")
    if wanted == "plain" and has(sealed):
        with pytest.raises(Misconfigured):
            rules.form("ns", key, asked)
        return
    assert rules.form("ns", key, asked) == wanted
    assert rules.form("other", key, None if asked == "plain" and has(sealed) else asked) == (asked or "envelope")
    named: Callable[[], Form | None] = lambda: rules.named("ns", key, asked)  # noqa: E731
    assert (named() is None) == (asked is None and not has(kms) and not has(plain) and not has(sealed))
