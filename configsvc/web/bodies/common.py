"""The texts and numbers in bodies, and their validation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from configsvc.model import grants, limits, names, schema, text
from configsvc.model.errors import InvalidRequest, TooLarge
from configsvc.model.snapshot import ContentType, Form
from configsvc.model.text import make_printable

Item = TypeVar("Item")

_MOST = 10**15


def describe_spelling(pattern: str, example: str, about: str) -> dict[str, str | list[str]]:
    """The schema of a text that is checked when it is parsed as a name."""
    return {"pattern": f"^(?:{pattern})$", "examples": [example], "description": about}


NAMESPACE = describe_spelling(names.NAMESPACE, "payments.prod", "A set of keys; the unit of access, release and fetch.")
KEY = describe_spelling(names.KEY, "db.url", "A name in a namespace.")
KID = describe_spelling(
    names.KID, "qLJ4bYxQ0b3nY0u6J1v8m2a7Z5k9c4w1t0R3xE8dP2Q", "A data key's id, which commits to the key."
)
_PRINCIPAL = rf"{grants.API_KEY}|arn:aws[a-z-]*:iam::[0-9]{{12}}:(?:role|user)/[A-Za-z0-9_+=,.@-]{{1,600}}"
PRINCIPAL = describe_spelling(
    _PRINCIPAL,
    "api-key:a1b2c3d4e5",
    "`api-key:<id>`, or the ARN of an IAM role or user without path and session.",
)
AUTHOR = describe_spelling(
    rf"{_PRINCIPAL}|{grants.UPKEEP}", "arn:aws:iam::123456789012:role/Deploy", "A principal, or `system:upkeep`."
)
PATTERN = describe_spelling(grants.PATTERN, "payments.*", "A namespace, `prefix.*` or `*`.")
KEYS = describe_spelling(schema.KEYS, "limits.*", "A key, `prefix.*` or `*`.")
# Canonical: the spare bits of the last character are zero.
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
        max_length=limits.MESSAGE, description="The reason, in one line.", examples=["move to the new cluster"],
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
        description="The ARN of a KMS key, not an alias.",
    ),
]
Wrapped = Annotated[
    str,
    Field(
        min_length=4, max_length=limits.WRAPPED_DATA_KEY, examples=["AQIDAHjExampleOfWhatKmsAnswersAA"],
        description="The `CiphertextBlob` that KMS returned, in base64.", json_schema_extra={"pattern": _BASE64},
    ),
]  # fmt: skip


def _check_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2027-01-31"], json_schema_extra={"format": "date"}),
    AfterValidator(_check_day),
]

Number = Annotated[int, Field(ge=0)]
Revision = Annotated[int, Field(ge=0, examples=[42])]
Served = Annotated[int, Field(ge=0, examples=[41], description="The last revision that changed what readers get.")]
Version = Annotated[int, Field(ge=1, examples=[7])]
Floor = Annotated[int, Field(ge=0, examples=[0], description="New versions start above it.")]
Active = Annotated[int | None, Field(ge=1, examples=[7], description="The version that is served, or null.")]
Latest = Annotated[int, Field(ge=1, examples=[7])]
Next = Annotated[int, Field(ge=1, examples=[8], description="The version to seal for.")]
Time = Annotated[str, Field(examples=["2027-01-15T08:00:00.000Z"], json_schema_extra={"format": "date-time"})]
Arn = Annotated[str, Field(examples=["arn:aws:sts::123456789012:assumed-role/Deploy/jane"])]
Cursor = Annotated[
    str | None, Field(description="The cursor of the next page; null on the last page.", examples=["ZGIudXJs"])
]
AForm = Annotated[Form, Field(examples=["envelope"])]
AContentType = Annotated[ContentType, Field(examples=["text/plain"])]
Value = Annotated[str, Field(description="The value as it is stored.", examples=["eyJhbGciOiJkaXIi...u1sA"])]


class Body(BaseModel):
    """A strict request body: no unknown fields, no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """A response body. Members may be added later, so clients ignore unknown ones; tests do not."""

    model_config = ConfigDict(extra="forbid", strict=True)


def check_each_once(field: str, items: Sequence[Item]) -> tuple[Item, ...]:
    """Checks that a list has no duplicates, and returns its items.

    Raises:
        InvalidRequest
    """
    if len(set(items)) != len(items):
        raise InvalidRequest(f"{field} contains duplicates. List each only once.", field=field)
    return tuple(items)


Model = TypeVar("Model", bound=BaseModel)

Fault = Any
"""One entry of `ValidationError.errors()`: a typed dict of pydantic_core, which pydantic does not export."""

_SHOWN = 20
_NAME = 64
_TOO_LARGE = frozenset({"string_too_long", "too_long"})
# These messages depend only on the schema; others may quote the request.
_SAFE = frozenset(
    {
        "bool_type", "dict_type", "enum", "greater_than_equal", "int_type", "less_than_equal", "list_type",
        "literal_error", "string_pattern_mismatch", "string_too_long", "string_too_short", "string_type", "too_short",
        "union_tag_not_found",
    }
)  # fmt: skip
_OWN = {
    "missing": "This field is missing.",
    "extra_forbidden": "This field is unknown. Omit it.",
    "union_tag_invalid": "op must be put, activate or delete.",
    "union_tag_not_found": "op is missing. It must be put, activate or delete.",
    "too_long": "There are too many items.",
    "int_from_float": "Input should be a valid integer",
}


def validate(model: type[Model], body: dict[str, object]) -> Model:
    """Validates a body against its model.

    Raises:
        TooLarge: it has more parts than any body needs; or texts or lists exceed their limits, and nothing else is
            wrong.
        InvalidRequest: anything else; lists up to 20 fields.
    """
    _check_parts(body)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    raise _make_refusal(faults)


def _check_parts(body: dict[str, object]) -> None:
    """Limits the parts of a body, because pydantic collects every error in it: a million take a minute."""
    left, found = limits.REQUEST_PARTS, list[object]([body])
    while found:
        each = found.pop()
        if isinstance(each, dict | list):
            left -= len(each)
            if left < 0:
                raise TooLarge(
                    f"The body has more than {limits.REQUEST_PARTS} fields and items. Split it.",
                    limit=limits.REQUEST_PARTS,
                )
            found += each.values() if isinstance(each, dict) else each


def _make_refusal(faults: Sequence[Fault]) -> InvalidRequest | TooLarge:
    problems: list[dict[str, object]] = [
        {"field": _name_field(each), "problem": _describe_problem(each)} for each in faults[:_SHOWN]
    ]
    first = f"{problems[0]['field']}: {problems[0]['problem']}"
    if all(each["type"] in _TOO_LARGE for each in faults):
        return TooLarge(first, errors=problems)
    more = f" {len(faults)} fields are wrong; errors lists them." if len(faults) > 1 else ""
    return InvalidRequest(first + more, errors=problems)


def _name_field(fault: Fault) -> str:
    return ".".join(make_printable(str(part)[:_NAME]) for part in fault["loc"]) or "body"


def _describe_problem(fault: Fault) -> str:
    kind = fault["type"]
    return _OWN.get(kind) or (fault["msg"] if kind in _SAFE else "This is not a valid value for the field.")
