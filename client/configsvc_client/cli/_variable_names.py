"""Values under the names of variables, for a file that a shell or a container reads: `db.url` is DB_URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import Unprocessable
from configsvc_client._variables import name_of, shared
from configsvc_client.cli.formats import Value, why_not_assignable

if TYPE_CHECKING:
    from configsvc_client.admin import Opened


def as_stored(found: Mapping[str, Opened]) -> list[Value]:
    """The values under their own keys."""
    return [Value(key, each.data, each.content_type) for key, each in found.items()]


def as_variables(found: Mapping[str, Opened]) -> list[Value]:
    """The values under the names that `configsvc exec` gives them.

    Raises:
        Unprocessable: two keys would have one name, or no shell can assign a name. Names all such keys.
    """
    keys: dict[str, list[str]] = {}
    for key in found:
        keys.setdefault(name_of(key), []).append(key)
    problems = [problem for name, each in keys.items() if (problem := _problem(name, each))]
    if problems:
        raise Unprocessable(
            "Nothing was written: not every key can be a variable. Rename these keys, or choose others with --only.",
            problems=problems,
        )
    return [each._replace(key=name_of(each.key)) for each in as_stored(found)]


def unassignable(keys: Mapping[str, Opened]) -> list[str]:
    """The keys that no shell can assign as they are."""
    return [key for key in keys if why_not_assignable(key)]


def _problem(name: str, keys: list[str]) -> str:
    reason = why_not_assignable(name)
    if reason:
        return f"{', '.join(keys)}: {name} is {reason}"
    return shared(name, keys) if len(keys) > 1 else ""
