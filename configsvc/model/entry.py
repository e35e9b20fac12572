"""An entry: key, version, form, content type and stored value."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from configsvc.model.names import Key
from configsvc.model.record import Record

Form = Literal["plain", "kms", "envelope"]
ContentType = Literal["text/plain", "application/json", "application/octet-stream"]

FORMS: tuple[Form, ...] = get_args(Form)
CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)


class Entry(Record):
    """One value as it is stored. `repr` never shows the value: plain ones are shown to readers only."""

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
