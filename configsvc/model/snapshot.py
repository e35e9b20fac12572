"""Entries and snapshots: the sealed and plain values that a namespace serves at one served revision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal, TypeGuard, get_args

from configsvc.model import names
from configsvc.model.errors import InvalidName
from configsvc.model.names import Key
from configsvc.model.record import Record

Form = Literal["plain", "kms", "envelope"]
ContentType = Literal["text/plain", "application/json", "application/octet-stream"]

FORMS: tuple[Form, ...] = get_args(Form)
CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)


class Entry(Record):
    """One value as it is stored. `repr` never shows the value, because even plain values are only for readers."""

    key: Key
    version: int
    form: Form
    content_type: ContentType
    value: str

    def __repr__(self) -> str:
        return f"Entry(key={self.key!r}, version={self.version}, form={self.form!r}, value=***)"

    @property
    def sealed(self) -> bool:
        """Whether the service cannot read it."""
        return self.form != "plain"


def is_form(text: object) -> TypeGuard[Form]:
    """Whether it is one of the three forms."""
    return text in FORMS


def is_content_type(text: object) -> TypeGuard[ContentType]:
    """Whether it is one of the three content types."""
    return text in CONTENT_TYPES


_EXACT = 2**53
"""Above this number, two JSON parsers may disagree (RFC 8259, section 6)."""


Charset = Literal["ascii", "utf8"]
"""The characters that a Lambda runtime leaves unescaped in a response. Before python3.12 only ASCII, and any other
character takes 6 or 12 bytes (`\\u00e9`); since then, all of Unicode (awslambdaric, lambda_runtime_marshaller.py)."""


class DataKey(Record):
    """A data key as it is stored: wrapped by KMS, never bare."""

    kid: names.Kid
    kms_key: str
    wrapped: str


class SealedSnapshot(Record):
    """The snapshot that a reader gets. `data_keys` are only those in use."""

    namespace: names.Namespace
    revision: int
    data_keys: tuple[DataKey, ...]
    entries: tuple[Entry, ...]


class MalformedSnapshot(ValueError):
    """The response is not a snapshot of configsvc. The message never quotes it."""


def render(snapshot: SealedSnapshot) -> str:
    """Renders a snapshot as compact JSON: no spaces, and escapes only where required."""
    return json.dumps(
        {
            "namespace": snapshot.namespace,
            "revision": snapshot.revision,
            "data_keys": [data_key._asdict() for data_key in snapshot.data_keys],
            "entries": [entry._asdict() for entry in snapshot.entries],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def compute_cost(text: str, charset: Charset) -> int:
    """Bytes of a text in Lambda's response, where the body is a JSON string inside JSON."""
    return len(json.dumps(text, ensure_ascii=charset == "ascii").encode()) - 2


def compute_entry_cost(entry: Entry, charset: Charset) -> int:
    """The bytes that an entry adds to its snapshot, including the comma. Costs are additive."""
    return compute_cost(json.dumps(entry._asdict(), ensure_ascii=False, separators=(",", ":")), charset) + 1


def compute_data_key_cost(data_key: DataKey) -> int:
    """The bytes that a data key adds to its snapshot, including the comma. ARN and base64 are ASCII."""
    return compute_cost(json.dumps(data_key._asdict(), ensure_ascii=False, separators=(",", ":")), "utf8") + 1


def compute_total_cost(
    namespace: names.Namespace, revision: int, data_keys: Iterable[int], entries: int, size: int
) -> int:
    """The exact cost of a rendered snapshot, from the costs of its parts: `entries` many cost `size`."""
    frame = compute_cost(render(SealedSnapshot(namespace, revision, (), ())), "utf8")  # ASCII only
    costs = list(data_keys)
    return frame + sum(costs) - bool(costs) + size - bool(entries)


def parse(found: object) -> SealedSnapshot:
    """Parses a snapshot from decoded JSON. Unknown members are ignored; everything else is checked.

    Raises:
        MalformedSnapshot: a member is missing or has the wrong type, or a key appears twice.
    """
    try:
        return _parse(found)
    except (KeyError, TypeError, AttributeError, ValueError, InvalidName) as error:
        raise MalformedSnapshot(f"not a snapshot: {type(error).__name__}") from None


def _parse(found: object) -> SealedSnapshot:
    members = _mapping(found)
    entries = tuple(_parse_entry(_mapping(each)) for each in _list(members["entries"]))
    data_keys = tuple(_parse_data_key(_mapping(each)) for each in _list(members["data_keys"]))
    _check_unique(entry.key for entry in entries)
    _check_unique(data_key.kid for data_key in data_keys)
    return SealedSnapshot(
        names.parse_namespace(_text(members["namespace"])), _number(members["revision"]), data_keys, entries
    )


def _parse_entry(members: Mapping[str, object]) -> Entry:
    form, content_type = members["form"], members["content_type"]
    if not is_form(form) or not is_content_type(content_type):
        raise TypeError
    key = names.parse_key(_text(members["key"]))
    return Entry(key, _number(members["version"]), form, content_type, _text(members["value"]))


def _parse_data_key(members: Mapping[str, object]) -> DataKey:
    return DataKey(names.parse_kid(_text(members["kid"])), _text(members["kms_key"]), _text(members["wrapped"]))


def _check_unique(found: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in found:
        if each in seen:
            raise ValueError
        seen.add(each)


def _mapping(found: object) -> Mapping[str, object]:
    if type(found) is not dict:
        raise TypeError
    return found


def _list(found: object) -> list[object]:
    if type(found) is not list:
        raise TypeError
    return found


def _text(found: object) -> str:
    if type(found) is not str:
        raise TypeError
    if not found.isascii():
        found.encode()  # raises ValueError for half of a surrogate pair, which could not be written again
    return found


def _number(found: object) -> int:
    if type(found) is not int or not 0 <= found <= _EXACT:
        raise TypeError
    return found
