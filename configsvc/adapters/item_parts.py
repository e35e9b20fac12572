"""Parts of items: entries, changes, counts and the words that only have a few values. What is not ours is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from configsvc.adapters.attributes import Members, Plain, as_list, as_number, as_text
from configsvc.model import names
from configsvc.model.entry import Entry, Form, is_content_type, is_form
from configsvc.model.grants import ACTIONS, Grant
from configsvc.model.names import Key, Kid
from configsvc.model.schema import KeySchema
from configsvc.service.records import Change, KidCount, Retention


def without(record: NamedTuple, *left_out: str, **others: Plain) -> dict[str, Plain | None]:
    """The record's members, some left out and some as given."""
    return {name: value for name, value in record._asdict().items() if name not in left_out} | others


def entry_members(entry: Entry, version: str | None = None) -> dict[str, Plain | None]:
    """An entry; its version under a name of its own where the sort key does not hold it."""
    members: dict[str, Plain | None] = {"form": entry.form, "type": entry.content_type, "value": entry.value}
    return members | ({version: entry.version} if version else {})


def read_entry(key: Key, version: int, members: Members) -> Entry:
    """An entry; its value is empty when it was not read."""
    content_type = members.text("type")
    if not is_content_type(content_type):
        raise ValueError("type")
    return Entry(key, version, form(members.text("form")), content_type, members.text_or_none("value") or "")


def form(text: str) -> Form:
    """One of the forms."""
    if not is_form(text):
        raise ValueError("form")
    return text


def forms(found: Sequence[Plain]) -> tuple[Form, ...]:
    """Some of the forms."""
    return tuple(form(as_text(each)) for each in found)


def kids(found: Mapping[str, Plain]) -> dict[Kid, KidCount]:
    """HEAD's counts."""
    return {names.kid(kid): KidCount(*(as_number(each) for each in as_list(count))) for kid, count in found.items()}


def retention_members(found: Retention) -> dict[str, Plain]:
    """What is kept, where it is not everything."""
    return {name: number for name, number in found._asdict().items() if number is not None}


def retention(found: Mapping[str, Plain]) -> Retention:
    """What upkeep keeps."""
    members = Members(found)
    return Retention(*(members.number_or_none(name) for name in Retention._fields))


def schemas(found: Sequence[Plain]) -> tuple[KeySchema, ...]:
    """The schemas of plain values."""
    return tuple(KeySchema(*(as_text(part) for part in as_list(each))) for each in found)


def state(text: str) -> Literal["live", "deleted"]:
    """A namespace's state."""
    if text == "live":
        return "live"
    if text == "deleted":
        return "deleted"
    raise ValueError("state")


def key_state(text: str) -> Literal["live", "retired"]:
    """A data key's state."""
    if text == "live":
        return "live"
    if text == "retired":
        return "retired"
    raise ValueError("state")


def change_members(change: Change) -> list[Plain]:
    """One change of the log: key, operation, and the numbers that there are."""
    numbers = {"version": change.version, "was": change.was, "now": change.now}
    return [change.key, change.op, {name: number for name, number in numbers.items() if number is not None}]


def read_change(found: Plain) -> Change:
    """One change of the log."""
    key, op, numbers = as_list(found)
    if not isinstance(numbers, Mapping):
        raise TypeError("changes")
    members = Members(numbers)
    version, was, now = (members.number_or_none(name) for name in ("version", "was", "now"))
    return Change(names.key(as_text(key)), _op(as_text(op)), version, was, now)


def grant(found: Plain) -> Grant:
    """One grant."""
    actions, patterns = as_list(found)
    granted = {as_text(each) for each in as_list(actions)}
    known = tuple(action for action in ACTIONS if action in granted)
    if len(known) != len(granted):
        raise ValueError("actions")
    return Grant(known, tuple(as_text(each) for each in as_list(patterns)))


def _op(text: str) -> Literal["put", "activate", "delete", "purge"]:
    if text == "put":
        return "put"
    if text == "activate":
        return "activate"
    if text == "delete":
        return "delete"
    if text == "purge":
        return "purge"
    raise ValueError("op")
