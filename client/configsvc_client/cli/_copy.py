"""`configsvc copy`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import CannotOpen, ConfigsvcError, NotFound
from configsvc.model.names import Namespace
from configsvc_client.cli import _exit, _options, _output, _settings, _terminal

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Draft, Guarded, Opened


@click.command("copy")
@_options.one_namespace
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="Every key that is served.")
@click.option("--to", "target", metavar="NAMESPACE", help="Into this namespace; the same one where left out.")
@click.option("--as", "name", metavar="KEY", help="Under another name; with one KEY.")
@click.option("--declassify", is_flag=True, help="Let plain values follow sealed versions (takes the admin action).")
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@_options.message
def command(
    keys: tuple[str, ...], namespace: str | None, message: str, *,
    everything: bool, target: str | None, name: str | None, declassify: bool, dry_run: bool,
) -> int:  # fmt: skip
    """Copy what is served under KEYs to another namespace or key. Forms and content types stay.

    A sealed value opens only as its own key in its own namespace, so each is opened here and sealed anew. Values that
    are there already are left alone, so it can be run again. Up to 40 keys are all stored or none; none that someone
    else writes meanwhile is overwritten.
    """
    from configsvc.model import names

    source = _options.target(namespace)
    to = names.namespace(target) if target else source
    _check(keys, name, everything=everything, same=to == source)
    admin = _settings.admin()
    drafts = [
        each._replace(key=names.key(name) if name else each.key, declassify=declassify and each.form == "plain")
        for each in _drafts(admin, admin.snapshot(source), None if everything else keys)
    ]
    there = admin.snapshot(to)
    wanted = _differing(admin, there, drafts)
    if dry_run:
        _show(wanted)
    failures = {} if dry_run else _stored(admin, to, admin.guard(to, wanted, there), message)
    for key, error in failures.items():
        _terminal.say(f"{key}: {_exit.reason_of(error)}")
    done = "would be copied (--dry-run)" if dry_run else "copied"
    count, alike = len(wanted) - len(failures), len(drafts) - len(wanted)
    told = f"{source} → {to}: {count} {done}, {alike} there already, {len(failures)} failed"
    if dry_run:
        _terminal.say(told)
    else:
        failed = [{"key": key, "code": each.code, "reason": _exit.reason_of(each)} for key, each in failures.items()]
        _output.done(told, {"from": source, "namespace": to, "copied": count, "unchanged": alike, "failed": failed})
    return _exit.code_of(next(iter(failures.values()))) if failures else 0


def _show(drafts: Sequence[Draft]) -> None:
    _output.table(
        ("key", "form", "content type", "bytes"),
        ((each.key, each.form, each.content_type, len(each.data)) for each in drafts),
    )


def _check(keys: Sequence[str], name: str | None, *, everything: bool, same: bool) -> None:
    if bool(keys) == everything:
        raise click.UsageError("Name KEYs, or --all of them.")
    if name and len(keys) != 1:
        raise click.UsageError("--as goes with one KEY.")
    if same and not name:
        raise click.UsageError("Say where to: --to NAMESPACE, or --as KEY in the same one.")


def _drafts(admin: Admin, snapshot: SealedSnapshot, keys: Sequence[str] | None) -> list[Draft]:
    """The values to copy.

    Raises:
        NotFound: nothing is served under one of the keys.
        CannotOpen: one does not open. Nothing is copied then.
    """
    from configsvc_client.admin import Draft

    served = {entry.key: entry for entry in snapshot.entries}
    missing = [key for key in keys or () if key not in served]
    if missing:
        raise NotFound(f"Nothing is served under {', '.join(missing)} in {snapshot.namespace}.", keys=missing)
    chosen = [entry for key, entry in served.items() if keys is None or key in keys]
    opened = {key: _open(key, each) for key, each in admin.open_all(snapshot, chosen).items()}
    return [Draft(each.key, each.data, each.content_type, each.form) for each in opened.values()]


def _open(key: str, found: Opened | CannotOpen) -> Opened:
    if isinstance(found, CannotOpen):
        raise CannotOpen(f"{key} does not open. {found.detail}", **{**found.members, "key": key})
    return found


def _differing(admin: Admin, snapshot: SealedSnapshot, drafts: Sequence[Draft]) -> list[Draft]:
    """Those that are not served there alike."""
    keys = {each.key for each in drafts}
    served = admin.open_all(snapshot, [entry for entry in snapshot.entries if entry.key in keys])
    there = {
        key: (each.form, each.content_type, each.data)
        for key, each in served.items()
        if not isinstance(each, CannotOpen)
    }
    return [each for each in drafts if there.get(each.key) != (each.form, each.content_type, each.data)]


def _stored(admin: Admin, namespace: Namespace, guarded: Guarded, message: str) -> dict[str, ConfigsvcError]:
    """Stores them; the keys that were refused and why. What stops the whole series stands at each key left."""
    drafts, failures = guarded.drafts, dict[str, ConfigsvcError](guarded.overtaken)
    left = {each.key for each in drafts}
    try:
        for part in admin.store(namespace, drafts, message, known=guarded.known) if drafts else ():
            left.difference_update(part.keys)
            if part.error:
                failures |= dict.fromkeys(part.keys, part.error)
    except ConfigsvcError as error:
        failures |= dict.fromkeys(sorted(left), error)
    return failures
