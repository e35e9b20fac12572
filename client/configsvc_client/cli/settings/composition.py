"""The composition root of the command line: from variables and settings files to an `Admin`."""

from __future__ import annotations

import os
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
"""Settings that an untrusted file must not decide: where the API key is sent, and for which keys values are sealed."""


def resolve() -> Resolved:
    """Resolves flags, variables and settings files, without the API key; read once per command.

    Raises:
        Misconfigured: a file is invalid, the profile does not exist, or an untrusted project file decides where
            something is sent or for which keys it is sealed.
    """
    from configsvc_client.cli.settings.files import read_files
    from configsvc_client.cli.settings.profiles import resolve as decide

    meta = click.get_current_context().meta
    if _META not in meta:
        meta[_META] = _check_resolved(decide(os.environ, read_files(os.environ), common.get_given("profile")))
    found: Resolved = meta[_META]
    return found


def get_inherited_namespaces() -> list[str]:
    """The namespaces of CONFIGSVC_NAMESPACES, from any source, without those that were typed for this command.

    Empty where the settings cannot be read.
    """
    try:
        text = resolve().get("CONFIGSVC_NAMESPACES")
    except (Misconfigured, OSError):
        return []
    typed = click.get_current_context().meta.get(_TYPED, ())
    return [each for each in split_list(text) if each not in typed]


def note_typed(namespace: str) -> None:
    """Records that a namespace was typed as an argument or option, so no error blames a setting for it."""
    click.get_current_context().meta.setdefault(_TYPED, set()).add(namespace)


def resolve_trusted() -> Resolved:
    """Resolves as `resolve` does, but without an untrusted project file: for commands that propose settings.

    Raises:
        Misconfigured: as `resolve`.
    """
    from configsvc_client.cli.settings.files import read_files
    from configsvc_client.cli.settings.profiles import resolve as decide

    return decide(os.environ, [each for each in read_files(os.environ) if each.trusted], common.get_given("profile"))


def _check_resolved(found: Resolved) -> Resolved:
    stopping = sorted(found.untrusted & _STOPPING)
    if stopping:
        named = ", ".join(stopping)
        raise Misconfigured(
            f"Nothing was sent: {found.project} decides {named}, but you have not trusted this file. To review and "
            f"trust it: configsvc trust. Or set {named} yourself."
        )
    return found


def forget() -> None:
    """Forgets the settings, so that they are read again on next use."""
    click.get_current_context().meta.pop(_META, None)


def get_environ() -> dict[str, str]:
    """The variables in effect, including the API key.

    Raises:
        Misconfigured: as `resolve`, or the source of the API key failed.
    """
    from configsvc_client.cli.settings.api_key import find_api_key

    found = resolve()
    key, _ = find_api_key(found)
    return {name: each.text for name, each in found.settings.items()} | ({"CONFIGSVC_API_KEY": key} if key else {})


def open_admin() -> Admin:
    """Opens the write side as configured, until the command ends. Sends nothing yet.

    Raises:
        Misconfigured: lists everything that is missing.
    """
    return _make_admin(get_environ())


def open_admins() -> list[Admin]:
    """Opens as `open_admin` does, once for each API key, each using only its own.

    Raises:
        Misconfigured: as `open_admin`.
    """
    found = get_environ()
    keys = parse_api_keys(Secret(found.get("CONFIGSVC_API_KEY", "")))
    return [_make_admin(found | {"CONFIGSVC_API_KEY": each.reveal()}) for each in keys]


def _make_admin(variables: dict[str, str]) -> Admin:
    from configsvc_client.admin import from_environ

    log = log_exchange if common.get_given("debug") else None
    return click.get_current_context().with_resource(from_environ(variables, log, policy=get_policy()))


def get_exec_list(namespace: str) -> tuple[str, ...] | None:
    """The variables that a namespace may set; None without a list.

    An empty list if the project file is not trusted. Otherwise a change to the file would lift the trusted list, since
    the changed file does not count until it is trusted.

    Raises:
        Misconfigured: as `resolve`.
    """
    return get_policy().of(namespace).exec if resolve().project_trusted else ()


def get_policy() -> Policy:
    """The protection policy of the project file. Until the file is trusted, the policy allows nothing.

    Without a trusted file, the data keys that the user knew as retired stay retired. Otherwise a change to the file, or
    another folder, could bring a leaked one back.

    Raises:
        Misconfigured: as `resolve`.
    """
    from configsvc_client.admin import read_policy
    from configsvc_client.cli.settings import retired_data_keys

    found = resolve()
    read = read_policy(found.policy, found.project)
    if found.project and found.project_trusted:
        return read
    return read.untrusted().and_retired(retired_data_keys.make_policy(retired_data_keys.read_trusted_before()))


def get_pins(found: Resolved | None = None) -> list[str]:
    """The KMS keys of CONFIGSVC_KMS_KEYS."""
    return split_list((found or resolve()).get("CONFIGSVC_KMS_KEYS"))


def choose_kms_key(given: str | None) -> str:
    """The KMS key that wraps a new data key: as passed, or CONFIGSVC_KMS_KEYS if it is a single ARN.

    Raises:
        Misconfigured: no key is known, or it is not the ARN of a key.
    """
    only = get_pins()[0] if len(get_pins()) == 1 and get_pins() != ["*"] else ""
    chosen = only if given is None else given
    if given is None and not only:
        raise Misconfigured(
            "No KMS key is set to wrap the data key. Pass --kms-key ARN, or set CONFIGSVC_KMS_KEYS to one ARN."
        )
    from configsvc_client._pin import is_key_arn

    if not is_key_arn(chosen):
        name = "CONFIGSVC_KMS_KEYS" if given is None else "--kms-key"
        raise Misconfigured(f"{name} must be the ARN of a key (arn:aws:kms:…:key/…), not an alias or an ID.")
    return chosen


def log_exchange(exchange: Exchange) -> None:
    """Logs a request as one line on stderr."""
    status = exchange.status or "no answer"
    line = f"{exchange.method} {exchange.route} {status} {exchange.seconds * 1000:.0f} ms {exchange.correlation_id}"
    terminal.say(f"configsvc: {line}".rstrip())
