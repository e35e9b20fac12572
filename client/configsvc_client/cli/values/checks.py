"""Checks of values before they are stored or written: content types, and names of variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc.model.errors import Unprocessable
from configsvc.model.snapshot import ContentType
from configsvc_client._reading.variables import describe_shared, make_variable_name
from configsvc_client.cli.formats import WritableValue, explain_unassignable
from configsvc_client.cli.formats._json import find_members

if TYPE_CHECKING:
    from configsvc_client.admin import Opened


def check_content(key: str, data: bytes, content_type: ContentType) -> None:
    """Refuses a value that cannot be read as its content type.

    Raises:
        Unprocessable: names the key. Neither the error nor its context holds any part of the value.
    """
    if not _is_valid(data, content_type):
        raise Unprocessable(
            f"{key} is stored as {content_type}, but its value is not valid {content_type}. `configsvc get {key}` in a "
            f"pipe prints it unchanged; `configsvc log --key {key}` shows who stored it.", key=key,
        )  # fmt: skip


def indent_json(data: bytes) -> bytes | None:
    """JSON for an editor, its numbers unchanged; None if the data is not JSON or repeats a name."""
    try:
        found = json_text.parse(data)
        return None if find_members(data.decode()).fault else json_text.render(found, 2).encode() + b"\n"
    except (ValueError, RecursionError):
        return None


def _is_valid(data: bytes, content_type: ContentType) -> bool:
    try:
        if KINDS[content_type].is_json:
            json_text.parse(data)
        elif KINDS[content_type].is_text:
            data.decode()
    except (ValueError, RecursionError):
        return False
    return True


def keep_names(found: Mapping[str, Opened]) -> list[WritableValue]:
    """The values under their own keys."""
    return [WritableValue(key, each.data, each.content_type) for key, each in found.items()]


def name_variables(found: Mapping[str, Opened]) -> list[WritableValue]:
    """The values under the names that `configsvc exec` gives them.

    Raises:
        Unprocessable: two keys would get the same name, or no shell can assign a name. Lists all such keys.
    """
    keys: dict[str, list[str]] = {}
    for key in found:
        keys.setdefault(make_variable_name(key), []).append(key)
    problems = [problem for name, each in keys.items() if (problem := _describe_problem(name, each))]
    if problems:
        raise Unprocessable(
            "Nothing was written: some keys cannot be variables. Rename them, or select other keys with --only.",
            problems=problems,
        )
    return [each._replace(key=make_variable_name(each.key)) for each in keep_names(found)]


def list_unassignable(keys: Mapping[str, Opened]) -> list[str]:
    """The keys that no shell can assign as they are."""
    return [key for key in keys if explain_unassignable(key)]


def _describe_problem(name: str, keys: list[str]) -> str:
    reason = explain_unassignable(name)
    if reason:
        return f"{', '.join(keys)}: {name} is {reason}"
    return describe_shared(name, keys) if len(keys) > 1 else ""
