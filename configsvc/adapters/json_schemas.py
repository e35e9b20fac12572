"""JSON Schema with jsonschema-rs: compiled, with patterns matched in linear time and nothing fetched.

The library is loaded on first use, because most writes need no schema.
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
"""Size classes of compiled patterns, in bytes: matching a byte of text takes up to 0.2 µs per KiB."""

_PARTS_OF_A_KIB = 6  # 16 bytes of text, 0.2 µs each, in steps of 0.6 µs
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})


class JsonSchemas:
    """Draft 2020-12 with format assertions. Caches the compiled schemas."""

    def __init__(self) -> None:
        self._compiled: LRUCache[str, Draft202012Validator] = LRUCache(COMPILED)
        self._weights: LRUCache[str, SchemaWeight] = LRUCache(COMPILED)
        self._lock = Lock()

    def find_fault(self, schema: str) -> str | None:
        """A JSON pointer to the first error in a schema; None if it is valid."""
        from jsonschema_rs import ReferencingError, ValidationError

        try:
            _compile(json.loads(schema))
        except ValidationError as error:
            return render_pointer(error.instance_path)
        except (ReferencingError, ValueError):
            return ""
        return None

    def weigh(self, schema: str) -> SchemaWeight:
        """The weight of a schema. A pattern counts by its compiled size."""
        from configsvc.model import schema_cost

        with self._lock:
            known = self._weights.get(schema)
        if known is None:
            known = schema_cost.weigh_schema(schema, _measure_pattern)
            with self._lock:
                self._weights[schema] = known
        return known

    def find_misfit(self, schema: str, value: object) -> Misfit | None:
        """Where the value first fails the schema; None if it is valid."""
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
    """Rewrites a schema so that its alternatives fail with one error and not with every error of each alternative.

    Each of those errors contains a copy of the value, and nobody reads them: 900 alternatives took 15 s to fail. `not`
    only tests validity, so `anyOf: [X, Y]` is equivalent to `anyOf: [{not: {not: {anyOf: [X, Y]}}}]`.
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
    """`uniqueItems` in time that grows only with the size of the value.

    Compares a text of each item that equal items share (JSON Schema core, 4.2.2). The library compares every two items
    with equal hashes, and equal hashes are easy to make: it hashes numbers as doubles, and arrays without their
    brackets. Ten thousand numbers above 2^53 took it 22 s.

    Args:
        _schema: the schema that contains the keyword.
        wanted: the keyword's value.
        _path: the path of the keyword.
    """

    def __init__(self, _schema: dict[str, object], wanted: object, _path: list[str | int]) -> None:
        self._wanted = wanted is True

    def validate(self, value: object) -> None:
        """Raises ValueError if an array contains an item twice."""
        if self._wanted and isinstance(value, list) and len(set(map(_spell_item, value))) < len(value):
            raise ValueError


def _spell_item(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_spell_item, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_spell_item(each)}' for name, each in sorted(value.items()))}}}"
    if isinstance(value, float) and value.is_integer():
        from decimal import Decimal  # few values need it

        return f"{int(Decimal(repr(value))):x}"  # 1.0 equals 1, and 1e300 equals 1 with 300 zeros
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:x}"  # hex has no limit of digits and takes linear time
    return json.dumps(value)
