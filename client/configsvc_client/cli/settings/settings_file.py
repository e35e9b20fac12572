"""The members that a settings file may have, checked file by file.

The project file, `.configsvc.toml`, is committed. It holds no secret and names no command to run, because anyone who
sends a change to the repository could write it. The user file may name a command that prints the API key. The command
runs only for the URL next to it, so that no project file can send the key elsewhere.

    url = "https://host/stage"                    # CONFIGSVC_URL
    namespaces = ["payments.prod"]                # CONFIGSVC_NAMESPACES
    kms_keys = ["arn:aws:kms:…:key/…"]            # CONFIGSVC_KMS_KEYS
    region = "eu-central-1"                       # AWS_REGION
    aws_profile = "team"                          # AWS_PROFILE
    profile = "test"                              # the default profile
    api_key_command = ["pass", "show", "config"]  # only in the user file
    [profiles.test]                               # the same members, which replace the ones above
    [policy."payments.*"]                         # only in the project file; see `configsvc_client.admin.read_policy`
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
    """A settings file that was read. `own`: it is the user file, which is always trusted."""

    path: str
    members: Mapping[str, Any]
    own: bool
    trusted: bool = True


class SettingsLayer(NamedTuple):
    """Variables from one source, and the command that prints the API key, if the source names one.

    `trusted` is False if they come from an untrusted file. `path` is the file's, empty for the environment.
    """

    source: str
    variables: Mapping[str, str]
    api_key_command: tuple[str, ...] = ()
    trusted: bool = True
    path: str = ""


def check(file: SettingsFile) -> None:
    """Checks everything in a file that can be checked without other files.

    Raises:
        Misconfigured: the file is invalid.
    """
    for profile in (None, *get_profiles(file)):
        get_layer(file, profile)
    if "profile" in file.members:
        get_wanted_profile(file)
    if "policy" in file.members:
        from configsvc_client.admin import read_policy

        read_policy(file.members["policy"], file.path)


def get_wanted_profile(file: SettingsFile) -> str:
    """The default profile that a file names.

    Raises:
        Misconfigured: it is not a string.
    """
    return _parse_text(file.path, "profile", file.members["profile"])


def get_profiles(file: SettingsFile) -> Mapping[str, Mapping[str, Any]]:
    """The members of each profile.

    Raises:
        Misconfigured: they are not tables.
    """
    found = file.members.get("profiles", {})
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise Misconfigured(f"{file.path}: profiles must be tables, such as [profiles.test].")
    return found


def get_layer(file: SettingsFile, profile: str | None = None) -> SettingsLayer:
    """The variables of a file, or of one of its profiles.

    Raises:
        Misconfigured: the file is invalid.
    """
    where, members, known = file.path, file.members, {*_VARIABLES, _COMMAND}
    if profile is None:
        known |= {"profile", "profiles", *(() if file.own else ("policy",))}
    else:
        where, members = f"profile {profile} in {file.path}", get_profiles(file)[profile]
    for name in members:
        if name == "api_key":
            raise Misconfigured(
                f"{where} contains an API key, which must be treated as leaked. Remove it, and have it replaced."
            )
        if name not in known:
            allowed = known if file.own else known - {_COMMAND}
            raise Misconfigured(f"{where} has an unknown setting: {name}. Known: {', '.join(sorted(allowed))}.")
    if isinstance(members.get("profile"), dict):  # as in AWS's files
        raise Misconfigured(f"{where}: profiles must be tables such as [profiles.test], not [profile.test].")
    variables = {
        variable: _parse_text(where, name, members[name]) for name, variable in _VARIABLES.items() if name in members
    }
    return SettingsLayer(where, variables, _parse_command(file, where, members), file.trusted, file.path)


def _parse_command(file: SettingsFile, where: str, members: Mapping[str, Any]) -> tuple[str, ...]:
    if _COMMAND not in members:
        return ()
    if not file.own:
        raise Misconfigured(f"{where} must not name a command to run. Set {_COMMAND} in your own config.toml.")
    if "url" not in members:
        raise Misconfigured(f"{where}: {_COMMAND} needs a url next to it; the key is sent nowhere else.")
    found = members[_COMMAND]
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise Misconfigured(f'{where}: {_COMMAND} must be a list of words, such as ["pass", "show", "configsvc"].')
    return tuple(found)


def _parse_text(where: str, name: str, found: object) -> str:
    if name in _LISTS and isinstance(found, list) and all(isinstance(each, str) for each in found):
        return ",".join(found)
    if isinstance(found, str):
        return found
    raise Misconfigured(f"{where}: {name} must be {'a list of strings' if name in _LISTS else 'a string'}.")
