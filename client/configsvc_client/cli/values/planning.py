"""Plans an import: which rows are secrets, and which differ from the served values. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from configsvc.model import names
from configsvc.model import names as wildcard
from configsvc.model.content_types import JSON, TEXT
from configsvc.model.errors import CannotOpen, ConfigsvcError, InvalidName, TooLarge
from configsvc.model.names import Key
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import Entry, Form
from configsvc_client._wording import join_sentences
from configsvc_client.admin import Draft, Opened, check_draft
from configsvc_client.cli.formats import FileRow
from configsvc_client.cli.values import renaming
from configsvc_client.cli.values.protection import FormPatterns

PlanStep = Literal["new", "changed", "again", "unchanged", "unnamed", "kept"]
Name = Callable[[str, Form | None], Form | None]
"""Takes a key and the form from an option; returns the form from options, CONFIGSVC_SEALED_KEYS or the policy."""


class ImportRules(NamedTuple):
    """The options about keys: their forms, which texts of the file are JSON, and --declassify."""

    wanted: FormPatterns = FormPatterns()
    json: Sequence[str] = ()
    declassify: bool = False

    def draft(self, row: FileRow, name: Name) -> Draft:
        """The draft of a row. Its form is None if nothing names one; the value is then sealed.

        Raises:
            InvalidName, Unprocessable: it cannot be stored like this.
            Misconfigured: plain, for a key of CONFIGSVC_SEALED_KEYS.
        """
        key = names.parse_key(row.key)
        form = name(key, self.wanted.form(key))
        is_json = row.content_type == TEXT and any(wildcard.matches(key, each) for each in self.json)
        return check_draft(
            Draft(
                key=key,
                data=row.data,
                content_type=JSON if is_json else row.content_type,
                form=form,
                declassify=form == "plain" and self.declassify,
            )
        )


class Planned(NamedTuple):
    """A draft, and what storing it does. `again`: the served value could not be opened to compare.

    `unnamed`: the value differs from one that is served in the clear, and nothing names a form for its key.
    `kept`: --new-only leaves the value out, because its key is served.
    """

    draft: Draft
    step: PlanStep


def make_drafts(
    rows: Iterable[FileRow], rules: ImportRules, name: Name
) -> tuple[list[Draft], dict[str, ConfigsvcError]]:
    """The drafts of all rows, and the keys that cannot become drafts, each with its reason."""
    found: list[Draft] = []
    refused: dict[str, ConfigsvcError] = {}
    for row in rows:
        try:
            found.append(rules.draft(row, name))
        except InvalidName as error:
            refused[row.key] = InvalidName(
                join_sentences(error.detail, renaming.advise_option(row.key)), **error.members
            )
        except ConfigsvcError as error:
            refused[row.key] = error
    return found, refused


def check_sizes(
    drafts: Iterable[Draft], check: Callable[[Draft], None]
) -> tuple[list[Draft], dict[str, ConfigsvcError]]:
    """The drafts that are small enough to store, and the keys of the others, each with its reason.

    Args:
        drafts: with their forms.
        check: raises TooLarge.
    """
    found: list[Draft] = []
    refused: dict[str, ConfigsvcError] = {}
    for draft in drafts:
        try:
            check(draft)
            found.append(draft)
        except TooLarge as error:
            refused[draft.key] = error
    return found, refused


def select_to_open(drafts: Iterable[Draft], served: Iterable[Entry]) -> list[Entry]:
    """The entries to open for comparing: those of the drafts' keys whose form and content type do not change."""
    wanted = {draft.key: draft for draft in drafts}
    return [entry for entry in served if entry.key in wanted and _may_stay(wanted[entry.key], entry)]


def make_plan(
    drafts: Iterable[Draft], served: Iterable[Entry], opened: Mapping[Key, Opened | CannotOpen]
) -> list[Planned]:
    """Compares each draft with the served value, if that could be opened."""
    entries = {entry.key: entry for entry in served}
    return [Planned(draft, _decide_step(draft, entries.get(draft.key), opened.get(draft.key))) for draft in drafts]


def _decide_step(draft: Draft, entry: Entry | None, opened: Opened | CannotOpen | None) -> PlanStep:
    if entry is None:
        return "new"
    if _may_stay(draft, entry) and isinstance(opened, Opened) and _is_same(draft, opened):
        return "unchanged"
    if entry.form == "plain" and draft.form is None:
        return "unnamed"
    return "again" if _may_stay(draft, entry) and not isinstance(opened, Opened) else "changed"


def _is_same(draft: Draft, opened: Opened) -> bool:
    return draft.content_type == opened.content_type and same_value(draft.content_type, draft.data, opened.data)


def _may_stay(draft: Draft, entry: Entry) -> bool:
    """Whether the served entry may stay: it has the same content type, and nothing asks for another form."""
    return draft.form in (None, entry.form) and draft.content_type == entry.content_type
