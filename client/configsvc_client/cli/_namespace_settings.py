"""`configsvc namespace set`, `show` and `delete`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from configsvc.model import limits
from configsvc.model.errors import Conflict, NotFound
from configsvc_client.cli import _confirm, _options, _output, _settings, _typed
from configsvc_client.cli._count import counted

if TYPE_CHECKING:
    from configsvc.model.entry import Form
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, Retention

_FORMS = ("plain", "kms", "envelope")


@click.command("show")
@_options.one_namespace
@click.argument("name", required=False)
def show(name: str | None, namespace: str | None) -> None:
    """Show the settings and counts of a namespace."""
    found: Mapping[str, Any] = _settings.admin().namespaces.get(
        _options.the_namespace(_options.either(name, namespace))
    )
    _output.record(found)


@click.command("set")
@_options.one_namespace
@click.argument("name", required=False)
@click.option("--description", type=_typed.TEXT, help="What it is for; an empty text removes it.")
@click.option("--form", "forms", multiple=True, type=click.Choice(_FORMS), help="A form that may be put. Repeatable.")
@click.option(
    "--snapshot-bytes", type=click.IntRange(1, limits.SNAPSHOT_BYTES_MOST),
    help=f"Bytes that it may serve, all keys and stored values together; {limits.SNAPSHOT_BYTES} in a new one.",
)  # fmt: skip
@click.option(
    "--require-preconditions/--no-require-preconditions", default=None,
    help="Require a precondition for each write of a key.",
)  # fmt: skip
@click.option("--read-only/--no-read-only", default=None, help="Whether nothing but settings may be written.")
@click.option("--keep-versions", type=click.IntRange(min=0), help="Versions of a key that upkeep keeps; 0 is all.")
@click.option("--keep-log-days", type=click.IntRange(min=0), help="Days of the log that upkeep keeps; 0 is all.")
@click.option(
    "--keep-deleted-days", type=click.IntRange(min=0),
    help="Days that upkeep keeps a deleted key with its versions; 0 is for ever.",
)  # fmt: skip
@click.option(
    "--schemas", type=click.File("rb"), metavar="FILE",
    help="JSON object of JSON Schemas of plain values by pattern of keys; replaces those that are there.",
)  # fmt: skip
def set_(
    name: str | None, namespace: str | None, *, description: str | None, forms: tuple[Form, ...],
    snapshot_bytes: int | None, require_preconditions: bool | None, read_only: bool | None,
    keep_versions: int | None, keep_log_days: int | None, keep_deleted_days: int | None, schemas: BinaryIO | None,
) -> None:  # fmt: skip
    """Change settings of a namespace.

    Settings you leave out stay as they are. This takes the admin action.
    """
    target, admin = _options.target(_options.either(name, namespace)), _settings.admin()
    given = (description, forms or None, snapshot_bytes, require_preconditions, read_only, schemas)
    kept = (keep_versions, keep_log_days, keep_deleted_days)
    if not any(each is not None for each in (*given, *kept)):
        raise click.UsageError("Say what to set: one option or more.")
    before = admin.namespaces.get(target)  # a namespace that is absent would be created
    admin.namespaces.create(
        target, description=description, forms=forms or None, snapshot_bytes=snapshot_bytes,
        require_preconditions=require_preconditions, read_only=read_only,
        retention=_retention(before, kept), schemas=_schemas(schemas),
    )  # fmt: skip
    _output.done(f"{target}: set", {"namespace": target})


@click.command("delete")
@_options.one_namespace
@click.argument("name", required=False)
def delete(name: str | None, namespace: str | None) -> None:
    """Delete a namespace.

    It must serve nothing. This takes the admin action.

    Nobody can read it any more, and its settings are gone. All versions with their values, data keys, grants and the
    change log are kept: `configsvc namespace create` brings them back, and revisions and versions go on from there. To
    remove values for good, run `configsvc destroy` for each version first; key names and the change log remain.
    """
    target, admin = _options.target(_options.either(name, namespace)), _settings.admin()
    _check_empty(admin, target)
    _confirm.confirm(
        f"Values, data keys and the change log of {target} are kept, and creating it again brings them back. To remove "
        f"a value for good, use configsvc destroy first. Delete namespace {target}, so that nobody can read it?"
    )
    revision = admin.namespaces.delete(target)
    _output.done(
        f"{target}: deleted, revision {revision}. Its versions are kept. Back: configsvc namespace create {target}",
        {"namespace": target, "revision": revision},
    )


def _check_empty(admin: Admin, namespace: Namespace) -> None:
    """Refuse before anyone is asked what the service would refuse. Who may not read it is asked all the same.

    Raises:
        Conflict: it serves something.
    """
    with suppress(NotFound):
        served: Any = admin.namespaces.get(namespace)["entries"]
        if served:
            raise Conflict(
                f"{namespace} serves {counted(served, 'key')}. Delete them first: configsvc delete -n {namespace} KEY",
                entries=served,
            )


def _retention(before: Mapping[str, object], kept: tuple[int | None, ...]) -> Retention | None:
    """What upkeep keeps, replaced as a whole: what is not said is as it was, 0 is everything."""
    from configsvc_client.admin import Retention

    if all(each is None for each in kept):
        return None
    held: Any = before.get("retention") or {}
    return Retention(
        *(held.get(name) if each is None else each or None for name, each in zip(Retention._fields, kept, strict=True))
    )


def _schemas(file: BinaryIO | None) -> Mapping[str, Mapping[str, object]] | None:
    if file is None:
        return None
    try:
        found = json.loads(file.read())
    except ValueError:
        raise click.UsageError("--schemas takes a file of JSON.") from None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise click.UsageError('--schemas takes an object of schemas by pattern of keys, like {"limits.*": {…}}.')
    return found
