"""Whether a plain value holds to the schemas of its key. Sealed values are nobody's to check but their writer's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from configsvc.model import limits, schema_cost, strict_json
from configsvc.model.change_set import Operation, Put
from configsvc.model.content_types import KINDS
from configsvc.model.errors import InvalidValue, TooLarge
from configsvc.model.schema import KeySchema, schemas_for
from configsvc.service.ports import Schemas


def check_work(schemas: Schemas, known: Sequence[KeySchema], operations: Iterable[Operation]) -> None:
    """That checking all the values of a request takes a bounded time, before any of it is done.

    Raises:
        TooLarge: parts of the schemas times size of the values is above the limit.
    """
    work = 0
    for put in operations:
        if isinstance(put, Put) and (wanted := _schemas_of(known, put)):
            size = schema_cost.size(put.value, is_json=KINDS[put.content_type].is_json)
            work += sum(schemas.weight(each.schema).work(size) for each in wanted)
    if work > limits.SCHEMA_WORK:
        raise TooLarge(
            f"Checking these values against the namespace's schemas would take {work} steps (parts of the schemas "
            f"times size of the values); {limits.SCHEMA_WORK} are allowed. Send fewer or smaller values at once, or "
            "simplify the schemas: fewer alternatives and constants, and patterns without long repetitions.",
            limit=limits.SCHEMA_WORK, size=work,
        )  # fmt: skip


def check_value(schemas: Schemas, known: Sequence[KeySchema], put: Put) -> None:
    """JSON is checked as what it decodes to, text as a string.

    Raises:
        InvalidValue: `pointer` names the place in the value, `schema_pointer` the part of the schema for `keys`, `rule`
            its keyword and `limit` what it asks for; what the value holds is not said.
    """
    wanted = _schemas_of(known, put)
    if not wanted:
        return
    value = _decoded(put)
    for each in wanted:
        if misfit := schemas.misfit(each.schema, value):
            from configsvc.model.broken_rule import broken_rule  # most values fit

            rule, limit = broken_rule(each.schema, misfit.schema_pointer)
            raise InvalidValue(
                f"{put.key} does not fit the namespace's schema for {each.keys}. "
                f"{misfit.pointer or 'The whole value'} breaks the rule {rule}{f': {limit}' if limit else ''}.",
                key=put.key, pointer=misfit.pointer, schema_pointer=misfit.schema_pointer, keys=each.keys, rule=rule,
                limit=limit,
            )  # fmt: skip


def _schemas_of(known: Sequence[KeySchema], put: Put) -> list[KeySchema]:
    return schemas_for(known, put.key) if put.form == "plain" else []


def _decoded(put: Put) -> object:
    """What stands in a value that has been found to be what its content type says."""
    return strict_json.read(put.value).value if KINDS[put.content_type].is_json else put.value
