"""Read the members of an answer. A missing or malformed member means that it is not an answer of configsvc."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from configsvc.model import limits, names
from configsvc.model.errors import InvalidName
from configsvc.model.grants import ACTIONS, Grant, Principal, parse_pattern, parse_principal
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import (
    ContentType,
    Form,
    MalformedSnapshot,
    SealedSnapshot,
    is_content_type,
    is_form,
    parse,
)
from configsvc_client._pin import is_key_arn
from configsvc_client._service.answers import NotOurs

MemberResult = TypeVar("MemberResult")

_EXACT = 2**53
"""Above it, two JSON parsers may disagree on a number (RFC 8259, section 6)."""


class AnswerMembers:
    """A JSON object of an answer. Unknown members are ignored."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[str, object]) -> None:
        self._found = found

    def __repr__(self) -> str:
        return f"AnswerMembers({len(self._found)})"

    def expect(self, name: str, wanted: object) -> None:
        """Checks that a member has the value that was asked for.

        Raises:
            NotOurs: it does not. All methods below raise this too.
        """
        found = self._of(name)
        if type(found) is not type(wanted) or found != wanted:
            raise NotOurs(f"its {name} is not the one that was asked for")

    def text(self, name: str) -> str:
        """Reads a text without surrogates, because these cannot be encoded."""
        return _require_text(name, self._of(name))

    def moment(self, name: str) -> str:
        """Reads a time in RFC 3339."""
        text = self.text(name)
        try:
            zoned = datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            zoned = False
        if not zoned:
            raise NotOurs(f"its {name} is not a time")
        return text

    def text_or_none(self, name: str) -> str | None:
        """Reads a text or null."""
        return None if self._of(name) is None else self.text(name)

    def number(self, name: str, least: int = 0) -> int:
        """Reads a whole number."""
        found = self._of(name)
        if type(found) is not int or not least <= found <= _EXACT:
            raise _make_wrong_member(name)
        return found

    def number_or_none(self, name: str, least: int = 0) -> int | None:
        """Reads a whole number or null."""
        return None if self._of(name) is None else self.number(name, least)

    def flag(self, name: str) -> bool:
        """Reads true or false."""
        found = self._of(name)
        if not isinstance(found, bool):
            raise _make_wrong_member(name)
        return found

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        """Reads a text that is one of some choices."""
        found = self.text(name)
        if found not in choices:
            raise _make_wrong_member(name)
        return found

    def namespace(self, name: str = "namespace") -> Namespace:
        """Reads a namespace."""
        return _parse_name(name, self.text(name), names.parse_namespace)

    def key(self, name: str = "key") -> Key:
        """Reads a key."""
        return _parse_name(name, self.text(name), names.parse_key)

    def kid(self, name: str = "kid") -> Kid:
        """Reads the id of a data key."""
        return _parse_name(name, self.text(name), names.parse_kid)

    def principal(self, name: str = "principal") -> Principal:
        """Reads a principal."""
        return _parse_name(name, self.text(name), parse_principal)

    def kms_key(self, name: str = "kms_key") -> str:
        """Reads the ARN of a KMS key."""
        found = self.text(name)
        if not is_key_arn(found):
            raise _make_wrong_member(name)
        return found

    def form(self, name: str = "form") -> Form:
        """Reads a form."""
        found = self._of(name)
        if not is_form(found):
            raise _make_wrong_member(name)
        return found

    def content_type(self, name: str = "content_type") -> ContentType:
        """Reads a content type."""
        found = self._of(name)
        if not is_content_type(found):
            raise _make_wrong_member(name)
        return found

    def content_type_or_none(self, name: str = "content_type") -> ContentType | None:
        """Reads a content type or null."""
        return None if self._of(name) is None else self.content_type(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Reads a list of texts."""
        return tuple(_require_text(name, each) for each in self._list(name))

    def each(self, name: str, read: Callable[[AnswerMembers], MemberResult]) -> tuple[MemberResult, ...]:
        """Reads a list of objects."""
        return tuple(read(AnswerMembers(_require_mapping(name, each))) for each in self._list(name))

    def inner(self, name: str) -> AnswerMembers:
        """Reads an object."""
        return AnswerMembers(_require_mapping(name, self._of(name)))

    def inner_or_none(self, name: str) -> AnswerMembers | None:
        """Reads an object or null."""
        return None if self._of(name) is None else self.inner(name)

    def free(self, name: str) -> dict[str, object]:
        """Reads an object of any shape, such as a schema."""
        found = _require_mapping(name, self._of(name))
        _check_writable(name, found, limits.JSON_DEPTH)
        return dict(found)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._found

    def grants(self, name: str = "grants") -> tuple[Grant, ...]:
        """Reads grants."""
        return self.each(name, _read_grant)

    def snapshot(self) -> SealedSnapshot:
        """Reads the whole object as a snapshot."""
        try:
            return parse(self._found)
        except MalformedSnapshot:
            raise NotOurs("it is not a snapshot that this version can read") from None

    def _of(self, name: str) -> object:
        if name not in self._found:
            raise NotOurs(f"it has no {name}")
        return self._found[name]

    def _list(self, name: str) -> list[object]:
        found = self._of(name)
        if not isinstance(found, list):
            raise _make_wrong_member(name)
        return found


def _read_grant(members: AnswerMembers) -> Grant:
    listed = members.texts("actions")
    actions = tuple(each for each in ACTIONS if each in listed)
    if len(actions) != len(listed):
        raise _make_wrong_member("actions")
    return Grant(actions, tuple(_parse_name("namespaces", each, parse_pattern) for each in members.texts("namespaces")))


def _require_mapping(name: str, found: object) -> Mapping[str, object]:
    if not isinstance(found, dict):
        raise _make_wrong_member(name)
    return found


def _require_text(name: str, found: object) -> str:
    if not isinstance(found, str):
        raise _make_wrong_member(name)
    try:
        found.encode()
    except UnicodeEncodeError:
        raise _make_wrong_member(name) from None
    return found


def _parse_name(name: str, text: str, make: Callable[[str], MemberResult]) -> MemberResult:
    try:
        return make(text)
    except InvalidName:
        raise _make_wrong_member(name) from None


def _check_writable(name: str, found: object, depth: int) -> None:
    """Checks that a value can be written again: valid Unicode, and nested no deeper than the service accepts."""
    if not depth:
        raise _make_wrong_member(name)
    if isinstance(found, str):
        _require_text(name, found)
    elif isinstance(found, int) and abs(found) > _EXACT:
        raise _make_wrong_member(name)
    elif isinstance(found, list):
        for each in found:
            _check_writable(name, each, depth - 1)
    elif isinstance(found, dict):
        for inner, each in found.items():
            _require_text(name, inner)
            _check_writable(name, each, depth - 1)


def _make_wrong_member(name: str) -> NotOurs:
    return NotOurs(f"its {name} is malformed")
