"""Copy values to another namespace or key.

Content types are kept. KEY may be a pattern like 'db.*'; a pattern that matches no key is refused. On a terminal, or
with --dry-run, the plan is shown: which keys are new, changed or unchanged in the target, never values. `again` marks a
key whose value in the target you cannot open to compare. You are asked before a served value in the target is replaced;
without a terminal, pass --yes. With --new-only, nothing is replaced.

Each value is sealed, whatever its form in the source, unless --plain or your policy for the target namespace names its
key. Patterns of --seal, --plain and --kms match keys in the target.

A sealed value opens only under its own key and namespace, so each value is opened here and sealed again. Values that
the target already has are left unchanged, so it is safe to run the command again. Up to 40 keys are stored together or
not at all. A key that someone else writes at the same time is not overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from configsvc.model.errors import CannotOpen, ConfigsvcError, NotFound
from configsvc_client.cli import exit_codes, options
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import protection, reading, replacing

if TYPE_CHECKING:
    from configsvc.model.names import Key, Namespace
    from configsvc.model.snapshot import Entry, SealedSnapshot
    from configsvc_client.admin import Admin, Draft, KeyInfo, Opened
    from configsvc_client.cli.values.planning import Planned


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="Copy every served key.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Keys to copy, like 'db.*'. Repeatable.")
@click.option(
    "--to", "target", metavar="NAMESPACE", multiple=True, callback=options.check_once,
    help="Target namespace. Default: the same namespace.",
)  # fmt: skip
@click.option("--as", "name", metavar="KEY", help="Name in the target; only with one KEY.")
@click.option("--new-only", is_flag=True, help="Copy only keys that the target does not serve yet.")
@protection.add_patterns
@click.option(
    "--declassify",
    is_flag=True,
    help="Let plain values replace sealed ones without asking (requires the admin action).",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and store nothing.")
@options.add_message_option
def command(
    keys: tuple[str, ...], namespace: str | None, message: str, *,
    everything: bool, only: tuple[str, ...], target: str | None, name: str | None, new_only: bool,
    seal: tuple[str, ...], plain: tuple[str, ...], kms: tuple[str, ...], declassify: bool, dry_run: bool,
) -> int:  # fmt: skip
    from configsvc.model import names

    source = options.choose_target(namespace)
    to = source if target is None else options.parse_namespace("--to", target)
    chosen = _Chosen((*keys, *only), None if name is None else names.parse_key(name))
    _check(chosen, everything=everything, keys=keys, same=to == source)
    admin = composition.open_admin()
    copying = _Copying(
        admin,
        admin.values.get_snapshot(source),
        admin.values.get_snapshot(to),
        protection.FormPatterns(seal, plain, kms),
    )
    plan, failures = copying.make_plan(chosen, new_only=new_only, ask=not dry_run)
    copying.show(plan, dry_run=dry_run)
    if not dry_run:
        replacing.confirm_replacing(to, replacing.list_replaced(plan), required=True)
        failures |= copying.store(plan, message, declassify=declassify)
    _report_copies((source, to), plan, failures, dry_run=dry_run)
    return exit_codes.get_first_code(failures)


class _Chosen(NamedTuple):
    """The keys and patterns to copy (none: all keys), and the name for a single key in the target."""

    patterns: tuple[str, ...]
    name: Key | None

    def select_entries(self, here: SealedSnapshot) -> list[Entry]:
        """Returns the entries that are served under them.

        Raises:
            NotFound: a key is not served, or a pattern matches no served key.
        """
        served = {entry.key: entry for entry in here.entries}
        missing = [each for each in self.patterns if "*" not in each and each not in served]
        if missing:
            raise NotFound(f"Nothing is served under {', '.join(missing)} in {here.namespace}.", keys=missing)
        wanted = reading.select_keys(served, self.patterns, "")
        return [entry for key, entry in served.items() if key in wanted]

    def find_target(self, key: Key) -> Key:
        """Returns the key in the target."""
        return self.name or key


def _check(chosen: _Chosen, *, everything: bool, keys: Sequence[str], same: bool) -> None:
    if "" in keys:
        raise click.UsageError("A KEY is empty, like an unset variable.")
    if (everything and keys) or not (everything or chosen.patterns):
        raise click.UsageError("Name the keys to copy: KEY..., a pattern, or --all.")
    if chosen.name and (len(chosen.patterns) != 1 or "*" in chosen.patterns[0]):
        raise click.UsageError("--as needs exactly one KEY.")
    if same and not chosen.name:
        raise click.UsageError("Name the target: --to NAMESPACE, or --as KEY in the same namespace.")


class _Copying(NamedTuple):
    """The served values of the source and the target, and the forms that options ask for."""

    admin: Admin
    here: SealedSnapshot
    there: SealedSnapshot
    forms: protection.FormPatterns

    def make_plan(
        self, chosen: _Chosen, *, new_only: bool, ask: bool
    ) -> tuple[list[Planned], dict[str, ConfigsvcError]]:
        """Makes the plan, and lists the keys that are refused because nothing says how to store them.

        Raises:
            NotFound: see `_Chosen.select_entries`.
            Problems: as `protection.check_named`.
            CannotOpen: a value does not open; nothing is copied.
            TooLarge: the target has no room for them.
        """
        from configsvc_client.admin import Draft
        from configsvc_client.cli.values.planning import Planned, check_sizes, make_plan, select_to_open

        served = {entry.key for entry in self.there.entries} if new_only else frozenset()
        entries = chosen.select_entries(self.here)
        protection.check_named([chosen.find_target(each.key) for each in entries], self.forms)
        fresh = [each for each in entries if chosen.find_target(each.key) not in served]
        drafts = [self._make_draft(each, chosen.find_target(each.key)) for each in self._open_all(fresh)]
        drafts, too_large = check_sizes(drafts, partial(self.admin.values.check_size, self.there.namespace))
        opened = self.admin.values.open_entries(self.there, select_to_open(drafts, self.there.entries))
        found, refused = replacing.choose_forms(
            self.there.namespace, make_plan(drafts, self.there.entries, opened), ask=ask
        )
        self.admin.change_sets.check_room(self.there, [each.draft for each in found if each.step in replacing.STORED])
        kept = [
            Planned(Draft(chosen.find_target(each.key), b"", each.content_type), "kept")
            for each in entries
            if chosen.find_target(each.key) in served
        ]
        return sorted([*found, *kept], key=lambda each: each.draft.key), too_large | refused

    def _open_all(self, entries: Sequence[Entry]) -> list[Opened]:
        found = self.admin.values.open_entries(self.here, entries)
        return [self._check_opened(key, each) for key, each in found.items()]

    def _check_opened(self, key: str, found: Opened | CannotOpen) -> Opened:
        if isinstance(found, CannotOpen):
            raise reading.explain_unopened(self.here.namespace, key, found)
        return found

    def _make_draft(self, opened: Opened, key: Key) -> Draft:
        """Makes the draft, in the form that an option or the target's policy names, not that of the source."""
        from configsvc_client.admin import Draft

        form = self.admin.values.resolve_form(self.there.namespace, key, self.forms.form(key))
        return Draft(key, opened.data, opened.content_type, form)

    def show(self, plan: Sequence[Planned], *, dry_run: bool) -> None:
        """Shows the plan to a person or on request, and says which forms and content types change.

        This matters to anyone who reads a value in the clear or opens it with the AWS CLI.
        """
        others = {entry.key for entry in self.here.entries if entry.form != "envelope"}
        drafts = [each.draft for each in plan if each.step in replacing.STORED]
        sealed = [each.key for each in drafts if each.form is None and each.key in others]
        if sealed:
            terminal.say(f"Now sealed, because no option or policy says otherwise: {', '.join(sealed)}")
        by_kms = {entry.key for entry in self.there.entries if entry.form == "kms"}
        protection.warn_form_changes([each.key for each in drafts if each.form is None and each.key in by_kms])
        replacing.warn_type_changes(plan, self.there)
        if dry_run or (terminal.is_terminal() and records.get_kind() != "json"):
            _show_plan(self.admin, plan, self.there)

    def store(self, plan: Sequence[Planned], message: str, *, declassify: bool) -> dict[str, ConfigsvcError]:
        """Stores what is new or changed. Returns the keys that were refused, and why."""
        drafts = [each.draft for each in plan if each.step in replacing.STORED]
        if not drafts:
            return {}
        drafts = _declassify(drafts, self.there, given=declassify)
        namespace = self.there.namespace
        guarded = self.admin.values.guard(namespace, drafts, self.there)
        return replacing.store(self.admin, namespace, guarded, message, doing="copy into")


