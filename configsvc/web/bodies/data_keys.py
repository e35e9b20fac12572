"""The bodies of data keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from configsvc.model import names
from configsvc.model.encoding import from_base64std
from configsvc.model.errors import InvalidRequest
from configsvc.model.snapshot import DataKey
from configsvc.web.bodies.common import Answer, Body, Kid, KmsKey, Namespace, Revision, Time, Wrapped, validate
from configsvc.web.bodies.snapshot import WrappedDataKey
from configsvc.web.event import parse_object


class NewDataKey(Body):
    """A data key, wrapped by KMS for the namespace."""

    kid: Kid
    kms_key: KmsKey
    wrapped: Wrapped


class Wrapping(Body):
    """A new wrapping of the same data key."""

    kms_key: KmsKey
    wrapped: Wrapped


def parse_data_key(body: bytes) -> DataKey:
    """Parses the wrapped data key in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(NewDataKey, parse_object(body))
    return _build_data_key(names.parse_kid(found.kid), found.kms_key, found.wrapped)


def parse_wrapping(kid: names.Kid, body: bytes) -> DataKey:
    """Parses a new wrapping of a data key.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(Wrapping, parse_object(body))
    return _build_data_key(kid, found.kms_key, found.wrapped)


def _build_data_key(kid: names.Kid, kms_key: str, wrapped: str) -> DataKey:
    try:
        from_base64std(wrapped)
    except ValueError:
        raise InvalidRequest("wrapped must be the CiphertextBlob of KMS in base64.", field="wrapped") from None
    return DataKey(kid, kms_key, wrapped)


class ListedDataKey(WrappedDataKey):
    """A data key, with how many values it has sealed (null once retired) and how many served entries need it."""

    revision: Annotated[
        int, Field(ge=1, examples=[2], description="The revision that added it. The newest data key has the highest.")
    ]
    state: Literal["live", "retired"]
    seals: Annotated[int | None, Field(examples=[12])]
    served: Annotated[int, Field(ge=0, examples=[12])]
    created_at: Time
    created_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]


class Keyring(Answer):
    """The keyring of a namespace."""

    namespace: Namespace
    data_keys: list[ListedDataKey]


class DataKeyAdded(Answer):
    """The revision that added the data key."""

    namespace: Namespace
    kid: Kid
    revision: Revision


class DataKeyState(Answer):
    """A data key after a write."""

    namespace: Namespace
    kid: Kid
    state: Literal["live", "retired"]
    revision: Revision
