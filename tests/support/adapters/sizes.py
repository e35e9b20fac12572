"""Bytes of an item as DynamoDB counts them (Developer Guide, DynamoDB item sizes and formats)."""

from collections.abc import Mapping
from typing import Any


def count_item_bytes(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _count_attribute(value) for name, value in item.items())


def _count_attribute(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "BOOL":
            return 1
        case "L":
            return 3 + sum(1 + _count_attribute(each) for each in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _count_attribute(each) for name, each in value.items())
        case _:
            raise ValueError(kind)
