"""Create, list, show, change, lift and delete namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Conflict, NotFound
from configsvc.model.names import Namespace
from configsvc_client.cli import _group, _namespace_lift, _namespace_settings, _options, _output, _settings, _terminal

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, StoredDataKey


@click.group(cls=_group.Group, help=__doc__)
def command() -> None:
    pass


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
    """Create a namespace with its first data key.

    A namespace that exists keeps its settings; a data key is added only if it has none. A different description or KMS
    key is refused: change them with `configsvc namespace set` and `configsvc data-key rewrap`. One that was deleted
    comes back with its versions and data keys.
    """
    target = _options.target(_options.either(name, namespace))
    wrapping = None if no_data_key else _settings.kms_key(kms_key)
    admin = _settings.admin()
    # Made first and stored last: whom KMS refuses leaves no namespace behind.
    made = admin.data_keys.make(target, wrapping) if wrapping else None
    created = admin.namespaces.create(target)  # without settings, which would replace those of one that exists
    if created and description:
        admin.namespaces.create(target, description=description)
    if created:
        held = _left(admin, target, wrapping)
    else:
        held = _data_keys(admin, target, wanted=made is not None)
        _check_same(admin, target, description, kms_key, held)
    add = made is not None and not held
    _terminal.say(f"{target}: {_state(created=created, again=bool(held), add=add)}")  # at once: adding may fail
    kid = admin.data_keys.store(target, made) if made and add else None
    done = {"namespace": target, "created": created, "kid": kid, "kms_key": wrapping if kid else None}
    if kid or _output.kind() == "json":
        _output.done(f"{target}: data key {kid} added under {wrapping}", done)


def _state(*, created: bool, again: bool, add: bool) -> str:
    if created:
        return "created again, with the versions and data keys that it had" if again else "created"
    return "exists already, without a data key" if add else "exists already, nothing changed"


def _check_same(
    admin: Admin, namespace: Namespace, description: str | None, kms_key: str | None, held: Sequence[StoredDataKey]
) -> None:
    """Refuse settings that a namespace which exists does not have.

    Raises:
        Conflict: names the setting, and what changes it.
    """
    if description is not None and admin.namespaces.get(namespace)["description"] != description:
        raise Conflict(
            f"{namespace} exists already, with another description. Nothing was changed. To change it: "
            f"configsvc namespace set {namespace} --description TEXT"
        )
    if kms_key and held and all(each.data_key.kms_key != kms_key for each in held):
        raise Conflict(
            f"{namespace} exists already, and its data keys are wrapped under another KMS key. Nothing was changed. To "
            f"change that: configsvc data-key rewrap -n {namespace} --kms-key {kms_key}"
        )


def _data_keys(admin: Admin, namespace: Namespace, *, wanted: bool) -> list[StoredDataKey]:
    """Those to seal under; none are looked for where none is wanted.

    Raises:
        NotFound: the API key may not read the namespace; says how to add one all the same.
    """
    try:
        return [each for each in admin.data_keys.list(namespace) if each.state == "live"] if wanted else []
    except NotFound:
        raise NotFound(
            f"Your API key may not see the data keys of {namespace}. If it has none, add one: "
            f"configsvc data-key add -n {namespace}"
        ) from None


def _left(admin: Admin, namespace: Namespace, wrapping: str | None) -> list[StoredDataKey]:
    """The live data keys under a KMS key that a namespace still had when it was deleted."""
    try:
        return [
            each for each in _data_keys(admin, namespace, wanted=bool(wrapping)) if each.data_key.kms_key == wrapping
        ]
    except NotFound:
        return []  # one more data key does no harm


@command.command("list")
@click.argument("prefix", default="")
def list_(prefix: str) -> None:
    """List the namespaces your API key may read."""
    found = _settings.admin().namespaces.list(prefix)
    _output.table(("namespace", "description"), ((each.namespace, each.description) for each in found))


command.add_command(_namespace_settings.show)
command.add_command(_namespace_settings.set_)
command.add_command(_namespace_settings.delete)
command.add_command(_namespace_lift.lift)
