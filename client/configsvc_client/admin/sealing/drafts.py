"""A put before its value is stored: what `put`, change sets and imports are made of."""

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
    """A value in the clear on its way to being sealed; `repr` never shows it.

    `form` is what the caller asks for; None leaves it to the policy, and without one to sealing.
    `if_match` is the key's revision, `create_only` asks that nothing is served under the key.
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
        """Whether it is sealed under a data key, which carries the version; also where nobody decided."""
        return self.form in (None, "envelope")

    def __repr__(self) -> str:
        return f"Draft(key={self.key!r}, form={self.form!r}, content_type={self.content_type!r}, data=***)"


def make_draft(
    key: str, value: DraftJson | bytes, *, form: Form | None = None, content_type: str | None = None
) -> Draft:
    """A draft of a Python value: `str` is text, `bytes` are bytes, everything else is JSON.

    A `str` or `bytes` given together with a content type is taken as it is, and checked.

    Raises:
        InvalidName: the key is not spelt as keys are.
        Unprocessable: the value is not what the content type says, or has no such form.
    """
    given = Secret(value)
    value = None  # this frame is shown with what is raised
    name = names.parse_key(key)
    kind = content_type or infer_content_type(given.reveal())
    if not is_content_type(kind):
        raise Unprocessable(f"A content type is {LISTED}.", key=name)
    return check_draft(Draft(name, _encode_value(given), kind, form))


def decide_form(draft: Draft, namespace: str, rules: FormRules) -> Draft:
    """The draft with its form, as the writer's own settings decide it.

    Raises:
        Misconfigured: plain, for a key of CONFIGSVC_SEALED_KEYS.
        Unprocessable: the value has no such form.
    """
    return check_draft(draft._replace(form=rules.form(namespace, draft.key, draft.form)))


def check_draft(draft: Draft) -> Draft:
    """The draft, if its bytes are what its content type says; JSON and text are UTF-8.

    Raises:
        Unprocessable: they are not; or bytes are to be stored in plain form.
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
    """Why text or JSON is refused. Returned, so that no frame of what is raised holds the value."""
    try:
        text = draft.data.decode()
    except UnicodeDecodeError:
        return Unprocessable("The value is not UTF-8 text. Store it as bytes (--binary).", key=draft.key)
    return refuse_text(draft.key, draft.content_type, text)


def _encode_value(value: Secret) -> bytes:
    """The bytes that are stored.

    Raises:
        TypeError, ValueError: it is no JSON; as `json.dumps` says it, without its frames.
    """
    if isinstance(value.reveal(), bytes):
        return bytes(value.reveal())
    if isinstance(value.reveal(), str):
        return str(value.reveal()).encode(errors="surrogatepass")  # half a pair is no UTF-8 text, which `checked` says
    refused: Exception
    try:
        text = json.dumps(value.reveal(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(errors="surrogatepass")
    except RecursionError:
        refused = ValueError("The value is nested too deep for JSON.")
    except TypeError:
        refused = TypeError("The value holds what JSON does not have.")
    except ValueError:
        refused = ValueError("The value holds a number that JSON does not have, or itself.")
    raise refused
