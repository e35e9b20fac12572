"""JSON Schema by jsonschema-rs: compiled, patterns matched in linear time, nothing fetched.

It loads with the first use, for most writes need no schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from configsvc.model.schema import NAMED, ONE, SEVERAL, render_pointer
from configsvc.service.engine.ports import Misfit

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

    from configsvc.model.schema_cost import SchemaWeight


COMPILED = 64
PATTERN_SIZES = (4096, 16_384, 65_536, 131_072)
"""Bytes that a compiled pattern may have, by which it counts: a byte of text takes up to 0.2 µs for each KiB."""

_PARTS_OF_A_KIB = 6  # 16 bytes of text, 0.2 µs each, in steps of 0.6 µs
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})


class JsonSchemas:
    """Draft 2020-12 with formats asserted; keeps the schemas compiled last."""

    def __init__(self) -> None:
        self._compiled: LRUCache[str, Draft202012Validator] = LRUCache(COMPILED)
        self._weights: LRUCache[str, SchemaWeight] = LRUCache(COMPILED)
        self._lock = Lock()

    def fault(self, schema: str) -> str | None:
        """A JSON pointer to where the text is no schema, None where it is one."""
        from jsonschema_rs import ReferencingError, ValidationError

        try:
            _compile(json.loads(schema))
        except ValidationError as error:
            return render_pointer(error.instance_path)
        except (ReferencingError, ValueError):
            return ""
        return None

    def weight(self, schema: str) -> SchemaWeight:
        """What the text weighs; a pattern counts by the size of what it compiles to."""
        from configsvc.model import schema_cost

        with self._lock:
            known = self._weights.get(schema)
        if known is None:
            known = schema_cost.weigh_schema(schema, _measure_pattern)
            with self._lock:
                self._weights[schema] = known
        return known

    def misfit(self, schema: str, value: object) -> Misfit | None:
        """Where the value first fails, None when it holds."""
        from jsonschema_rs import ValidationError

        validator = self._validator(schema)
        try:
            validator.validate(value)
        except ValidationError as error:
            return Misfit(render_pointer(error.instance_path), render_pointer(error.schema_path))
        except ValueError:  # half a surrogate pair, or nested too deep
            return Misfit("", "")
        return None

    def _validator(self, schema: str) -> Draft202012Validator:
        with self._lock:
            known = self._compiled.get(schema)
        if known is None:
            known = _compile(_shorten_errors(json.loads(schema)))
            with self._lock:
                self._compiled[schema] = known
        return known


def _shorten_errors(schema: object) -> object:
    """The same schema, whose alternatives fail with one error and not with every error of each alternative.

    Those errors hold a copy of the value each, and nobody reads them: 900 alternatives took 15 s to fail. `not` only
    asks whether a value holds, so `anyOf: [X, Y]` says the same as `anyOf: [{not: {not: {anyOf: [X, Y]}}}]`.
    """
    if not isinstance(schema, Mapping):
        return schema
    return {name: _shorten_keyword(name, value) for name, value in schema.items()}


def _shorten_keyword(name: str, value: object) -> object:
    if name in _ALTERNATIVES:
        return [{"not": {"not": {name: value}}}]
    if name in ONE:
        return _shorten_errors(value)
    if name in SEVERAL and isinstance(value, list):
        return [_shorten_errors(each) for each in value]
    if (name in NAMED or name == "$defs") and isinstance(value, Mapping):
        return {each: _shorten_errors(below) for each, below in value.items()}
    return value


def _measure_pattern(pattern: str) -> int:
    return next((size for size in PATTERN_SIZES if _fits(pattern, size)), PATTERN_SIZES[-1]) // 1024 * _PARTS_OF_A_KIB


def _fits(pattern: str, size: int) -> bool:
    from jsonschema_rs import ValidationError

    try:
        _compile({"pattern": pattern}, size)
    except (ValidationError, ValueError):
        return False
    return True


def _compile(schema: Any, pattern_bytes: int = PATTERN_SIZES[-1]) -> Draft202012Validator:  # noqa: ANN401  # JSON
    from jsonschema_rs import Draft202012Validator, RegexOptions

    return Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=RegexOptions(size_limit=pattern_bytes),
        keywords={"uniqueItems": UniqueItems},
        offline=True,
    )


class UniqueItems:
    """The keyword, by a text of each item that equal items share (JSON Schema core, 4.2.2).

    Args:
        _schema: the schema in which it stands.
        wanted: its value.
        _path: where it stands.
    """

    def __init__(self, _schema: dict[str, object], wanted: object, _path: list[str | int]) -> None:
        self._wanted = wanted is True

    def validate(self, value: object) -> None:
        """Raises ValueError: an array has an item twice."""
        if self._wanted and isinstance(value, list) and len(set(map(_spell_item, value))) < len(value):
            raise ValueError


def _spell_item(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_spell_item, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_spell_item(each)}' for name, each in sorted(value.items()))}}}"
    if isinstance(value, float) and value.is_integer():
        from decimal import Decimal  # few values need it

        return f"{int(Decimal(repr(value))):x}"  # 1.0 and 1 are one number, and so are 1e300 and 1 with 300 zeros
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:x}"  # in hex a number has no limit of digits and takes linear time
    return json.dumps(value)
