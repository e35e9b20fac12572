"""Resolves settings: which source wins. It decides on parsed files; `files` reads them.

    flag > CONFIGSVC_* variables > project file > user file

A project file takes full effect once it is trusted. Until then `Resolved.untrusted` names the variables that it
decides, and its policy allows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.settings.settings_file import (
    SettingsFile,
    SettingsLayer,
    get_layer,
    get_profiles,
    get_wanted_profile,
)

_ENVIRONMENT = "the environment"
_AWS_KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


class ResolvedSetting(NamedTuple):
    """A variable's text, and where it comes from."""

    text: str
    source: str

    @property
    def of_file(self) -> bool:
        """Whether a settings file sets it."""
        return self.source != _ENVIRONMENT


class Resolved(NamedTuple):
    """The settings in effect: each variable with its source, and the API key's command with the file that names it.

    `untrusted` names the variables that an untrusted project file decides. `policy` is the file's policy, trusted or
    not.
    """

    settings: Mapping[str, ResolvedSetting]
    api_key_command: tuple[str, ...] = ()
    command_source: str = ""
    untrusted: frozenset[str] = frozenset()
    policy: Mapping[str, Any] = MappingProxyType({})
    project: str = ""
    project_trusted: bool = True

    def get(self, name: str) -> str:
        """A variable's text; empty if it is not set."""
        return self.settings[name].text if name in self.settings else ""


def resolve(environ: Mapping[str, str], files: list[SettingsFile], profile: str | None) -> Resolved:
    """Resolves variables and files.

    An untrusted file decides every variable that would differ without it, even if it only hides another file's value.

    Args:
        environ: the process's variables.
        files: the project file and the user file, if they exist.
        profile: from the flag. It then wins over the variables, as flags do.

    Raises:
        Misconfigured: a file is invalid, or no file has the profile.
    """
    found = _decide(environ, files, profile)
    trusted = [each for each in files if each.trusted]
    if trusted == files:
        return found
    alone = _resolve_without(environ, trusted, profile)
    names = found.settings.keys() | alone.settings.keys()
    return found._replace(untrusted=frozenset(name for name in names if found.get(name) != alone.get(name)))


def _resolve_without(environ: Mapping[str, str], trusted: list[SettingsFile], profile: str | None) -> Resolved:
    """Resolves without the untrusted files, and without a profile that only they have."""
    wanted = _find_wanted_profile(environ, trusted, profile)
    if wanted.text and not any(wanted.text in get_profiles(each) for each in trusted):
        return _merge([_get_layer(environ), *(get_layer(each) for each in trusted)])
    return _decide(environ, trusted, profile)


def _decide(environ: Mapping[str, str], files: list[SettingsFile], profile: str | None) -> Resolved:
    base = [get_layer(each) for each in files]
    wanted = _find_wanted_profile(environ, files, profile)
    named = _list_named(files, wanted) if wanted.text else []
    if profile:
        found = _merge([*named, _drop_other_keys(_get_layer(environ), named), *base])
    else:
        found = _merge([_get_layer(environ), *_interleave(files, named, base)])
    project = next((each for each in files if not each.own), None)
    if project is None:
        return found
    policy = project.members.get("policy", {})
    return found._replace(policy=policy, project=project.path, project_trusted=project.trusted)


def _find_wanted_profile(environ: Mapping[str, str], files: list[SettingsFile], profile: str | None) -> ResolvedSetting:
    """The profile that a flag, a variable or the first file selects; empty without any."""
    if profile:
        return ResolvedSetting(profile, "--profile")
    if environ.get("CONFIGSVC_PROFILE"):
        return ResolvedSetting(environ["CONFIGSVC_PROFILE"], f"CONFIGSVC_PROFILE in {_ENVIRONMENT}")
    chooser = next((each for each in files if "profile" in each.members), None)
    if chooser is None:
        return ResolvedSetting("", "")
    return ResolvedSetting(get_wanted_profile(chooser), f"profile in {chooser.path}")


def resolve_environ(environ: Mapping[str, str]) -> Resolved:
    """Resolves without any settings file."""
    return _merge([_get_layer(environ)])


def _get_layer(environ: Mapping[str, str]) -> SettingsLayer:
    return SettingsLayer(_ENVIRONMENT, {name: text for name, text in environ.items() if text})


def _drop_other_keys(of_environ: SettingsLayer, named: list[SettingsLayer]) -> SettingsLayer:
    """The variables, without AWS keys if the profile names an AWS profile: they belong to another identity."""
    if not any("AWS_PROFILE" in each.variables for each in named if each.trusted):
        return of_environ
    left = {name: text for name, text in of_environ.variables.items() if name not in _AWS_KEYS}
    return of_environ._replace(variables=left)


def _interleave(
    files: list[SettingsFile], named: list[SettingsLayer], base: list[SettingsLayer]
) -> list[SettingsLayer]:
    """The layers in order: for each file first its profile, then its own members."""
    by_path = {each.path: each for each in named}
    pairs = [(by_path.get(file.path), below) for file, below in zip(files, base, strict=True)]
    return [layer for pair in pairs for layer in pair if layer]


def _merge(layers: list[SettingsLayer]) -> Resolved:
    found: dict[str, ResolvedSetting] = {}
    for layer in layers:
        for name, text in layer.variables.items():
            found.setdefault(name, ResolvedSetting(text, layer.source))
    url = found["CONFIGSVC_URL"].text if "CONFIGSVC_URL" in found else ""
    for layer in layers:
        if layer.api_key_command and _is_same(url, layer.variables.get("CONFIGSVC_URL", "")):
            return Resolved(found, layer.api_key_command, layer.source)
    return Resolved(found)


def _is_same(one: str, other: str) -> bool:
    return bool(one) and one.rstrip("/") == other.rstrip("/")


def _list_named(files: list[SettingsFile], profile: ResolvedSetting) -> list[SettingsLayer]:
    having = [each for each in files if profile.text in get_profiles(each)]
    if not having:
        known = sorted({name for each in files for name in get_profiles(each)})
        raise Misconfigured(
            f"No settings file has the profile {profile.text}, which {profile.source} selects. "
            f"Known profiles: {', '.join(known) or 'none'}."
        )
    return [get_layer(each, profile.text) for each in having]