def _declassify(drafts: Sequence[Draft], there: SealedSnapshot, *, given: bool) -> list[Draft]:
    """Marks the drafts whose plain values may replace sealed ones, by --declassify or a person's consent."""
    sealed = {entry.key for entry in there.entries if entry.sealed}
    declassifying = [each.key for each in drafts if each.form == "plain" and each.key in sealed]
    if declassifying and not given:
        confirm.confirm_declassify(declassifying)
    agreed = given or bool(declassifying)
    return [each._replace(declassify=agreed and each.form == "plain") for each in drafts]


_COLUMNS = ("key", "step", "form", "content type", "bytes", "in the target")


def _show_plan(admin: Admin, plan: Sequence[Planned], there: SealedSnapshot) -> None:
    """Prints the plan as a table, with what the target has under each key, without values."""
    served = {entry.key: entry for entry in there.entries}
    known = admin.values.find_keys(there.namespace, [each.draft.key for each in plan if each.step == "new"])
    records.print_table(
        _COLUMNS, (_plan_row(each, served.get(each.draft.key), known.get(each.draft.key)) for each in plan)
    )


def _plan_row(each: Planned, served: Entry | None, known: KeyInfo | None) -> tuple[str | int | None, ...]:
    draft, stays = each.draft, each.step in ("unchanged", "kept")
    form = served.form if served and stays else draft.form or "envelope"
    size = None if each.step == "kept" else len(draft.data)
    return draft.key, each.step, form, draft.content_type, size, _describe_target(draft.content_type, served, known)


