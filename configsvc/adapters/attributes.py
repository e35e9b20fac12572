"""DynamoDB's attribute values and the plain values they stand for: text, integers, booleans, bytes, lists, maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef as Attribute

Plain = str | int | bool | bytes | Sequence["Plain"] | Mapping[str, "Plain"]


def to_attribute(value: Plain) -> Attribute:
    """The attribute of a plain value."""
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
    """The plain value of an attribute.

    Raises:
        TypeError: of a kind that we never write.
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


class Members:
    """The plain members of an item, taken out by their kind.

    Every method raises KeyError for what is missing and TypeError for what is of another kind.
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
        """A boolean; False when it is missing."""
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
