"""The cost of checking a value against a schema, computed in advance: parts of the schema times size of the value.

Parts and sizes are weighted so that all steps take about the same time. The most expensive steps are comparing two
numbers, and matching a byte of text with a large pattern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from configsvc.model.schema import ANNOTATIONS, REFERENCE, list_subschemas

_BYTES = 16
"""Bytes of text that count as one JSON value."""

_FACTORS = {"multipleOf": 8, "enum": 2, "const": 2}
"""Keywords that take longer per value, because they compute with exact numbers."""

_TINY = 15
"""Extra cost of a number such as 1e-300, which is compared as an exact fraction."""
_FRACTION = re.compile("[0-9][eE]-")

PatternCost = Callable[[str], int]
"""The number of parts that a regular expression counts as, by its compiled size."""


class SchemaWeight(NamedTuple):
    """The weight of a schema.

    Args:
        parts: subschemas, each definition wherever it is used, and the values they compare with.
        patterns: the weight of its regular expressions.
    """

    parts: int
    patterns: int = 0

    def __add__(self, other: object) -> SchemaWeight:
        return (
            SchemaWeight(self.parts + other.parts, self.patterns + other.patterns)
            if isinstance(other, SchemaWeight)
            else self
        )

    def work(self, size: ValueSize) -> int:
        """Steps to check a value of this size."""
        return self.parts * (size.values + size.text) + self.patterns * size.text


class ValueSize(NamedTuple):
    """The size of a value: its JSON values, including member names, and its text in units of 16 bytes."""

    values: int
    text: int


def weigh_schema(schema: str, pattern_cost: PatternCost) -> SchemaWeight:
    """The weight of a schema that `configsvc.model.schema` accepted."""
    return _Weighing(json.loads(schema), pattern_cost).total()


def measure_value(text: str, *, is_json: bool) -> ValueSize:
    """Estimates the size of a value from its text; never below the actual size."""
    values = sum(text.count(each) for each in ",:[{") + _TINY * len(_FRACTION.findall(text)) if is_json else 0
    return ValueSize(values + 1, len(text.encode(errors="surrogatepass")) // _BYTES + 1)


@lru_cache(256)
def _measure_canonical(canonical: str) -> int:
    found = measure_value(canonical, is_json=True)
    return found.values + found.text


class _Weighing:
    """Weighs one schema. The weight of each definition is computed once."""

    def __init__(self, schema: Mapping[str, object], pattern_cost: PatternCost) -> None:
        self._schema, self._pattern_cost = schema, pattern_cost
        self._known: dict[str, SchemaWeight] = {}

    def total(self) -> SchemaWeight:
        return self._subschema({name: each for name, each in self._schema.items() if name != "$defs"})

    def _subschema(self, schema: object) -> SchemaWeight:
        found = SchemaWeight(1)
        for name, each in schema.items() if isinstance(schema, Mapping) else ():
            found += self._keyword(name, each)
        return found

    def _keyword(self, name: str, value: object) -> SchemaWeight:
        if name in ANNOTATIONS:
            return SchemaWeight(0)
        if name == "$ref":
            return self._definition(str(value))
        if name == "pattern":
            return SchemaWeight(1, self._pattern_cost(str(value)))
        found = SchemaWeight(0, sum(map(self._pattern_cost, _list_names(value))) if name == "patternProperties" else 0)
        below = list_subschemas(name, value)
        for each in below or ():
            found += self._subschema(each)
        if below is not None:
            return found
        return SchemaWeight(_FACTORS.get(name, 1) * _measure_canonical(json.dumps(value)))

    def _definition(self, reference: str) -> SchemaWeight:
        named = REFERENCE.fullmatch(reference)
        definitions = self._schema.get("$defs")
        if named is None or not isinstance(definitions, Mapping):
            return SchemaWeight(0)
        name = named.group(1)
        if name not in self._known:
            self._known[name] = self._subschema(definitions.get(name))
        return self._known[name]


def _list_names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, Mapping) else []
