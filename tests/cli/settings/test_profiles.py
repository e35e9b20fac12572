from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.settings.profiles import resolve
from configsvc_client.cli.settings.settings_file import SettingsFile, check

URL = "https://one.example/api"
OTHER = "https://two.example/api"


def project(**members: object) -> SettingsFile:
    return SettingsFile("p/.configsvc.toml", members, own=False)


def own(**members: object) -> SettingsFile:
    return SettingsFile("u/config.toml", members, own=True)


def test_variables_win_over_the_project_file_which_wins_over_the_user_file() -> None:
    files = [project(url="p", region="p"), own(url="u", region="u", aws_profile="u")]
    found = resolve({"CONFIGSVC_URL": "e"}, files, None)
    assert {name: found.get(name) for name in ("CONFIGSVC_URL", "AWS_REGION", "AWS_PROFILE")} == {
        "CONFIGSVC_URL": "e",
        "AWS_REGION": "p",
        "AWS_PROFILE": "u",
    }
    assert found.settings["AWS_REGION"].source == "p/.configsvc.toml"


def test_a_variable_that_is_empty_is_not_set() -> None:
    assert resolve({"CONFIGSVC_URL": ""}, [project(url="p")], None).get("CONFIGSVC_URL") == "p"


@pytest.mark.parametrize(("environ", "members"), [({"CONFIGSVC_PROFILE": "test"}, {}), ({}, {"profile": "test"})])
def test_a_profile_from_a_variable_or_file_overrides_files_but_not_variables(
    environ: Mapping[str, str], members: Mapping[str, Any]
) -> None:
    file = project(url="p", region="p", profiles={"test": {"url": "t"}}, **members)
    found = resolve({"AWS_REGION": "e", **environ}, [file], None)
    assert (found.get("CONFIGSVC_URL"), found.get("AWS_REGION")) == ("t", "e")


def test_a_profile_from_a_flag_wins_over_variables() -> None:
    file = own(profiles={"test": {"url": "t"}})
    assert resolve({"CONFIGSVC_URL": "e"}, [file], "test").get("CONFIGSVC_URL") == "t"


def test_only_an_aws_profile_from_a_flag_overrides_the_keys_in_variables() -> None:
    file = own(profiles={"test": {"aws_profile": "team"}, "other": {"url": URL}})
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert set(resolve({**keys, "PATH": "/bin"}, [file], "test").settings) == {"AWS_PROFILE", "PATH"}
    assert set(resolve(keys, [file], "other").settings) == {*keys, "CONFIGSVC_URL"}
    assert set(keys) < set(resolve({**keys, "CONFIGSVC_PROFILE": "test"}, [file], None).settings)


def test_a_profile_that_is_not_trusted_takes_no_keys_away() -> None:
    shell = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "team"}
    file = project(profiles={"test": {"aws_profile": "team"}})._replace(trusted=False)
    assert set(resolve(shell, [file], "test").settings) == set(shell)


def test_a_profile_of_both_files_is_the_project_s_first() -> None:
    files = [project(profiles={"t": {"url": "p"}}), own(profiles={"t": {"url": "u", "region": "u"}})]
    found = resolve({}, files, "t")
    assert (found.get("CONFIGSVC_URL"), found.get("AWS_REGION")) == ("p", "u")


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="Known profiles: a, b"):
        resolve({}, [project(profiles={"b": {}, "a": {}})], "c")


def test_lists_are_joined_as_the_variables_are() -> None:
    found = resolve({}, [project(namespaces=["a", "b"], kms_keys="*")], None)
    assert (found.get("CONFIGSVC_NAMESPACES"), found.get("CONFIGSVC_KMS_KEYS")) == ("a,b", "*")


def test_the_api_key_command_runs_only_for_the_url_next_to_it() -> None:
    mine = own(url=URL, api_key_command=["pass", "key"])
    assert resolve({}, [mine], None).api_key_command == ("pass", "key")
    assert resolve({}, [project(url=f"{URL}/"), mine], None).api_key_command == ("pass", "key")
    assert resolve({}, [project(url=OTHER), mine], None).api_key_command == ()
    assert resolve({"CONFIGSVC_URL": OTHER}, [mine], None).api_key_command == ()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (project(api_key="x"), "contains an API key"),
        (own(api_key="x"), "contains an API key"),
        (project(url=URL, api_key_command=["x"]), "must not name a command"),
        (own(api_key_command=["x"]), "needs a url"),
        (own(url=URL, api_key_command="x"), "list of words"),
        (project(colour="red"), "unknown setting: colour"),
        (project(profiles={"a": {"profile": "b"}}, profile="a"), "unknown setting: profile"),
        (project(url=3), "url must be a string"),
        (project(profile={"a": {"url": "https://a"}}), r"tables such as \[profiles.test\], not"),
        (project(namespaces=[1]), "namespaces must be a list"),
        (project(profiles={"a": {"url": 3}}), "profile a in p/.configsvc.toml: url must be a string"),
        (project(profiles={"a": 1}, profile="a"), "profiles must be tables"),
    ],
)
def test_invalid_settings_of_a_file_are_refused_by_name(file: SettingsFile, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        check(file)
    if "profile" in file.members or "profiles" not in file.members:
        with pytest.raises(Misconfigured, match=says):
            resolve({}, [file], None)
