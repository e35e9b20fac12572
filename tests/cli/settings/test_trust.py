"""Trust in the parsed content of a project file, stored for this user."""

from __future__ import annotations

import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.admin import Policy, Protection
from configsvc_client.cli.settings import retired_data_keys
from configsvc_client.cli.settings.profiles import resolve
from configsvc_client.cli.settings.settings_file import SettingsFile
from configsvc_client.cli.settings.trust import TrustStore, canonicalize, compute_digest, parse_canonical, render_lines
from tests.support.cli.shell import Shell

TEXT = 'namespaces = ["a"]\n[policy."a.*"]\nplain = ["x"]\n'

_values = st.recursive(
    st.text() | st.integers() | st.booleans() | st.floats() | st.datetimes() | st.dates() | st.times(),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(), deeper, max_size=3),
    max_leaves=8,
)


def _spelt(value: object) -> object:
    """A form of the value in which == distinguishes types, and NaN equals itself."""
    if isinstance(value, dict):
        return ("dict", frozenset((name, _spelt(held)) for name, held in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(_spelt, value)))
    return (type(value).__name__, repr(value))


@given(st.dictionaries(st.text(), _values, max_size=4), st.dictionaries(st.text(), _values, max_size=4))
def test_only_equal_contents_share_a_canonical_form(one: dict[str, object], other: dict[str, object]) -> None:
    assert (canonicalize(one) == canonicalize(other)) == (_spelt(one) == _spelt(other))
    assert canonicalize(one) == canonicalize(dict(reversed(one.items())))


@pytest.mark.parametrize(
    "other",
    [
        "a = 1.0",
        "a = true",
        'a = "1"',
        "a = [1]",
        "a = 1979-05-27",
        "[a]",
        "[[a]]",
        "a = 07:32:00",
        'a = "0x1"',
        "A = 1",
    ],
)
def test_types_matter(other: str) -> None:
    assert canonicalize(tomllib.loads("a = 1")) != canonicalize(tomllib.loads(other))


def test_only_the_order_of_a_list_changes_the_canonical_form() -> None:
    one = canonicalize(tomllib.loads('a = 1\nb = ["x", "y"]\n[t]\nc = "z"'))
    assert one == canonicalize(tomllib.loads('# why\nt.c = \'z\'\nb = ["x",\n"y",]\na = 0x1'))
    assert one != canonicalize(tomllib.loads('a = 1\nb = ["y", "x"]\n[t]\nc = "z"'))


def test_content_is_shown_line_by_line_in_ascii() -> None:
    text = canonicalize(tomllib.loads('url = "h\u202e"\nn = 1\n[policy."a.*"]\nplain = ["x", "y"]\n[empty]'))
    assert render_lines(text) == ["[empty]", "n = 0x1 (int)", 'policy."a.*".plain = ["x", "y"]', 'url = "h\\u202e"']


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".configsvc.toml").write_text(TEXT)
    return tmp_path / "project"


@pytest.fixture
def person(project: Path) -> Shell:
    return Shell({"XDG_CONFIG_HOME": str(project.parent / "own")}, project)


def test_trust_is_asked_once_for_all_worktrees_and_branches(person: Shell, project: Path) -> None:
    done = person.on_terminal("trust", typed={"Trust it? [y/N]: ": "y"})
    assert (done.code, '+ policy."a.*".plain = ["x"]' in done.out) == (0, True)
    worktree = project.parent / "worktree"
    worktree.mkdir()
    (worktree / ".configsvc.toml").write_text("# elsewhere\n" + TEXT)
    assert "is already trusted" in Shell(person.environ, worktree).run("trust").err
    (project / ".configsvc.toml").write_text("")
    assert person.run("trust").code == 2
    (project / ".configsvc.toml").write_text(TEXT)  # back on the branch
    assert person.run("trust").code == 0


def test_what_is_trusted_is_kept_for_its_owner_alone(person: Shell, project: Path) -> None:
    person.on_terminal("trust", typed={"Trust it? [y/N]: ": "y"})
    folder = project.parent / "own" / "configsvc" / "trusted"
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_an_invalid_file_cannot_be_trusted(person: Shell, project: Path) -> None:
    for text in ("unknown = 1", "[profiles.a]\nunknown = 1", "[policy.a.b]", "namespaces = 1", "profile = 1"):
        (project / ".configsvc.toml").write_text(text)
        done = person.run("trust", "--hash", compute_digest(canonicalize(tomllib.loads(text))))
        assert (done.code, ".configsvc.toml" in done.err) == (2, True)


def test_in_ci_a_variable_trusts_the_project(person: Shell) -> None:
    done = person.but(CONFIGSVC_TRUST="yes").run("list")
    assert (done.code, "CONFIGSVC_TRUST has an unknown value. Set it to project" in done.err) == (2, True)


def test_without_a_home_trust_is_refused_with_the_reason(person: Shell) -> None:
    homeless = person.but(XDG_CONFIG_HOME="", HOME=".")
    done = homeless.run("trust", "--hash", compute_digest(canonicalize(tomllib.loads(TEXT))))
    assert (done.code, "HOME is not set" in done.err) == (2, True)


