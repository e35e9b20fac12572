"""Drafts of values that are not stored yet, for `put`, change sets and imports."""

from __future__ import annotations

import json

from configsvc.model import names
from configsvc.model.content_types import KINDS, LISTED, TEXT, infer_content_type, refuse_bytes, refuse_text
from configsvc.model.errors import Unprocessable
from configsvc.model.names import Key
from configsvc.model.snapshot import ContentType, Form, is_content_type
from configsvc_client._secret import Hidden, Secret
from configsvc_client.admin.sealing.protection import FormRules

DraftJson = str | int | float | bool | None | list["DraftJson"] | dict[str, "DraftJson"]


class Draft(Hidden):
    """A plaintext value that is to be sealed; `repr` never shows it.

    `form` is the caller's choice; None leaves it to the policy, which seals by default.
    `if_match` is the key's revision; `create_only` requires that the key is not served.
    """

    key: Key
    data: bytes
    content_type: ContentType = TEXT
    form: Form | None = None
    activate: bool = True
    declassify: bool = False
    rotate_by: str | None = None
    if_match: int | None = None
    create_only: bool = False

    @property
    def is_envelope(self) -> bool:
        """Whether it is sealed under a data key, which binds the version; also true if no form is set."""
        return self.form in (None, "envelope")

    def __repr__(self) -> str:
        return f"Draft(key={self.key!r}, form={self.form!r}, content_type={self.content_type!r}, data=***)"


def make_draft(
    key: str, value: DraftJson | bytes, *, form: Form | None = None, content_type: str | None = None
) -> Draft:
    """Make a draft of a Python value: `str` is text, `bytes` are bytes, everything else is JSON.

    A `str` or `bytes` with a content type is used as it is, and checked.

    Raises:
        InvalidName: the key is not a valid name.
        Unprocessable: the value does not match the content type, or cannot have that form.
    """
    given = Secret(value)
    value = None  # error trackers show this frame
    name = names.parse_key(key)
    kind = content_type or infer_content_type(given.reveal())
    if not is_content_type(kind):
        raise Unprocessable(f"The content type must be {LISTED}.", key=name)
    return check_draft(Draft(name, _encode_value(given), kind, form))


def decide_form(draft: Draft, namespace: str, rules: FormRules) -> Draft:
    """Sets the form of a draft, as the writer's own settings decide it.

    Raises:
        Misconfigured: plain, but CONFIGSVC_SEALED_KEYS names the key.
        Unprocessable: the value cannot have that form.
    """
    return check_draft(draft._replace(form=rules.form(namespace, draft.key, draft.form)))


def check_draft(draft: Draft) -> Draft:
    """Check that the bytes of a draft match its content type, and return it. JSON and text must be UTF-8.

    Raises:
        Unprocessable: they do not match, or bytes would be stored in plain form.
    """
    if not KINDS[draft.content_type].is_text:
        if draft.form == "plain":
            raise refuse_bytes(draft.key)
        return draft
    refused = _find_fault(draft)
    if refused is not None:
        raise refused
    return draft


def _find_fault(draft: Draft) -> Unprocessable | None:
    """Finds why text or JSON is refused. Returns the error, so that none of its frames holds the value."""
    try:
        text = draft.data.decode()
    except UnicodeDecodeError:
        return Unprocessable("The value is not UTF-8 text. Store it as bytes (--binary).", key=draft.key)
    return refuse_text(draft.key, draft.content_type, text)


def _encode_value(value: Secret) -> bytes:
    """Encodes a value as bytes.

    Raises:
        TypeError, ValueError: it is not JSON; like the errors of `json.dumps`, but without its frames.
    """
    if isinstance(value.reveal(), bytes):
        return bytes(value.reveal())
    if isinstance(value.reveal(), str):
        return str(value.reveal()).encode(errors="surrogatepass")  # `check_draft` reports half of a surrogate pair
    refused: Exception
    try:
        text = json.dumps(value.reveal(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(errors="surrogatepass")
    except RecursionError:
        refused = ValueError("The value is nested too deeply for JSON.")
    except TypeError:
        refused = TypeError("The value contains a type that JSON does not have.")
    except ValueError:
        refused = ValueError("The value contains a number that JSON does not have, or contains itself.")
    raise refused
