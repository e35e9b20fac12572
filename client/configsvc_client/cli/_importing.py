"""What `configsvc import` does with the values of a file: plan, ask, store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from configsvc.model.errors import ConfigsvcError, Misconfigured, Unavailable
from configsvc.model.names import Namespace
from configsvc_client.cli import _output, _replacing, _terminal, _unnamed

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Draft, Guarded
    from configsvc_client.cli._plan import Planned

Failures = dict[str, ConfigsvcError]
"""Why a key was not stored."""


class Ways(NamedTuple):
    """How to import.

    Args:
        message: for the change log.
        origins: the place in the file of each key, where keys may have been renamed.
        atomic: all or nothing.
        dry_run: show the plan and store nothing.
        new_only: leave alone what is served.
    """

    message: str
    origins: Mapping[str, str] | None
    atomic: bool
    dry_run: bool
    new_only: bool


class Importing:
    """One import into a namespace."""

    def __init__(self, admin: Admin, namespace: Namespace, ways: Ways) -> None:
        self._admin = admin
        self._namespace = namespace
        self._ways = ways

    def run(self, found: Sequence[Draft], failures: Failures) -> tuple[list[Planned], Failures]:
        """Plan, and store if nothing speaks against it.

        Args:
            found: what could be stored.
            failures: the keys of the file that cannot, and why.

        Returns:
            The plan, empty where an atomic import ends before it; and all failures.

        Raises:
            TooLarge: the namespace has no room for them.
            Unavailable: whether an atomic import was done is not known.
            click.exceptions.Exit: a person said no.
        """
        if self._ways.atomic and failures and not self._ways.dry_run:
            return [], failures
        snapshot = self._admin.values.get_snapshot(self._namespace)
        plan, refused = self._planned(found, snapshot)
        to_store = [each.draft for each in plan if each.step in _replacing.STORED]
        self._tell(plan, to_store, snapshot)
        self._admin.change_sets.check_room(snapshot, to_store)
        failures = {**failures, **refused, **(self._unfit(to_store) if self._ways.atomic else {})}
        if self._ways.dry_run:
            self._show(plan)
        elif to_store and not (self._ways.atomic and failures):
            self._agree(plan)
            failures |= self._store(self._admin.values.guard(self._namespace, to_store, snapshot))
        return plan, failures

    def _planned(self, found: Sequence[Draft], snapshot: SealedSnapshot) -> tuple[list[Planned], Failures]:
        """The plan, and what is refused because nothing says how to store it.

        What this caller may not open, or has pinned no KMS key for, is put again.
        """
        from configsvc_client.cli._plan import plan, to_open

        fresh, kept = _replacing.split(found, snapshot, new_only=self._ways.new_only)
        wanted = to_open(fresh, snapshot.entries)
        try:
            opened = self._admin.values.open_entries(snapshot, wanted)
        except Misconfigured:
            opened = self._admin.values.open_entries(snapshot, [each for each in wanted if not each.sealed])
        planned = plan(fresh, snapshot.entries, opened)
        named, refused = _replacing.named(self._namespace, planned, ask=not self._ways.dry_run)
        return [*named, *kept], refused

    def _tell(self, plan: Sequence[Planned], to_store: Sequence[Draft], snapshot: SealedSnapshot) -> None:
        """Name what changes beside the values: forms and content types."""
        by_kms = {entry.key for entry in snapshot.entries if entry.form == "kms"}
        _unnamed.tell_kms([each.key for each in to_store if each.form is None and each.key in by_kms])
        _replacing.tell_types(plan, snapshot)

    def _agree(self, plan: Sequence[Planned]) -> None:
        """Show a person the plan, and ask, before it replaces anything. A script's file says what it wants."""
        keys = _replacing.replaced(plan)
        if keys and _terminal.can_ask() and _output.kind() != "json":
            self._show(plan)
        _replacing.agree(self._namespace, keys, required=False)

    def _show(self, plan: Sequence[Planned]) -> None:
        """The plan; with the keys in the file where they may have been renamed."""
        origins = self._ways.origins
        _output.table(
            ("key", "step", "form", "content type", "bytes", *(["from"] if origins is not None else [])),
            (
                (
                    each.draft.key, each.step, each.draft.form or "envelope", each.draft.content_type,
                    len(each.draft.data), *([origins.get(each.draft.key, "")] if origins is not None else []),
                )
                for each in plan
            ),
        )  # fmt: skip

    def _store(self, guarded: Guarded) -> Failures:
        if self._ways.atomic:
            return {**guarded.overtaken, **self._together(guarded)}
        return _replacing.store(self._admin, self._namespace, guarded, self._ways.message, doing="import into")

    def _unfit(self, drafts: Sequence[Draft]) -> Failures:
        """Why one change set does not take them, where it does not."""
        try:
            self._admin.change_sets.check(self._namespace, drafts, "Import it without --atomic, or in parts.")
        except ConfigsvcError as error:
            return _at(drafts, error)
        return {}

    def _together(self, guarded: Guarded) -> Failures:
        """Store all drafts in one change set, or say why not.

        Raises:
            Unavailable: whether it was done is not known.
        """
        if guarded.overtaken:
            return {}
        try:
            self._admin.change_sets.apply(self._namespace, guarded.drafts, self._ways.message)
        except Unavailable:
            _terminal.say("All of it was stored or nothing.")
            raise
        except ConfigsvcError as error:
            return _at(guarded.drafts, error)
        return {}


def _at(drafts: Sequence[Draft], error: ConfigsvcError) -> Failures:
    """The error at the key that it names, or at each."""
    named = [each.key for each in drafts if each.key == error.members.get("key")]
    return dict.fromkeys(named or [each.key for each in drafts], error)
