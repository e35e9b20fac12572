"""A change set: operations on one namespace that commit together."""

from __future__ import annotations

from typing import NamedTuple

from configsvc.model import limits, sizes
from configsvc.model.content_types import refuse_plain
from configsvc.model.encoding import from_base64std
from configsvc.model.envelope import Header, read_header
from configsvc.model.errors import InvalidRequest, TooLarge, Unprocessable
from configsvc.model.names import Key
from configsvc.model.snapshot import ContentType, Form
from configsvc.model.text import check_line


class Put(NamedTuple):
    """Store a value as the next version; `activate` false stages it.

    `header` is the parsed header of an envelope. `check_put` sets it, so that it is parsed only once.
    """

    key: Key
    form: Form
    content_type: ContentType
    value: str
    activate: bool = True
    declassify: bool = False
    rotate_by: str | None = None
    if_match: int | None = None
    create_only: bool = False
    header: Header | None = None

    def __repr__(self) -> str:
        return f"Put(key={self.key!r}, form={self.form!r}, value=***)"


class Activate(NamedTuple):
    """Serve an existing version."""

    key: Key
    version: int
    if_match: int | None = None


class Delete(NamedTuple):
    """Stop serving the key. Its versions are kept."""

    key: Key
    if_match: int | None = None


Operation = Put | Activate | Delete


class ChangeSet(NamedTuple):
    """All operations commit, or none. `if_match` is the revision that the namespace must have, if any."""

    operations: tuple[Operation, ...]
    message: str = ""
    if_match: int | None = None


def check_change_set(change_set: ChangeSet) -> ChangeSet:
    """Checks the shape of a change set; returns it with the headers of its envelopes.

    Raises:
        InvalidRequest: no operations, a duplicate key, or a message that is too long or not a single line.
        TooLarge: more operations or bytes than one transaction allows.
        InvalidEnvelope, Unprocessable: a value does not match its form.
    """
    keys = [operation.key for operation in change_set.operations]
    if not keys or len(set(keys)) != len(keys):
        raise InvalidRequest("A change set needs at least one operation, and each key may appear only once.")
    if len(keys) > limits.OPERATIONS:
        raise TooLarge(
            f"A change set can have at most {limits.OPERATIONS} operations; this one has {len(keys)}. Split it.",
            limit=limits.OPERATIONS, size=len(keys),
        )  # fmt: skip
    if len(change_set.message) > limits.MESSAGE:
        raise InvalidRequest(f"The message is longer than {limits.MESSAGE} characters. Shorten it.", field="message")
    check_line(change_set.message, "message")
    operations = [check_put(each) if isinstance(each, Put) else each for each in change_set.operations]
    return change_set._replace(operations=tuple(operations))


def count_stored_bytes(value: str) -> int:
    """Bytes of a stored value."""
    return len(value.encode())


def check_put(put: Put) -> Put:
    """Checks a value against its form and content type, as far as possible without opening it; returns the operation.

    Raises:
        TooLarge, InvalidEnvelope, Unprocessable.
    """
    refused = (
        sizes.refuse_large_envelope(put.key, put.value) if put.form == "envelope"
        else sizes.refuse_large_plain(put.key, count_stored_bytes(put.value))
    )  # fmt: skip
    if refused:
        raise refused
    if put.form == "envelope":
        return put._replace(header=read_header(put.value))
    (_check_plain if put.form == "plain" else _check_kms)(put)
    return put


def _check_plain(put: Put) -> None:
    refused = refuse_plain(put.key, put.content_type, put.value)
    if refused is not None:
        raise refused


def _check_kms(put: Put) -> None:
    try:
        size = len(from_base64std(put.value))
    except ValueError:
        raise Unprocessable("A kms value must be the base64 that `aws kms encrypt` prints.", key=put.key) from None
    if not 0 < size <= limits.KMS_CIPHERTEXT:
        raise Unprocessable(f"A kms value must be 1 to {limits.KMS_CIPHERTEXT} bytes of ciphertext.", key=put.key)