def _describe_target(content_type: str, served: Entry | None, known: KeyInfo | None) -> str | None:
    """Describes what the target has: the served version, with its content type if that differs."""
    if served:
        other = f", {served.content_type}" if served.content_type != content_type else ""
        return f"version {served.version}, {served.form}{other}"
    return f"{known.state}, latest version {known.latest}" if known else None


def _report_copies(
    namespaces: tuple[Namespace, Namespace], plan: Sequence[Planned], failures: Mapping[str, ConfigsvcError], *,
    dry_run: bool,
) -> None:  # fmt: skip
    """Reports what was copied, and why the rest was not."""
    source, target = namespaces
    for key, error in failures.items():
        terminal.say(f"{key}: {exit_codes.get_reason(error)}")
    done = [each for each in plan if each.draft.key not in failures]
    stored = [each for each in done if each.step in replacing.STORED]
    new, unchanged, kept = (_count_steps(done, step) for step in ("new", "unchanged", "kept"))
    said = f"{source} → {target}: {len(stored)} {'would be copied (--dry-run)' if dry_run else 'copied'}"
    parts = [f"{new} new, {len(stored) - new} replaced" if stored else "", f"{unchanged} unchanged"]
    parts += [f"{kept} kept" if kept else "", f"{len(failures)} failed"]
    said = f"{said}: {', '.join(part for part in parts if part)}"
    if dry_run:
        terminal.say(said)
        return
    failed = [{"key": key, "code": each.code, "reason": exit_codes.get_reason(each)} for key, each in failures.items()]
    records.report_done(said, {
        "from": source, "namespace": target, "copied": len(stored), "new": new, "replaced": len(stored) - new,
        "unchanged": unchanged, "kept": kept, "failed": failed,
    })  # fmt: skip


def _count_steps(plan: Iterable[Planned], step: str) -> int:
    return sum(each.step == step for each in plan)
