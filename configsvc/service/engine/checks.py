"""Checks that values fit the schemas of their keys, and that the settings of a namespace are allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from configsvc.model import limits, schema_cost, strict_json
from configsvc.model.change_set import Operation, Put
from configsvc.model.content_types import KINDS
from configsvc.model.errors import InvalidRequest, InvalidValue, TooLarge, Unprocessable
from configsvc.model.schema import KeySchema, check_schema_set, select_schemas
from configsvc.model.snapshot import Form
from configsvc.model.text import check_line
from configsvc.service.engine.ports import Schemas
from configsvc.service.engine.records import RetentionSettings


def check_work(schemas: Schemas, known: Sequence[KeySchema], operations: Iterable[Operation]) -> None:
    """Checks that validating all values of a request takes bounded time, before any of them is validated.

    Raises:
        TooLarge: the size of the schemas times the size of the values is above the limit.
    """
    work = 0
    for put in operations:
        if isinstance(put, Put) and (wanted := _find_schemas(known, put)):
            size = schema_cost.measure_value(put.value, is_json=KINDS[put.content_type].is_json)
            work += sum(schemas.weigh(each.schema).work(size) for each in wanted)
    if work > limits.SCHEMA_WORK:
        raise TooLarge(
            f"Checking these values against the namespace's schemas would take {work} steps (parts of the schemas "
            f"times size of the values); {limits.SCHEMA_WORK} are allowed. Send fewer or smaller values at once, or "
            "simplify the schemas: fewer alternatives and constants, and patterns without long repetitions.",
            limit=limits.SCHEMA_WORK, size=work,
        )  # fmt: skip


def check_value(schemas: Schemas, known: Sequence[KeySchema], put: Put) -> None:
    """Checks a value against the schemas of its key: JSON as it decodes, text as a string.

    Raises:
        InvalidValue: `pointer` names the place in the value, `schema_pointer` the part of the schema for `keys`, `rule`
            its keyword and `limit` what it requires. The error never contains the value.
    """
    wanted = _find_schemas(known, put)
    if not wanted:
        return
    value = _decode(put)
    for each in wanted:
        if misfit := schemas.find_misfit(each.schema, value):
            from configsvc.model.broken_rule import find_broken_rule  # most values fit

            rule, limit = find_broken_rule(each.schema, misfit.schema_pointer)
            raise InvalidValue(
                f"{put.key} does not fit the namespace's schema for {each.keys}. "
                f"{misfit.pointer or 'The whole value'} breaks the rule {rule}{f': {limit}' if limit else ''}.",
                key=put.key, pointer=misfit.pointer, schema_pointer=misfit.schema_pointer, keys=each.keys, rule=rule,
                limit=limit,
            )  # fmt: skip


def _find_schemas(known: Sequence[KeySchema], put: Put) -> list[KeySchema]:
    return select_schemas(known, put.key) if put.form == "plain" else []


def _decode(put: Put) -> object:
    """Decodes a value that has already been checked against its content type."""
    return strict_json.read(put.value).value if KINDS[put.content_type].is_json else put.value


def check_description(text: str) -> None:
    """Raises TooLarge or InvalidRequest for a description that is too long or not one line."""
    if len(text) > limits.DESCRIPTION:
        raise TooLarge(f"A description can have at most {limits.DESCRIPTION} characters.", limit=limits.DESCRIPTION)
    check_line(text, "description")


def check_forms(forms: tuple[Form, ...]) -> None:
    """Raises InvalidRequest for an empty or repeated list of forms."""
    if not forms or len(set(forms)) != len(forms):
        raise InvalidRequest("forms must name at least one form, and each only once.", field="forms")


def check_snapshot_bytes(most: int) -> None:
    """Checks the limit. It may be below the present size: nothing is lost, but the snapshot can then only shrink.

    Raises:
        InvalidRequest, TooLarge.
    """
    if most < 1:
        raise InvalidRequest("snapshot_bytes must be 1 or more.", field="snapshot_bytes")
    if most > limits.SNAPSHOT_BYTES_MOST:
        raise TooLarge(
            f"snapshot_bytes must be at most {limits.SNAPSHOT_BYTES_MOST}.", limit=limits.SNAPSHOT_BYTES_MOST
        )


def check_retention(retention: RetentionSettings) -> None:
    """Raises InvalidRequest for a number that is out of range."""
    for name, number in retention._asdict().items():
        most = limits.RETENTION_VERSIONS if name == "versions" else limits.RETENTION_DAYS
        if number is not None and not 1 <= number <= most:
            raise InvalidRequest(f"{name} must be 1 to {most}, or null to keep everything.", field=f"retention.{name}")


def check_schemas(port: Schemas, schemas: tuple[KeySchema, ...]) -> None:
    """Checks the limits of configsvc.model.schema, and that each text is a valid JSON Schema.

    Raises:
        TooLarge, Unprocessable.
    """
    for each in check_schema_set(schemas):
        fault = port.find_fault(each.schema)
        if fault is not None:
            raise Unprocessable(
                f"The schema for {each.keys} is not a valid JSON Schema (draft 2020-12) at {fault or 'its root'}. "
                "Patterns support neither look-around nor back-references, and format must name a known format.",
                field="schemas", pointer=fault, keys=each.keys,
            )  # fmt: skip