def test_a_broken_trust_store_or_one_others_can_write_is_ignored(tmp_path: Path) -> None:
    store, content = TrustStore(tmp_path / "trusted"), canonicalize(tomllib.loads(TEXT))
    store.keep(content, "p")
    file = tmp_path / "trusted" / f"{compute_digest(content)}.json"
    good = file.read_text()
    assert store.holds(content)
    for text in ("", "{", "[]", '{"content": 1, "path": "p"}', good.replace("x", "y"), "[" * 100_000):
        file.write_text(text)
        assert (store.holds(content), store.all()) == (False, [])
    file.write_text(good)
    file.chmod(0o620)
    assert not store.holds(content)
    file.chmod(0o600)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert not store.holds(content)
    file.unlink()
    os.mkfifo(file)
    assert not store.holds(content)


def test_who_trusts_at_the_same_time_loses_nothing(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "trusted")
    contents = [canonicalize({"n": number}) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: store.keep(each, "p"), [*contents, *contents]))
    assert all(map(store.holds, contents))
    assert len(list((tmp_path / "trusted").iterdir())) == len(contents)


def _file(*, trusted: bool, **members: object) -> SettingsFile:
    return SettingsFile("p/.configsvc.toml", members, own=False, trusted=trusted)


def test_a_setting_that_trusted_sources_share_is_not_untrusted() -> None:
    file = _file(trusted=False, url="u", region="r", aws_profile="p", kms_keys=["k"])
    own = SettingsFile("u/config.toml", {"region": "r", "aws_profile": "other"}, own=True)
    found = resolve({"CONFIGSVC_URL": "e"}, [file, own], None)
    assert found.untrusted == {"AWS_PROFILE", "CONFIGSVC_KMS_KEYS"}
    assert resolve({}, [file._replace(trusted=True), own], None).untrusted == set()


def test_a_profile_that_an_untrusted_file_chooses_or_holds_is_untrusted() -> None:
    own = SettingsFile("u/config.toml", {"url": "u", "profiles": {"t": {"url": "t"}}}, own=True)
    assert resolve({}, [_file(trusted=False, profile="t"), own], None).untrusted == {"CONFIGSVC_URL"}
    assert resolve({"CONFIGSVC_PROFILE": "t"}, [_file(trusted=False, profile="x"), own], None).untrusted == set()
    held = _file(trusted=False, profiles={"t": {"region": "r"}})
    for found in (resolve({}, [held, own], "t"), resolve({"CONFIGSVC_PROFILE": "t"}, [held, own], None)):
        assert found.untrusted == {"AWS_REGION"}


@pytest.mark.parametrize("chosen", ["", "reading"])
def test_an_untrusted_file_that_hides_the_user_s_profile_decides_the_settings(chosen: str) -> None:
    profiles = {"test": {"url": "https://t", "aws_profile": "test"}, "reading": {"namespaces": ["a"]}}
    own = SettingsFile("u", {"url": "https://prod", "profile": "test", "profiles": profiles}, own=True)
    hostile = SettingsFile("p", {"profile": chosen}, own=False, trusted=False)
    assert {"CONFIGSVC_URL", "AWS_PROFILE"} <= resolve({}, [hostile, own], None).untrusted
    assert resolve({}, [hostile._replace(trusted=True), own], None).untrusted == set()


def test_a_profile_only_in_an_untrusted_file_is_untrusted_not_an_error() -> None:
    own = SettingsFile("u", {"url": "https://u", "profile": "t"}, own=True)
    hostile = SettingsFile("p", {"profiles": {"t": {"region": "r"}}}, own=False, trusted=False)
    assert resolve({}, [hostile, own], None).untrusted == {"AWS_REGION"}


def test_an_untrusted_file_s_policy_allows_nothing_and_still_forbids() -> None:
    kids = frozenset({"A" * 43})
    policy = Policy({"a": Protection(("x",), ("y",), ("Z",), kids), "b": Protection(("x",))}).untrusted()
    assert policy == Policy({"a": Protection(exec=(), retired_kids=kids), "b": Protection()})


def test_of_policies_that_were_trusted_before_only_well_formed_retired_kids_count() -> None:
    one, other = "A" * 43, "E" * 43
    found = retired_data_keys.make_policy([
        {"a.*": {"plain": ["*"], "kms": ["*"], "exec": ["*"], "retired_kids": [one, "no kid", 7]}},
        {"a.*": {"retired_kids": [other]}, "no pattern!": {"retired_kids": [one]}, "b": {"retired_kids": "*"}, "c": 1},
        None, [], "text",
    ])  # fmt: skip
    assert found == Policy({"a.*": Protection(retired_kids=frozenset([one, other]))})
    assert found.retired_kids("a.b") == {one, other}
    assert found.retired_kids("b") == frozenset()
    widened = Policy({"a.*": Protection(exec=()), "a.b": Protection(("x",))}).and_retired(found)
    assert widened.of("a.b") == Protection(("x",))
    assert widened.retired_kids("a.b") == {one, other}


def test_a_canonical_form_is_read_back() -> None:
    members = tomllib.loads('[policy."a.*"]\nretired_kids = ["x"]\nplain = []\n')
    assert parse_canonical(canonicalize(members)) == members
