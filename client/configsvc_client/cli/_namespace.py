"""`configsvc namespace`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model.errors import NotFound
from configsvc.model.names import Namespace
from configsvc_client.cli import _group, _namespace_lift, _namespace_settings, _options, _output, _settings, _terminal

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


@click.group("namespace", cls=_group.Group)
def command() -> None:
    """Create, list, show, set, lift and delete namespaces."""


@command.command("create")
@_options.one_namespace
@click.argument("name", required=False)
@click.option(
    "--kms-key", metavar="ARN", help="KMS key that wraps the first data key; CONFIGSVC_KMS_KEYS where left out."
)
@click.option("--no-data-key", is_flag=True, help="Add none: for plain and kms values only.")
@click.option("--description", help="What it is for.")
def create(
    name: str | None, namespace: str | None, kms_key: str | None, description: str | None, *, no_data_key: bool
) -> None:
    """Create a namespace with its first data key. Done again, it adds what is missing."""
    target = _options.target(name or namespace)
    wrapping = None if no_data_key else _settings.kms_key(kms_key)
    admin = _settings.admin()
    # Made first and stored last: whom KMS refuses leaves no namespace behind.
    made = admin.make_data_key(target, wrapping) if wrapping else None
    created = admin.create_namespace(target, description=description)
    _terminal.say(f"{target}: {'created' if created else 'was there already'}")  # at once: adding the data key may fail
    kid = admin.store_data_key(target, made) if made and (created or not _has_data_key(admin, target)) else None
    done = {"namespace": target, "created": created, "kid": kid, "kms_key": wrapping if kid else None}
    if kid or _output.kind() == "json":
        _output.done(f"{target}: data key {kid} added under {wrapping}", done)


def _has_data_key(admin: Admin, namespace: Namespace) -> bool:
    """Whether there is one to seal under.

    Raises:
        NotFound: the API key may not read the namespace; says how to add one all the same.
    """
    try:
        return any(each.state == "live" for each in admin.data_keys(namespace))
    except NotFound:
        raise NotFound(
            f"Your API key may not see the data keys of {namespace}. If it has none, add one: "
            f"configsvc data-key add -n {namespace}"
        ) from None


@command.command("list")
@click.argument("prefix", default="")
def list_(prefix: str) -> None:
    """List the namespaces that your API key may read."""
    found = _settings.admin().namespaces(prefix)
    _output.table(("namespace", "description"), ((each.namespace, each.description) for each in found))


command.add_command(_namespace_settings.show)
command.add_command(_namespace_settings.set_)
command.add_command(_namespace_settings.delete)
command.add_command(_namespace_lift.lift)
