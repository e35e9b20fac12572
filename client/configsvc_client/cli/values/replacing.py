"""Bulk commands and values that are already served: which keys stay, and the prompt before replacing values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.output import confirm, terminal
from configsvc_client.cli.output.words import count, list_first
from configsvc_client.cli.values import protection

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Draft, Guarded
    from configsvc_client.cli.values.planning import Planned


AGAIN = "Then run it again: values that are already stored are skipped."

STORED = ("new", "changed", "again")
"""Steps of a plan that store something; all but the first replace what is served."""

_NAMED = 10
"""How many keys a prompt names; the plan above it names all."""


def split_new(drafts: Iterable[Draft], there: SealedSnapshot, *, new_only: bool) -> tuple[list[Draft], list[Planned]]:
    """The drafts to plan for, and those that --new-only keeps out because their keys are served."""
    from configsvc_client.cli.values.planning import Planned

    served = {entry.key for entry in there.entries} if new_only else frozenset()
    found = list(drafts)
    return [each for each in found if each.key not in served], [
        Planned(each, "kept") for each in found if each.key in served
    ]


def choose_forms(
    namespace: Namespace, plan: Sequence[Planned], *, ask: bool
) -> tuple[list[Planned], dict[str, ConfigsvcError]]:
    """The plan with the form that the user chooses for each unnamed value, and the refused keys."""
    from configsvc_client.cli.values.planning import Planned

    unnamed = [each.draft for each in plan if each.step == "unnamed"]
    settled, refused = protection.settle_forms(namespace, unnamed, ask=ask)
    return [
        Planned(settled[each.draft.key], "changed") if each.draft.key in settled else each for each in plan
    ], refused


def list_replaced(plan: Iterable[Planned]) -> list[str]:
    """The keys whose served value changes."""
    return [each.draft.key for each in plan if each.step in STORED and each.step != "new"]


def warn_type_changes(plan: Iterable[Planned], there: SealedSnapshot) -> None:
    """Warns which keys change their content type: readers get text instead of JSON, or the reverse."""
    served = {entry.key: entry.content_type for entry in there.entries}
    for each in plan:
        if each.step in STORED:
            warn_type_change(each.draft.key, served.get(each.draft.key), each.draft.content_type)


def warn_type_change(key: str, before: ContentType | None, after: ContentType) -> None:
    """Warns that a key changes its content type. A new key has none to change."""
    if before and before != after:
        terminal.say(f"{key}: the content type changes from {before} to {after}")


def store(
    admin: Admin, namespace: Namespace, guarded: Guarded, message: str, *, doing: str
) -> dict[str, ConfigsvcError]:
    """Stores the drafts in as few change sets as possible; returns the refused keys and why.

    An error that stops the whole series is the reason for each remaining key. An interruption prints how many values
    are stored.

    Args:
        admin: stores the drafts.
        namespace: to write to.
        guarded: the drafts, and the keys that somebody else wrote first.
        message: for the change log.
        doing: for the progress bar, such as `import into`.
    """
    drafts, failures = guarded.drafts, dict[str, ConfigsvcError](guarded.overtaken)
    left = {each.key for each in drafts}
    with terminal.show_progress(f"{doing} {namespace}", len(drafts)) as advance:
        try:
            for part in admin.change_sets.store(namespace, drafts, message, known=guarded.known) if drafts else ():
                left.difference_update(part.keys)
                advance(len(part.keys))
                if part.error:
                    failures |= dict.fromkeys(part.keys, part.error)
        except ConfigsvcError as error:
            failures |= dict.fromkeys(sorted(left), error)
        except KeyboardInterrupt:
            stored = f"at least {len(drafts) - len(left)} of {len(drafts)} values are stored"
            terminal.say(f"{namespace}: interrupted; {stored}. Run it again to store the rest.")
            raise
    return failures


def confirm_replacing(namespace: str, keys: Sequence[str], *, required: bool) -> None:
    """Asks before served values are replaced.

    Args:
        namespace: that serves the values.
        keys: of the values. Without any, nothing is asked.
        required: refuse if nobody can be asked and --yes is not passed. Otherwise continue.

    Raises:
        click.UsageError: nobody can be asked.
        click.exceptions.Exit: the answer was no; nothing was done.
    """
    if not keys or not (required or terminal.can_ask()):
        return
    values = count(len(keys), "value")
    what = f"{values} that {namespace} serves: {list_first(keys, _NAMED)}."
    them = "it" if len(keys) == 1 else "them"
    confirm.confirm(
        f"This replaces {what} Continue?",
        alone=f"This would replace {what} Nothing was stored. Pass --yes to replace {them}, or --new-only to keep "
        f"{them}. --dry-run shows the plan.",
    )
