"""The composition root of the command line: from variables and settings files to an `Admin`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Misconfigured
from configsvc_client._secret import Secret
from configsvc_client._setting_parsers import parse_api_keys, split_list
from configsvc_client.cli import common
from configsvc_client.cli.output import terminal
from configsvc_client.cli.settings.profiles import Resolved

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Exchange, Policy


_META = "configsvc.resolved"
_TYPED = "configsvc.typed"
_STOPPING = frozenset({"CONFIGSVC_URL", "CONFIGSVC_KMS_KEYS", "AWS_REGION", "AWS_PROFILE"})
"""What an untrusted file may not decide: where the API key goes, and whom values are sealed for."""


def resolve() -> Resolved:
    """What counts of flags, variables and settings files, without the API key; read once for a command.

    Raises:
        Misconfigured: a file says what it may not, the profile is nowhere, or a project file that is not trusted
            decides where something is sent or whom it is sealed for.
    """
    from configsvc_client.cli.settings.files import read_files
    from configsvc_client.cli.settings.profiles import resolve as decide

    meta = click.get_current_context().meta
    if _META not in meta:
        meta[_META] = _check_resolved(decide(os.environ, read_files(os.environ), common.get_given("profile")))
    found: Resolved = meta[_META]
    return found


def get_inherited_namespaces() -> list[str]:
    """The namespaces of CONFIGSVC_NAMESPACES, whatever set it, without those that were typed for this command.

    Empty where the settings cannot be read.
    """
    try:
        text = resolve().get("CONFIGSVC_NAMESPACES")
    except (Misconfigured, OSError):
        return []
    typed = click.get_current_context().meta.get(_TYPED, ())
    return [each for each in split_list(text) if each not in typed]


def note_typed(namespace: str) -> None:
    """Keep that a namespace was typed, as an argument or an option: no setting is to blame for it."""
    click.get_current_context().meta.setdefault(_TYPED, set()).add(namespace)


def resolve_trusted() -> Resolved:
    """As `resolved`, but without a project file that is not trusted: for what proposes settings.

    Raises:
        Misconfigured: as `resolved`.
    """
    from configsvc_client.cli.settings.files import read_files
    from configsvc_client.cli.settings.profiles import resolve as decide

    return decide(os.environ, [each for each in read_files(os.environ) if each.trusted], common.get_given("profile"))


def _check_resolved(found: Resolved) -> Resolved:
    stopping = sorted(found.untrusted & _STOPPING)
    if stopping:
        raise Misconfigured(
            f"{found.project} decides {', '.join(stopping)}, and you have not trusted it. Look at it with: "
            "configsvc trust. Or set those variables yourself. Nothing was sent."
        )
    return found


def forget() -> None:
    """Read the settings again when they are next asked for."""
    click.get_current_context().meta.pop(_META, None)


def get_environ() -> dict[str, str]:
    """The variables as they count, the API key included.

    Raises:
        Misconfigured: as `resolved`, or what prints the API key failed.
    """
    from configsvc_client.cli.settings.api_key import find_api_key

    found = resolve()
    key, _ = find_api_key(found)
    return {name: each.text for name, each in found.settings.items()} | ({"CONFIGSVC_API_KEY": key} if key else {})


def open_admin() -> Admin:
    """The write side, as variables and files describe it, until the command ends. Nothing is sent yet.

    Raises:
        Misconfigured: names everything that is missing.
    """
    return _make_admin(get_environ())


def open_admins() -> list[Admin]:
    """As `admin`, one for each API key that is set, which uses that one alone.

    Raises:
        Misconfigured: as `admin`.
    """
    found = get_environ()
    keys = parse_api_keys(Secret(found.get("CONFIGSVC_API_KEY", "")))
    return [_make_admin(found | {"CONFIGSVC_API_KEY": each.reveal()}) for each in keys]


def _make_admin(variables: dict[str, str]) -> Admin:
    from configsvc_client.admin import from_environ

    told = _make_logger() if common.get_given("debug") else None
    return click.get_current_context().with_resource(from_environ(variables, told, policy=get_policy()))


def get_exec_list(namespace: str) -> tuple[str, ...] | None:
    """The variables that a namespace may set; None without a list.

    An empty list where the project file is not trusted: whoever sends a change of it would otherwise widen a list that
    was trusted before, by making it count for nothing.

    Raises:
        Misconfigured: as `resolved`.
    """
    return get_policy().of(namespace).exec if resolve().project_trusted else ()


def get_policy() -> Policy:
    """The protection policy in force: that of the project file. Until it is trusted, it allows nothing.

    Where no trusted file counts, the data keys that this person knew to be retired stay retired: else whoever changes
    the file would bring a leaked one back, as would another folder.

    Raises:
        Misconfigured: as `resolved`.
    """
    from configsvc_client.admin import read_policy
    from configsvc_client.cli.settings import retired_data_keys

    found = resolve()
    read = read_policy(found.policy, found.project)
    if found.project and found.project_trusted:
        return read
    return read.untrusted().and_retired(retired_data_keys.make_policy(retired_data_keys.read_trusted_before()))


def _make_logger() -> Callable[[Exchange], None]:

    return log_exchange


def get_pins(found: Resolved | None = None) -> list[str]:
    """The KMS keys of CONFIGSVC_KMS_KEYS."""
    return split_list((found or resolve()).get("CONFIGSVC_KMS_KEYS"))


def choose_kms_key(given: str | None) -> str:
    """The KMS key to wrap a new data key with: as given, or CONFIGSVC_KMS_KEYS when it is one ARN.

    Raises:
        Misconfigured: it is not known, or not the ARN of a key.
    """
    only = get_pins()[0] if len(get_pins()) == 1 and get_pins() != ["*"] else ""
    chosen = only if given is None else given
    if given is None and not only:
        raise Misconfigured(
            "Say which KMS key wraps the data key: --kms-key ARN, or set CONFIGSVC_KMS_KEYS to one ARN."
        )
    from configsvc_client._pin import is_key_arn

    if not is_key_arn(chosen):
        name = "CONFIGSVC_KMS_KEYS" if given is None else "--kms-key"
        raise Misconfigured(f"{name} takes the ARN of a key (arn:aws:kms:…:key/…), not an alias or an id.")
    return chosen


def log_exchange(exchange: Exchange) -> None:
    """One line on stderr."""
    status = exchange.status or "no answer"
    told = f"{exchange.method} {exchange.route} {status} {exchange.seconds * 1000:.0f} ms {exchange.correlation_id}"
    terminal.say(f"configsvc: {told}".rstrip())
