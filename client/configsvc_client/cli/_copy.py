"""`configsvc copy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import CannotOpen, ConfigsvcError, NotFound
from configsvc.model.names import Namespace
from configsvc_client.cli import _confirm, _exit, _forms, _options, _output, _settings, _terminal, _unnamed

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Draft, Guarded, Opened


@click.command("copy")
@_options.one_namespace
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="Every key that is served.")
@click.option("--to", "target", metavar="NAMESPACE", help="Into this namespace; the same one where left out.")
@click.option("--as", "name", metavar="KEY", help="Under another name; with one KEY.")
@_forms.for_many_keys
@click.option(
    "--declassify", is_flag=True, help="Let plain values replace sealed ones; do not ask (takes the admin action)."
)
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@_options.message
def command(
    keys: tuple[str, ...], namespace: str | None, message: str, *,
    everything: bool, target: str | None, name: str | None, seal: tuple[str, ...], plain: tuple[str, ...],
    kms: tuple[str, ...], declassify: bool, dry_run: bool,
) -> int:  # fmt: skip
    """Copy what is served under KEYs to another namespace or key. Content types stay.

    Each value is sealed but for the keys that --plain or your policy of the target namespace names, however it is
    stored where it comes from. Patterns are of keys in the target.

    A sealed value opens only as its own key in its own namespace, so each is opened here and sealed anew. Values that
    are there already are left alone, so it can be run again. Up to 40 keys are all stored or none; none that someone
    else writes meanwhile is overwritten.
    """
    from configsvc.model import names

    source = _options.target(namespace)
    to = names.namespace(target) if target else source
    _check(keys, name, everything=everything, same=to == source)
    admin = _settings.admin()
    here, asked = admin.snapshot(source), _forms.Wanted(seal, plain, kms)
    found = _drafts(admin, here, None if everything else keys)
    drafts = [_formed(admin, to, each._replace(key=names.key(name) if name else each.key), asked) for each in found]
    there = admin.snapshot(to)
    wanted, alike, failures = _differing(admin, there, drafts, ask=not dry_run)
    wanted = _declassified(wanted, there, given=declassify, ask=not dry_run)
    _tell(wanted, here)
    if dry_run:
        _show(wanted)
    elif wanted:
        failures |= _stored(admin, to, admin.guard(to, wanted, there), message)
    _ended(source, to, len(drafts) - alike - len(failures), alike, failures, dry_run=dry_run)
    return _exit.code_of(next(iter(failures.values()))) if failures else 0


def _ended(
    source: Namespace, target: Namespace, count: int, alike: int, failures: Mapping[str, ConfigsvcError], *,
    dry_run: bool,
) -> None:  # fmt: skip
    """Say what was copied, and why the rest was not."""
    for key, error in failures.items():
        _terminal.say(f"{key}: {_exit.reason_of(error)}")
    done = "would be copied (--dry-run)" if dry_run else "copied"
    told = f"{source} → {target}: {count} {done}, {alike} there already, {len(failures)} failed"
    if dry_run:
        _terminal.say(told)
    else:
        failed = [{"key": key, "code": each.code, "reason": _exit.reason_of(each)} for key, each in failures.items()]
        _output.done(told, {"from": source, "namespace": target, "copied": count, "unchanged": alike, "failed": failed})


def _tell(drafts: Sequence[Draft], here: SealedSnapshot) -> None:
    """Say what is sealed though it is not where it comes from: a reader without KMS will miss it."""
    others = {entry.key for entry in here.entries if entry.form != "envelope"}
    sealed = [each.key for each in drafts if each.form is None and each.key in others]
    if sealed:
        _terminal.say(f"Sealed now, for neither an option nor your policy says otherwise: {', '.join(sealed)}")


def _show(drafts: Sequence[Draft]) -> None:
    _output.table(
        ("key", "form", "content type", "bytes"),
        ((each.key, each.form or "envelope", each.content_type, len(each.data)) for each in drafts),
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
    return [Draft(each.key, each.data, each.content_type) for each in opened.values()]


def _formed(admin: Admin, namespace: Namespace, draft: Draft, wanted: _forms.Wanted) -> Draft:
    """The draft with the form that an option or the target's policy names. What the source has does not count."""
    return draft._replace(form=admin.named_form(namespace, draft.key, wanted.form(draft.key)))


def _open(key: str, found: Opened | CannotOpen) -> Opened:
    if isinstance(found, CannotOpen):
        raise CannotOpen(f"{key} does not open. {found.detail}", **{**found.members, "key": key})
    return found


def _differing(
    admin: Admin, there: SealedSnapshot, drafts: Sequence[Draft], *, ask: bool
) -> tuple[list[Draft], int, dict[str, ConfigsvcError]]:
    """What to store; how many are served alike; and what is refused, because nothing says how to store it."""
    from configsvc_client.cli._plan import plan, to_open

    found = plan(drafts, there.entries, admin.open_all(there, to_open(drafts, there.entries)))
    unnamed = [each.draft for each in found if each.step == "unnamed"]
    settled, refused = _unnamed.settled(there.namespace, unnamed, ask=ask)
    steps = {each.draft.key: each.step for each in found}
    wanted = [
        settled.get(each.key, each) for each in drafts if steps[each.key] != "unchanged" and each.key not in refused
    ]
    return wanted, sum(step == "unchanged" for step in steps.values()), refused


def _declassified(drafts: Sequence[Draft], there: SealedSnapshot, *, given: bool, ask: bool) -> list[Draft]:
    """The drafts, where --declassify or a person lets plain values replace sealed ones."""
    sealed = {entry.key for entry in there.entries if entry.sealed}
    declassifying = [each.key for each in drafts if each.form == "plain" and each.key in sealed]
    if declassifying and ask and not given:
        _confirm.declassify(declassifying)
    agreed = given or bool(declassifying)
    return [each._replace(declassify=agreed and each.form == "plain") for each in drafts]


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
