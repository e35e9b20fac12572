"""Attributes of items, and the parts of records in them. Anything that this service did not write is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from configsvc.model import names
from configsvc.model.grants import ACTIONS, Grant
from configsvc.model.names import Key, Kid
from configsvc.model.schema import KeySchema
from configsvc.model.snapshot import Entry, Form, is_content_type, is_form
from configsvc.service.engine.records import KidCount, LoggedChange, RetentionSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef as Attribute


Plain = str | int | bool | bytes | Sequence["Plain"] | Mapping[str, "Plain"]


def to_attribute(value: Plain) -> Attribute:
    """Converts a plain value to an attribute."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {name: to_attribute(each) for name, each in value.items()}}
        case _:
            return {"L": [to_attribute(each) for each in value]}


def from_attribute(attribute: Attribute) -> Plain:
    """Converts an attribute to a plain value.

    Raises:
        TypeError: a kind of attribute that the service never writes.
    """
    ((kind, value),) = attribute.items()
    match kind, value:
        case "S", str():
            return value
        case "N", str():
            return int(value)
        case "BOOL", bool():
            return value
        case "B", bytes():
            return value
        case "L", list():
            return [from_attribute(each) for each in value]
        case "M", dict():
            return {name: from_attribute(each) for name, each in value.items()}
        case _:
            raise TypeError(f"an attribute of kind {kind}")


class AttributeMembers:
    """The plain members of an item, read by type.

    Every method raises KeyError for a missing member and TypeError for one of another type.
    """

    def __init__(self, members: Mapping[str, Plain]) -> None:
        self._members = members

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> str:
        """A text."""
        return as_text(self._members[name])

    def text_or_none(self, name: str) -> str | None:
        """A text that may be missing."""
        return self.text(name) if name in self._members else None

    def number(self, name: str) -> int:
        """An integer."""
        return as_number(self._members[name])

    def number_or_none(self, name: str) -> int | None:
        """An integer that may be missing."""
        return self.number(name) if name in self._members else None

    def flag(self, name: str) -> bool:
        """A boolean; False if it is missing."""
        value = self._members.get(name, False)
        if not isinstance(value, bool):
            raise TypeError(name)
        return value

    def data(self, name: str) -> bytes:
        """Bytes."""
        value = self._members[name]
        if not isinstance(value, bytes):
            raise TypeError(name)
        return value

    def each(self, name: str) -> Sequence[Plain]:
        """A list."""
        return as_list(self._members[name])

    def mapping(self, name: str) -> Mapping[str, Plain]:
        """A map."""
        value = self._members[name]
        if not isinstance(value, Mapping):
            raise TypeError(name)
        return value


def as_text(value: Plain) -> str:
    """The value, if it is text; else TypeError."""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def as_number(value: Plain) -> int:
    """The value, if it is an integer; else TypeError."""
    if type(value) is not int:
        raise TypeError(type(value).__name__)
    return value


def as_list(value: Plain) -> Sequence[Plain]:
    """The value, if it is a list; else TypeError."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise TypeError(type(value).__name__)
    return value


def build_members_without(record: NamedTuple, *left_out: str, **others: Plain) -> dict[str, Plain | None]:
    """The record's members, without some and with some replaced."""
    return {name: value for name, value in record._asdict().items() if name not in left_out} | others


def build_entry_members(entry: Entry, version: str | None = None) -> dict[str, Plain | None]:
    """The members of an entry. `version` names the member for its version if the sort key does not contain it."""
    members: dict[str, Plain | None] = {"form": entry.form, "type": entry.content_type, "value": entry.value}
    return members | ({version: entry.version} if version else {})


def read_entry(key: Key, version: int, members: AttributeMembers) -> Entry:
    """Reads an entry. The value is empty if it was not requested."""
    content_type = members.text("type")
    if not is_content_type(content_type):
        raise ValueError("type")
    return Entry(key, version, read_form(members.text("form")), content_type, members.text_or_none("value") or "")


def read_form(text: str) -> Form:
    """Reads a form."""
    if not is_form(text):
        raise ValueError("form")
    return text


def read_forms(found: Sequence[Plain]) -> tuple[Form, ...]:
    """Reads a list of forms."""
    return tuple(read_form(as_text(each)) for each in found)


def read_kids(found: Mapping[str, Plain]) -> dict[Kid, KidCount]:
    """Reads the counts in HEAD."""
    return {
        names.parse_kid(kid): KidCount(*(as_number(each) for each in as_list(count))) for kid, count in found.items()
    }


def build_retention_members(found: RetentionSettings) -> dict[str, Plain]:
    """The members of the retention settings that are set."""
    return {name: number for name, number in found._asdict().items() if number is not None}


def read_retention(found: Mapping[str, Plain]) -> RetentionSettings:
    """Reads the retention settings."""
    members = AttributeMembers(found)
    return RetentionSettings(*(members.number_or_none(name) for name in RetentionSettings._fields))


def read_schemas(found: Sequence[Plain]) -> tuple[KeySchema, ...]:
    """Reads the schemas of plain values."""
    return tuple(KeySchema(*(as_text(part) for part in as_list(each))) for each in found)


def read_state(text: str) -> Literal["live", "deleted"]:
    """Reads a namespace's state."""
    if text == "live":
        return "live"
    if text == "deleted":
        return "deleted"
    raise ValueError("state")


def read_data_key_state(text: str) -> Literal["live", "retired"]:
    """Reads a data key's state."""
    if text == "live":
        return "live"
    if text == "retired":
        return "retired"
    raise ValueError("state")


def build_change_members(change: LoggedChange) -> list[Plain]:
    """The members of one change in the log: key, operation, and the numbers that are set."""
    numbers = {"version": change.version, "was": change.was, "now": change.now}
    return [change.key, change.op, {name: number for name, number in numbers.items() if number is not None}]


def read_change(found: Plain) -> LoggedChange:
    """Reads one change of the log."""
    key, op, numbers = as_list(found)
    if not isinstance(numbers, Mapping):
        raise TypeError("changes")
    members = AttributeMembers(numbers)
    version, was, now = (members.number_or_none(name) for name in ("version", "was", "now"))
    return LoggedChange(names.parse_key(as_text(key)), _read_op(as_text(op)), version, was, now)


def read_grant(found: Plain) -> Grant:
    """Reads one grant."""
    actions, patterns = as_list(found)
    granted = {as_text(each) for each in as_list(actions)}
    known = tuple(action for action in ACTIONS if action in granted)
    if len(known) != len(granted):
        raise ValueError("actions")
    return Grant(known, tuple(as_text(each) for each in as_list(patterns)))


def _read_op(text: str) -> Literal["put", "activate", "delete", "purge"]:
    if text == "put":
        return "put"
    if text == "activate":
        return "activate"
    if text == "delete":
        return "delete"
    if text == "purge":
        return "purge"
    raise ValueError("op")
