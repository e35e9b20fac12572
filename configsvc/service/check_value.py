"""Whether a plain value holds to the schemas of its key. Sealed values are nobody's to check but their writer's."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model import strict_json
from configsvc.model.change_set import Put
from configsvc.model.errors import InvalidValue
from configsvc.model.schema import KeySchema, schemas_for
from configsvc.service.ports import Schemas


def check_value(schemas: Schemas, known: Iterable[KeySchema], put: Put) -> None:
    """A value of type application/json as what it decodes to, one of text/plain as a string.

    Raises:
        InvalidValue: `pointer` names the place in the value, `schema_pointer` the part of the schema for `keys`;
            what stands in the value is not told.
    """
    wanted = schemas_for(known, put.key) if put.form == "plain" else []
    if not wanted:
        return
    value = _decoded(put)
    for each in wanted:
        if misfit := schemas.misfit(each.schema, value):
            raise InvalidValue(
                f"The value does not fit the namespace's schema for {each.keys}: see {misfit.pointer or 'the whole'}.",
                key=put.key, pointer=misfit.pointer, schema_pointer=misfit.schema_pointer, keys=each.keys,
            )  # fmt: skip


def _decoded(put: Put) -> object:
    """What stands in a value that has been found to be what its content type says."""
    return put.value if put.content_type == "text/plain" else strict_json.read(put.value).value
