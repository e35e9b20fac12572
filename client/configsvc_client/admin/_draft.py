"""A put before its value is stored: what `put`, change sets and imports are made of."""

from __future__ import annotations

import json
from typing import NamedTuple

from configsvc.model import names, strict_json
from configsvc.model.entry import ContentType, Form, is_content_type
from configsvc.model.errors import Unprocessable
from configsvc.model.names import Key

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Draft(NamedTuple):
    """A value in the clear on its way to being sealed; `repr` never shows it.

    `if_match` is the key's revision, `create_only` asks that nothing is served under the key.
    """

    key: Key
    data: bytes
    content_type: ContentType = "text/plain"
    form: Form = "envelope"
    activate: bool = True
    declassify: bool = False
    rotate_by: str | None = None
    if_match: int | None = None
    create_only: bool = False

    def __repr__(self) -> str:
        return f"Draft(key={self.key!r}, form={self.form!r}, content_type={self.content_type!r}, data=***)"


def draft(key: str, value: Json | bytes, *, form: Form = "envelope", content_type: str | None = None) -> Draft:
    """A draft of a Python value: `str` is text, `bytes` are bytes, everything else is JSON.

    A `str` or `bytes` given together with a content type is taken as it is, and checked.

    Raises:
        InvalidName: the key is not spelt as keys are.
        Unprocessable: the value is not what the content type says, or has no such form.
    """
    name = names.key(key)
    kind = content_type or _content_type_of(value)
    if not is_content_type(kind):
        raise Unprocessable("A content type is text/plain, application/json or application/octet-stream.", key=name)
    return checked(Draft(name, _bytes_of(value), kind, form))


def checked(draft: Draft) -> Draft:
    """The draft, if its bytes are what its content type says; JSON and text are UTF-8.

    Raises:
        Unprocessable: they are not; or bytes are to be stored in plain form.
    """
    if draft.content_type == "application/octet-stream":
        if draft.form == "plain":
            raise Unprocessable("Bytes have no plain form. Seal them, or store text.", key=draft.key)
        return draft
    text = _text(draft.data)
    if text is None:
        raise Unprocessable("The value is not UTF-8 text. Store it as bytes (--binary).", key=draft.key)
    if draft.content_type == "application/json" and (found := strict_json.read(text)).fault:
        told = f"The value {found.fault}. Correct it, or store it as text."
        raise Unprocessable(told, key=draft.key, **found.members)
    return draft


def _text(data: bytes) -> str | None:
    """The text, None where it is none: an error raised in the `except` would have the value as its context."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _content_type_of(value: Json | bytes) -> ContentType:
    if isinstance(value, bytes):
        return "application/octet-stream"
    return "text/plain" if isinstance(value, str) else "application/json"


def _bytes_of(value: Json | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")  # half a pair is no UTF-8 text, which `checked` says
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(errors="surrogatepass")
