"""What an import will do: which rows are secrets, and which differ from what is served. Decides, and does nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from configsvc.model import names, wildcard
from configsvc.model.entry import Entry
from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc.model.names import Key
from configsvc_client.admin import Draft, Opened, checked
from configsvc_client.cli.formats import Row

Step = Literal["new", "changed", "again", "unchanged"]


class Rules(NamedTuple):
    """Patterns of keys: which are no secrets, and which hold JSON where the file says text. The rest is sealed."""

    plain: Sequence[str] = ()
    json: Sequence[str] = ()
    declassify: bool = False

    def draft(self, row: Row) -> Draft:
        """The draft of a row.

        Raises:
            InvalidName, Unprocessable: it cannot be stored so.
        """
        plain = _matches(row.key, self.plain)
        text = row.content_type == "text/plain"
        return checked(
            Draft(
                key=names.key(row.key),
                data=row.data,
                content_type="application/json" if text and _matches(row.key, self.json) else row.content_type,
                form="plain" if plain else "envelope",
                declassify=plain and self.declassify,
            )
        )


class Planned(NamedTuple):
    """A draft, and what storing it means; `again` where what is served could not be opened to compare."""

    draft: Draft
    step: Step


def drafts(rows: Iterable[Row], rules: Rules) -> tuple[list[Draft], dict[str, ConfigsvcError]]:
    """The drafts of all rows, and the keys that can be none, each with its reason."""
    found: list[Draft] = []
    refused: dict[str, ConfigsvcError] = {}
    for row in rows:
        try:
            found.append(rules.draft(row))
        except ConfigsvcError as error:
            refused[row.key] = error
    return found, refused


def to_open(drafts: Iterable[Draft], served: Iterable[Entry]) -> list[Entry]:
    """The entries to open for comparing: those of the drafts' keys whose form and content type are not new anyway."""
    wanted = {draft.key: draft for draft in drafts}
    return [entry for entry in served if entry.key in wanted and _alike(wanted[entry.key], entry)]


def plan(drafts: Iterable[Draft], served: Iterable[Entry], opened: Mapping[Key, Opened | CannotOpen]) -> list[Planned]:
    """Each draft beside what is served, so far as that could be opened."""
    entries = {entry.key: entry for entry in served}
    return [Planned(draft, _step(draft, entries.get(draft.key), opened.get(draft.key))) for draft in drafts]


def _step(draft: Draft, entry: Entry | None, opened: Opened | CannotOpen | None) -> Step:
    if entry is None:
        return "new"
    if not _alike(draft, entry):
        return "changed"
    if not isinstance(opened, Opened):
        return "again"
    return "unchanged" if _same(draft, opened) else "changed"


def _same(draft: Draft, opened: Opened) -> bool:
    """Whether a reader would get the same: JSON by what it means, however it is spelt."""
    if draft.data == opened.data or draft.content_type != "application/json":
        return draft.data == opened.data
    return _canonical(draft.data) == _canonical(opened.data)


def _canonical(data: bytes) -> str:
    try:
        return json.dumps(json.loads(data), sort_keys=True)
    except (ValueError, RecursionError):  # sealed by others, and no JSON: it is to be replaced
        return ""


def _alike(draft: Draft, entry: Entry) -> bool:
    return (draft.form, draft.content_type) == (entry.form, entry.content_type)


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(wildcard.matches(key, pattern) for pattern in patterns)
