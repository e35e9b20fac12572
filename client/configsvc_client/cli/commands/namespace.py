"""Create, list, show, change, lift and delete namespaces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from configsvc.model import limits
from configsvc.model.errors import Conflict, NotFound
from configsvc.model.names import Namespace
from configsvc_client.cli import common, options
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.output.words import count
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc.model.snapshot import Form
    from configsvc_client.admin import Admin, Retention, StoredDataKey


@click.group(cls=common.Group, help=__doc__)
def command() -> None:
    pass


@command.command("create")
@options.add_namespace_option
@click.argument("name", required=False)
@click.option("--kms-key", metavar="ARN", help="KMS key that wraps the first data key. Default: CONFIGSVC_KMS_KEYS.")
@click.option("--no-data-key", is_flag=True, help="Add no data key: for plain and kms values only.")
@click.option("--description", help="Description of the namespace.")
def create(
    name: str | None, namespace: str | None, kms_key: str | None, description: str | None, *, no_data_key: bool
) -> None:
    """Create a namespace with its first data key.

    A namespace that exists keeps its settings; a data key is added only if it has none. A different description or KMS
    key is refused: change them with `configsvc namespace set` and `configsvc data-key rewrap`. A deleted namespace
    comes back with its versions and data keys.
    """
    target = options.choose_target(options.choose_either(name, namespace))
    wrapping = None if no_data_key else composition.choose_kms_key(kms_key)
    admin = composition.open_admin()
    # Made first and stored last: if KMS refuses, no namespace is left behind.
    made = admin.data_keys.make(target, wrapping) if wrapping else None
    created = admin.namespaces.create(target)  # without settings, which would replace those of an existing namespace
    if created and description:
        admin.namespaces.create(target, description=description)
    if created:
        held = _list_kept_data_keys(admin, target, wrapping)
    else:
        held = _list_live_data_keys(admin, target, wanted=made is not None)
        _check_same(admin, target, description, kms_key, held)
    add = made is not None and not held
    terminal.say(f"{target}: {_describe_state(created=created, again=bool(held), add=add)}")  # at once: adding may fail
    kid = admin.data_keys.store(target, made) if made and add else None
    done = {"namespace": target, "created": created, "kid": kid, "kms_key": wrapping if kid else None}
    if kid or records.get_kind() == "json":
        records.report_done(f"{target}: data key {kid} added under {wrapping}", done)


def _describe_state(*, created: bool, again: bool, add: bool) -> str:
    if created:
        return "created again, with its earlier versions and data keys" if again else "created"
    return "already exists, without a data key" if add else "already exists, nothing changed"


def _check_same(
    admin: Admin, namespace: Namespace, description: str | None, kms_key: str | None, held: Sequence[StoredDataKey]
) -> None:
    """Refuses settings that differ from those of an existing namespace.

    Raises:
        Conflict: names the setting and the command that changes it.
    """
    if description is not None and admin.namespaces.get(namespace)["description"] != description:
        raise Conflict(
            f"{namespace} already exists, with another description. Nothing was changed. To change it: "
            f"configsvc namespace set {namespace} --description TEXT"
        )
    if kms_key and held and all(each.data_key.kms_key != kms_key for each in held):
        raise Conflict(
            f"{namespace} already exists, and its data keys are wrapped under another KMS key. Nothing was changed. To "
            f"change that: configsvc data-key rewrap -n {namespace} --kms-key {kms_key}"
        )


def _list_live_data_keys(admin: Admin, namespace: Namespace, *, wanted: bool) -> list[StoredDataKey]:
    """Lists the live data keys of a namespace; an empty list if none is wanted.

    Raises:
        NotFound: the API key may not read the namespace; says how to add a data key anyway.
    """
    try:
        return [each for each in admin.data_keys.list(namespace) if each.state == "live"] if wanted else []
    except NotFound:
        raise NotFound(
            f"Your API key may not list the data keys of {namespace}. If it has none, add one: "
            f"configsvc data-key add -n {namespace}"
        ) from None


def _list_kept_data_keys(admin: Admin, namespace: Namespace, wrapping: str | None) -> list[StoredDataKey]:
    """Lists the live data keys under a KMS key that a namespace still had when it was deleted."""
    try:
        return [
            each
            for each in _list_live_data_keys(admin, namespace, wanted=bool(wrapping))
            if each.data_key.kms_key == wrapping
        ]
    except NotFound:
        return []  # an extra data key does no harm


@command.command("list")
@click.argument("prefix", default="")
def list_(prefix: str) -> None:
    """List the namespaces your API key may read."""
    found = composition.open_admin().namespaces.list(prefix)
    records.print_table(("namespace", "description"), ((each.namespace, each.description) for each in found))


_FORMS = ("plain", "kms", "envelope")


@command.command("show")
@options.add_namespace_option
@click.argument("name", required=False)
def show(name: str | None, namespace: str | None) -> None:
    """Show the settings and counts of a namespace."""
    found: Mapping[str, Any] = composition.open_admin().namespaces.get(
        options.choose_namespace(options.choose_either(name, namespace))
    )
    records.print_record(found)


@command.command("set")
@options.add_namespace_option
@click.argument("name", required=False)
@click.option("--description", type=common.TEXT, help="Description of the namespace; an empty text removes it.")
@click.option(
    "--form", "forms", multiple=True, type=click.Choice(_FORMS), help="Form in which values may be stored. Repeatable."
)
@click.option(
    "--snapshot-bytes", type=click.IntRange(1, limits.SNAPSHOT_BYTES_MOST),
    help=f"Bytes that all served keys and stored values may take; {limits.SNAPSHOT_BYTES} in a new namespace.",
)  # fmt: skip
@click.option(
    "--require-preconditions/--no-require-preconditions", default=None,
    help="Require a precondition for each write of a key.",
)  # fmt: skip
@click.option("--read-only/--no-read-only", default=None, help="Allow changes of settings only.")
@click.option("--keep-versions", type=click.IntRange(min=0), help="Versions of a key that upkeep keeps; 0 keeps all.")
@click.option("--keep-log-days", type=click.IntRange(min=0), help="Days of the log that upkeep keeps; 0 keeps all.")
@click.option(
    "--keep-deleted-days", type=click.IntRange(min=0),
    help="Days that upkeep keeps a deleted key with its versions; 0 keeps it forever.",
)  # fmt: skip
@click.option(
    "--schemas", type=click.File("rb"), metavar="FILE",
    help="JSON object of JSON Schemas for plain values, by key pattern; replaces the existing ones.",
)  # fmt: skip
def set_(
    name: str | None, namespace: str | None, *, description: str | None, forms: tuple[Form, ...],
    snapshot_bytes: int | None, require_preconditions: bool | None, read_only: bool | None,
    keep_versions: int | None, keep_log_days: int | None, keep_deleted_days: int | None, schemas: BinaryIO | None,
) -> None:  # fmt: skip
    """Change settings of a namespace.

    Settings you leave out stay as they are. This requires the admin action.
    """
    target, admin = options.choose_target(options.choose_either(name, namespace)), composition.open_admin()
    given = (description, forms or None, snapshot_bytes, require_preconditions, read_only, schemas)
    kept = (keep_versions, keep_log_days, keep_deleted_days)
    if not any(each is not None for each in (*given, *kept)):
        raise click.UsageError("Nothing to set: pass at least one option.")
    before = admin.namespaces.get(target)  # otherwise a missing namespace would be created
    admin.namespaces.create(
        target, description=description, forms=forms or None, snapshot_bytes=snapshot_bytes,
        require_preconditions=require_preconditions, read_only=read_only,
        retention=_make_retention(before, kept), schemas=_read_schemas(schemas),
    )  # fmt: skip
    records.report_done(f"{target}: set", {"namespace": target})


@command.command("delete")
@options.add_namespace_option
@click.argument("name", required=False)
def delete(name: str | None, namespace: str | None) -> None:
    """Delete a namespace.

    It must serve nothing. This requires the admin action.

    Nobody can read it any more, and its settings are lost. All versions with their values, data keys, grants and the
    change log are kept: `configsvc namespace create` brings them back, and revisions and versions continue from there.
    To remove values for good, run `configsvc destroy` for each version first; key names and the change log remain.
    """
    target, admin = options.choose_target(options.choose_either(name, namespace)), composition.open_admin()
    _check_empty(admin, target)
    confirm.confirm(
        f"Values, data keys and the change log of {target} are kept, and creating it again brings them back. To remove "
        f"a value for good, use configsvc destroy first. Delete namespace {target}, so that nobody can read it?"
    )
    revision = admin.namespaces.delete(target)
    records.report_done(
        f"{target}: deleted, revision {revision}. Its versions are kept. To restore it: "
        f"configsvc namespace create {target}",
        {"namespace": target, "revision": revision},
    )


def _check_empty(admin: Admin, namespace: Namespace) -> None:
    """Refuses early what the service would refuse, before the person is asked. Skipped if the caller may not read.

    Raises:
        Conflict: it still serves keys.
    """
    with suppress(NotFound):
        served: Any = admin.namespaces.get(namespace)["entries"]
        if served:
            raise Conflict(
                f"{namespace} serves {count(served, 'key')}. Delete all keys first: "
                f"configsvc delete -n {namespace} KEY",
                entries=served,
            )


def _make_retention(before: Mapping[str, object], kept: tuple[int | None, ...]) -> Retention | None:
    """Makes the retention, which is replaced as a whole: what is left out stays as it was, 0 keeps everything."""
    from configsvc_client.admin import Retention

    if all(each is None for each in kept):
        return None
    held: Any = before.get("retention") or {}
    return Retention(
        *(held.get(name) if each is None else each or None for name, each in zip(Retention._fields, kept, strict=True))
    )


def _read_schemas(file: BinaryIO | None) -> Mapping[str, Mapping[str, object]] | None:
    if file is None:
        return None
    try:
        found = json.loads(file.read())
    except ValueError:
        raise click.UsageError("--schemas takes a JSON file.") from None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise click.UsageError('--schemas takes an object of schemas by key pattern, like {"limits.*": {…}}.')
    return found


@command.command("lift")
@options.add_namespace_option
@click.argument("name", required=False)
@click.option(
    "--revision", required=True, type=click.IntRange(1, limits.REVISION_LIFT),
    help="Highest revision that a reader holds, from config.revisions or the log of the service.",
)  # fmt: skip
def lift(name: str | None, namespace: str | None, *, revision: int) -> None:
    """Raise a namespace above the revision its readers hold.

    Run this after its table was restored or changed directly. This requires the admin action.

    First the counters of the namespace are corrected from its keys and its log, which undoes a revision that somebody
    raised. Revisions and versions then continue above REVISION.
    """
    target = options.choose_target(options.choose_either(name, namespace))
    lifted = composition.open_admin().namespaces.lift(target, revision)
    wrong = [f"; {each['what']} was {each['head']}, not {each['found']}" for each in lifted.differences]
    records.report_done(
        f"{target}: at revision {lifted.revision}; versions begin above {lifted.floor}{''.join(wrong)}",
        {
            "namespace": target, "revision": lifted.revision, "floor": lifted.floor,
            "differences": [dict(each) for each in lifted.differences],
        },
    )  # fmt: skip
