"""Finds where the settings that an error names come from, so that users correct the right place.

One mechanism serves every error: texts name a setting by its variable, and this module adds which source set it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import click
from click.core import ParameterSource

from configsvc.model.errors import ConfigsvcError, NotFound, Unavailable
from configsvc_client.cli.settings import composition
from configsvc_client.cli.settings.profiles import Resolved, ResolvedSetting, resolve_environ
from configsvc_client.cli.settings.settings_file import MEMBERS

_NAMES = re.compile(r"\b(?:CONFIGSVC|AWS|SSL_CERT)_[A-Z0-9_]*[A-Z0-9]\b|\bHTTPS_PROXY\b")
_WITHIN = frozenset({"key", "keys", "version", "kid", "revision"})
"""Members of a NotFound about something within an existing namespace."""

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
"""The variables that select a secret access key; the first that is set wins."""

_ADDRESS = re.compile(r"https?://[^ ]+")
_URLS = ("CONFIGSVC_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL")


def note_origins(error: Exception, lines: Iterable[str]) -> None:
    """Adds notes to an error that say where each setting comes from that its text names or that caused it.

    Args:
        error: the error that ends the command.
        lines: its lines, as the user sees them.
    """
    for each in dict.fromkeys([*_list_of_text(" ".join(lines)), *_list_of_option(error), *_list_of_cause(error)]):
        error.add_note(each)


def list_origins(text: str) -> list[str]:
    """A line for each setting that a text names and that is set."""
    return _list_of_text(text)


def _list_of_text(text: str) -> list[str]:
    named = dict.fromkeys(_NAMES.findall(text))
    if not named:
        return []
    found = _resolve()
    used = [name for name in _CREDENTIALS if "secret access key" in text and name in found.settings][:1]
    return _render_lines(found, [*used, *(name for name in named if name not in used)])


def _render_lines(found: Resolved, named: Iterable[str]) -> list[str]:
    spelled = ["https_proxy" if name == "HTTPS_PROXY" and "https_proxy" in found.settings else name for name in named]
    lines = [_render_line(name, found.settings[name]) for name in spelled if name in found.settings]
    if "CONFIGSVC_API_KEY" in named and "CONFIGSVC_API_KEY" not in found.settings and found.command_source:
        lines.append(f"CONFIGSVC_API_KEY comes from api_key_command in {found.command_source}.")
    return lines


def _render_line(name: str, setting: ResolvedSetting) -> str:
    member = MEMBERS.get(name)
    where = f"{member} in {setting.source}" if member and setting.of_file else setting.source
    return f"{name} comes from {where}."


def _list_of_option(error: Exception) -> list[str]:
    """The origin of an option's wrong value that a variable set: click names only the option."""
    if not isinstance(error, click.BadParameter) or not error.ctx or not isinstance(error.param, click.Option):
        return []
    option = error.param
    if not option.name or error.ctx.get_parameter_source(option.name) is not ParameterSource.ENVIRONMENT:
        return []
    return [f"The value of {option.opts[-1]} comes from {option.envvar} in the environment."]


def _list_of_cause(error: Exception) -> list[str]:
    """The origin of a value that the error names: an unreachable address, or a namespace that does not exist."""
    match error:
        case Unavailable():
            found = _resolve()
            asked = _ADDRESS.findall(error.detail)
            return _render_lines(
                found, [name for name in _URLS if any(_is_same_origin(found.get(name), each) for each in asked)]
            )
        case NotFound() if any(_is_named(error.detail, each) for each in composition.get_inherited_namespaces()):
            return _list_of_text("CONFIGSVC_NAMESPACES") if error.members.keys().isdisjoint(_WITHIN) else []
    return []


def _is_same_origin(url: str, origin: str) -> bool:
    """Whether a URL has that scheme, host and port: `http://h:80` is not the origin of `http://h:8080`."""
    return url == origin or url.startswith((f"{origin}/", f"{origin}?"))


def _is_named(text: str, namespace: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(namespace)}(?![\w-]|\.\w)", text) is not None


def _resolve() -> Resolved:
    """The settings in effect; only the environment if the settings files cause the error."""
    try:
        return composition.resolve()
    except (ConfigsvcError, OSError):
        return resolve_environ(os.environ)
