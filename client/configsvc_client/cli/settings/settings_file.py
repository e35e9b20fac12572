"""What a settings file may say, checked file by file.

The project file, `.configsvc.toml`, is committed: it holds no secret and names no command to run, for whoever sends a
change to a repository could write it. The user file may name a command that prints the API key; it is run only for the
URL beside it, so that no project file makes the key go somewhere else.

    url = "https://host/stage"                    # CONFIGSVC_URL
    namespaces = ["payments.prod"]                # CONFIGSVC_NAMESPACES
    kms_keys = ["arn:aws:kms:…:key/…"]            # CONFIGSVC_KMS_KEYS
    region = "eu-central-1"                       # AWS_REGION
    aws_profile = "team"                          # AWS_PROFILE
    profile = "test"                              # the profile where none is asked for
    api_key_command = ["pass", "show", "config"]  # in the user file only
    [profiles.test]                               # the same members: they replace the ones above
    [policy."payments.*"]                         # in the project file only; see `configsvc_client.admin.read_policy`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from configsvc.model.errors import Misconfigured

PROJECT_FILE = ".configsvc.toml"

_VARIABLES = {
    "url": "CONFIGSVC_URL",
    "namespaces": "CONFIGSVC_NAMESPACES",
    "kms_keys": "CONFIGSVC_KMS_KEYS",
    "region": "AWS_REGION",
    "aws_profile": "AWS_PROFILE",
}
MEMBERS = {variable: member for member, variable in _VARIABLES.items()}
"""The member of a settings file that sets a variable."""

_COMMAND = "api_key_command"
_LISTS = frozenset({"namespaces", "kms_keys"})


class SettingsFile(NamedTuple):
    """A settings file that was read. `own` is the person's, which needs no trust; a project's may lack it."""

    path: str
    members: Mapping[str, Any]
    own: bool
    trusted: bool = True


class SettingsLayer(NamedTuple):
    """Variables from one source, and the command that prints the API key, if it names one.

    `trusted` is False where a file that is not trusted holds them. `path` is the file's, empty for the environment.
    """

    source: str
    variables: Mapping[str, str]
    api_key_command: tuple[str, ...] = ()
    trusted: bool = True
    path: str = ""


def check(file: SettingsFile) -> None:
    """Everything in a file, so far as it can be checked by itself.

    Raises:
        Misconfigured: it says what it may not.
    """
    for profile in (None, *get_profiles(file)):
        get_layer(file, profile)
    if "profile" in file.members:
        get_wanted_profile(file)
    if "policy" in file.members:
        from configsvc_client.admin import read_policy

        read_policy(file.members["policy"], file.path)


def get_wanted_profile(file: SettingsFile) -> str:
    """The profile that a file names where none is asked for.

    Raises:
        Misconfigured: it is not a text.
    """
    return _parse_text(file.path, "profile", file.members["profile"])


def get_profiles(file: SettingsFile) -> Mapping[str, Mapping[str, Any]]:
    """The members of each profile.

    Raises:
        Misconfigured: they are no tables.
    """
    found = file.members.get("profiles", {})
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise Misconfigured(f"{file.path}: profiles are tables, like [profiles.test].")
    return found


def get_layer(file: SettingsFile, profile: str | None = None) -> SettingsLayer:
    """The variables of a file, or of one of its profiles.

    Raises:
        Misconfigured: it says what it may not.
    """
    where, members, known = file.path, file.members, {*_VARIABLES, _COMMAND}
    if profile is None:
        known |= {"profile", "profiles", *(() if file.own else ("policy",))}
    else:
        where, members = f"profile {profile} in {file.path}", get_profiles(file)[profile]
    for name in members:
        if name == "api_key":
            raise Misconfigured(f"{where} holds an API key. Take it out and have it replaced: it is known now.")
        if name not in known:
            allowed = known if file.own else known - {_COMMAND}
            raise Misconfigured(f"{where} has an unknown setting: {name}. Known: {', '.join(sorted(allowed))}.")
    if isinstance(members.get("profile"), dict):  # as AWS's own files spell it
        raise Misconfigured(f"{where}: profiles are tables like [profiles.test], not [profile.test].")
    variables = {
        variable: _parse_text(where, name, members[name]) for name, variable in _VARIABLES.items() if name in members
    }
    return SettingsLayer(where, variables, _parse_command(file, where, members), file.trusted, file.path)


def _parse_command(file: SettingsFile, where: str, members: Mapping[str, Any]) -> tuple[str, ...]:
    if _COMMAND not in members:
        return ()
    if not file.own:
        raise Misconfigured(f"{where} may name no command to run. Set {_COMMAND} in your own config.toml.")
    if "url" not in members:
        raise Misconfigured(f"{where}: {_COMMAND} needs its url beside it; the key is sent nowhere else.")
    found = members[_COMMAND]
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise Misconfigured(f'{where}: {_COMMAND} must be a list of words, like ["pass", "show", "configsvc"].')
    return tuple(found)


def _parse_text(where: str, name: str, found: object) -> str:
    if name in _LISTS and isinstance(found, list) and all(isinstance(each, str) for each in found):
        return ",".join(found)
    if isinstance(found, str):
        return found
    raise Misconfigured(f"{where}: {name} must be {'a list of texts' if name in _LISTS else 'a text'}.")
