"""The texts and numbers that bodies consist of, each with an example for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from configsvc.model import grants, limits, names, schema, text
from configsvc.model.entry import ContentType, Form
from configsvc.model.errors import InvalidRequest

Item = TypeVar("Item")

_MOST = 10**15


def spelt(pattern: str, example: str, about: str) -> dict[str, str | list[str]]:
    """What the document says of a text that is checked by what makes a name of it."""
    return {"pattern": f"^(?:{pattern})$", "examples": [example], "description": about}


NAMESPACE = spelt(names.NAMESPACE, "payments.prod", "A set of keys; the unit of access, of release and of fetch.")
KEY = spelt(names.KEY, "db.url", "A name in a namespace.")
KID = spelt(names.KID, "qLJ4bYxQ0b3nY0u6J1v8m2a7Z5k9c4w1t0R3xE8dP2Q", "A data key's id, which commits to the key.")
PRINCIPAL = spelt(
    rf"{grants.API_KEY}|arn:aws[a-z-]*:iam::[0-9]{{12}}:(?:role|user)/[A-Za-z0-9_+=,.@-]{{1,600}}",
    "api-key:a1b2c3d4e5",
    "`api-key:<id>`, or the ARN of an IAM role or user without path and session.",
)
PATTERN = spelt(grants.PATTERN, "payments.*", "A namespace, `prefix.*` or `*`.")
KEYS = spelt(schema.KEYS, "limits.*", "A key, `prefix.*` or `*`.")
# Canonical: the bits that the last character has beyond the last byte are zero.
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"

Namespace = Annotated[str, Field(json_schema_extra=NAMESPACE)]
Key = Annotated[str, Field(json_schema_extra=KEY)]
Kid = Annotated[str, Field(json_schema_extra=KID)]
Principal = Annotated[str, Field(json_schema_extra=PRINCIPAL)]
NamespacePattern = Annotated[str, Field(json_schema_extra=PATTERN)]
KeyPattern = Annotated[str, Field(json_schema_extra=KEYS)]

LINE = {"pattern": f"^{text.LINE}$"}
Message = Annotated[
    str,
    Field(
        max_length=limits.MESSAGE, description="Why, in one line.", examples=["move to the new cluster"],
        json_schema_extra=LINE,
    ),
]  # fmt: skip
RevisionWanted = Annotated[int, Field(ge=1, le=_MOST, examples=[42])]
VersionWanted = Annotated[int, Field(ge=1, le=10**10 - 1, examples=[7])]
KmsKey = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[A-Za-z0-9-]{1,128}$",
        examples=["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
        description="The ARN of a KMS key; no alias.",
    ),
]
Wrapped = Annotated[
    str,
    Field(
        min_length=4, max_length=limits.WRAPPED_DATA_KEY, examples=["AQIDAHjExampleOfWhatKmsAnswersAA"],
        description="What KMS answered as `CiphertextBlob`, in base64.", json_schema_extra={"pattern": _BASE64},
    ),
]  # fmt: skip


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2027-01-31"], json_schema_extra={"format": "date"}),
    AfterValidator(_day),
]

Number = Annotated[int, Field(ge=0)]
Revision = Annotated[int, Field(ge=0, examples=[42])]
Served = Annotated[int, Field(ge=0, examples=[41], description="The last revision that changed what readers get.")]
Version = Annotated[int, Field(ge=1, examples=[7])]
Floor = Annotated[int, Field(ge=0, examples=[0], description="Versions begin above it.")]
Active = Annotated[int | None, Field(ge=1, examples=[7], description="The version that is served, or null.")]
Latest = Annotated[int, Field(ge=1, examples=[7])]
Next = Annotated[int, Field(ge=1, examples=[8], description="The version that a writer seals for.")]
Time = Annotated[str, Field(examples=["2027-01-15T08:00:00.000Z"], json_schema_extra={"format": "date-time"})]
Arn = Annotated[str, Field(examples=["arn:aws:sts::123456789012:assumed-role/Deploy/jane"])]
Cursor = Annotated[str | None, Field(description="Of the next page; null on the last.", examples=["ZGIudXJs"])]
AForm = Annotated[Form, Field(examples=["envelope"])]
AContentType = Annotated[ContentType, Field(examples=["text/plain"])]
Value = Annotated[str, Field(description="The value as it is stored.", examples=["eyJhbGciOiJkaXIi...u1sA"])]


class Body(BaseModel):
    """Strict: no field but those named, no type but those said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """A JSON object. Further members may come, so clients ignore those that they do not know; tests do not."""

    model_config = ConfigDict(extra="forbid", strict=True)


def each_once(field: str, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of a list that names each once.

    Raises:
        InvalidRequest
    """
    if len(set(items)) != len(items):
        raise InvalidRequest(f"Name each of {field} once.", field=field)
    return tuple(items)
