"""What an import will do: which rows are secrets, and which differ from what is served. Decides, and does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError
from configsvc_client.admin import Draft, Opened, checked

Step = Literal["new", "changed", "again", "unchanged"]


class Rules(NamedTuple):
    """Patterns of keys: which are no secrets, and which hold JSON. Everything else is sealed, and text."""

    plain: Sequence[str] = ()
    json: Sequence[str] = ()
    declassify: bool = False

    def draft(self, key: str, data: bytes) -> Draft:
        """The draft of a row.

        Raises:
            InvalidName, Unprocessable: it cannot be stored so.
        """
        plain = _matches(key, self.plain)
        return checked(
            Draft(
                key=names.key(key),
                data=data,
                content_type="application/json" if _matches(key, self.json) else "text/plain",
                form="plain" if plain else "envelope",
                declassify=plain and self.declassify,
            )
        )


class Planned(NamedTuple):
    """A draft, and what storing it means; `again` where what is served could not be opened to compare."""

    draft: Draft
    step: Step


def drafts(values: Mapping[str, bytes], rules: Rules) -> tuple[list[Draft], list[tuple[str, ConfigsvcError]]]:
    """The drafts of all values, and the keys that can be none, each with its reason."""
    found: list[Draft] = []
    refused: list[tuple[str, ConfigsvcError]] = []
    for key, data in values.items():
        try:
            found.append(rules.draft(key, data))
        except ConfigsvcError as error:
            refused.append((key, error))
    return found, refused


def plan(drafts: Iterable[Draft], served: Mapping[str, Opened | None]) -> list[Planned]:
    """Each draft beside what is served; None there means that it is served, but could not be opened."""
    return [Planned(draft, _step(draft, served)) for draft in drafts]


def _step(draft: Draft, served: Mapping[str, Opened | None]) -> Step:
    if draft.key not in served:
        return "new"
    held = served[draft.key]
    if held is None:
        return "again"
    same = (held.data, held.content_type, held.form) == (draft.data, draft.content_type, draft.form)
    return "unchanged" if same else "changed"


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)
