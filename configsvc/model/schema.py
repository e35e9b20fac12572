"""JSON Schema (draft 2020-12) for plain values, restricted to what can be checked in bounded time.

The cost of checking a value is bounded when a schema is set. `$ref` names a definition of the same schema and is never
recursive, so a schema with its definitions expanded is a finite tree, and the size of that tree is limited.
Patterns are few and short, and the adapter matches them in linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn

from configsvc.model import limits
from configsvc.model.encoding import to_canonical_json
from configsvc.model.errors import InvalidName, TooLarge, Unprocessable
from configsvc.model.grants import covers
from configsvc.model.names import Key
from configsvc.model.text import make_printable

DIALECT = "https://json-schema.org/draft/2020-12/schema"

KEYS = r"\*|[A-Za-z0-9_][A-Za-z0-9._-]{0,254}|[A-Za-z0-9_][A-Za-z0-9._-]{0,252}\.\*"

_KEYS = re.compile(KEYS)
REFERENCE = re.compile(r"#/\$defs/([A-Za-z0-9_.-]+)")

ONE = frozenset({"not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"})
SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_PLAIN = frozenset({
    "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties",
    "minProperties", "required", "dependentRequired", "format", "title", "description", "default", "deprecated",
    "readOnly", "writeOnly", "examples", "$comment",
})  # fmt: skip
ANNOTATIONS = frozenset({
    "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "$comment", "$schema",
})  # fmt: skip
"""Keywords that describe and check nothing."""
_TOP = frozenset({"$schema", "$defs"})


class KeySchema(NamedTuple):
    """A schema as canonical JSON, and the keys whose plain values it applies to: exact, `prefix.*` or `*`."""

    keys: str
    schema: str


def parse_key_schema(keys: str, schema: Mapping[str, object]) -> KeySchema:
    """Parses and checks a schema for some keys.

    Raises:
        InvalidName: an invalid key pattern.
        TooLarge: a schema above the limits.
        Unprocessable: an unsupported keyword, or an external or recursive reference; `pointer` names it.
    """
    if not _KEYS.fullmatch(keys):
        raise InvalidName("A key pattern must be a key (db.pool), a prefix (limits.*) or *.", field="schemas")
    try:
        text = to_canonical_json(schema)
    except (ValueError, RecursionError):
        raise Unprocessable(
            "The schema is not valid JSON: a number is not finite, or a character is incomplete.", field="schemas"
        ) from None
    if len(text) > limits.SCHEMA_BYTES:
        raise TooLarge(
            f"A schema can have at most {limits.SCHEMA_BYTES} bytes.", limit=limits.SCHEMA_BYTES, field="schemas"
        )
    _Walk(schema).check()
    return KeySchema(keys, text.decode())


def check_schema_set(schemas: tuple[KeySchema, ...]) -> tuple[KeySchema, ...]:
    """Checks all schemas of a namespace together, and returns them.

    Raises:
        TooLarge, Unprocessable: too many bytes, or a duplicate key pattern.
    """
    if sum(len(each.schema.encode()) for each in schemas) > limits.SCHEMAS_BYTES or len(schemas) > limits.SCHEMAS:
        raise TooLarge(
            f"A namespace can have at most {limits.SCHEMAS} schemas with {limits.SCHEMAS_BYTES} bytes in total.",
            limit=limits.SCHEMAS_BYTES, field="schemas",
        )  # fmt: skip
    if len({each.keys for each in schemas}) != len(schemas):
        raise Unprocessable("Use each key pattern only once.", field="schemas")
    if sum(_Walk(load_schema(each)).patterns() for each in schemas) > limits.SCHEMAS_PATTERNS:
        raise TooLarge(
            f"The schemas of a namespace can have at most {limits.SCHEMAS_PATTERNS} patterns in total.",
            limit=limits.SCHEMAS_PATTERNS, field="schemas",
        )  # fmt: skip
    return schemas


def select_schemas(schemas: Iterable[KeySchema], key: Key) -> list[KeySchema]:
    """All schemas that apply to plain values of the key."""
    return [each for each in schemas if covers(each.keys, key)]


def render_pointer(path: Iterable[str | int]) -> str:
    """Renders a JSON pointer (RFC 6901); one that is too long ends in `…`."""
    text = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return make_printable(text if len(text) <= limits.POINTER else text[: limits.POINTER] + "…")


_Path = tuple[str | int, ...]


class _Walk:
    """Walks one schema with its definitions expanded. The size of each definition is computed once."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        self._schema = schema
        definitions = schema.get("$defs", {})
        self._definitions = definitions if isinstance(definitions, Mapping) else {}
        self._sizes: dict[str, int] = {}
        self._open: set[str] = set()
        self._patterns = 0

    def check(self) -> None:
        if self._schema.get("$schema", DIALECT) != DIALECT:
            _refuse(("$schema",), f"$schema must be {DIALECT}.")
        if not isinstance(self._schema.get("$defs", {}), Mapping):
            _refuse(("$defs",), "$defs must be an object of schemas by name.")
        for name in self._definitions:
            self._definition(name, ("$defs",), 1)
        own = {keyword: value for keyword, value in self._schema.items() if keyword not in _TOP}
        if self._size(own, (), 1) > limits.SCHEMA_NODES:
            raise TooLarge(
                f"A schema has at most {limits.SCHEMA_NODES} subschemas, counting definitions wherever they are used.",
                limit=limits.SCHEMA_NODES, field="schemas",
            )  # fmt: skip

    def patterns(self) -> int:
        """The number of regular expressions in an accepted schema."""
        self.check()
        return self._patterns

    def _definition(self, name: str, at: _Path, depth: int) -> int:
        if name not in self._definitions:
            _refuse(at, "This definition is not in $defs.")
        if name in self._open:
            _refuse(
                at, "A definition must not refer to itself, because the cost of checking a value would be unbounded."
            )
        if name not in self._sizes:
            self._open.add(name)
            self._sizes[name] = self._size(self._definitions[name], ("$defs", name), depth + 1)
            self._open.remove(name)
        return self._sizes[name]

    def _size(self, schema: object, at: _Path, depth: int) -> int:
        """The number of subschemas in a schema, including itself."""
        if depth > limits.SCHEMA_DEPTH:
            _refuse(at, f"Schemas can be nested at most {limits.SCHEMA_DEPTH} deep, including definitions.")
        if isinstance(schema, bool):
            return 1
        if not isinstance(schema, Mapping):
            _refuse(at, "A schema must be an object, true or false.")
        return 1 + sum(self._keyword(keyword, value, (*at, keyword), depth) for keyword, value in schema.items())

    def _keyword(self, keyword: str, value: object, at: _Path, depth: int) -> int:
        if keyword == "$ref":
            found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
            return (
                self._definition(found.group(1), at, depth) if found else _refuse(at, "A $ref must be #/$defs/<name>.")
            )
        if keyword == "pattern":
            self._pattern(value, at)
        if keyword == "patternProperties" and isinstance(value, Mapping):
            for each in value:
                self._pattern(each, at)
        subschemas = _walk_subschemas(keyword, value, at)
        return sum(self._size(each, (*at, *step), depth + 1) for step, each in subschemas)

    def _pattern(self, value: object, at: _Path) -> None:
        self._patterns += 1
        if not isinstance(value, str) or len(value) > limits.SCHEMA_PATTERN or self._patterns > limits.SCHEMA_PATTERNS:
            _refuse(
                at,
                f"A schema can have at most {limits.SCHEMA_PATTERNS} patterns of {limits.SCHEMA_PATTERN} characters.",
            )


def _walk_subschemas(keyword: str, value: object, at: _Path) -> list[tuple[_Path, object]]:
    if keyword in _PLAIN:
        return []
    if keyword in ONE:
        return [((), value)]
    if keyword in SEVERAL and isinstance(value, list):
        return [((number,), each) for number, each in enumerate(value)]
    if keyword in NAMED and isinstance(value, Mapping):
        return [((name,), each) for name, each in value.items()]
    return _refuse(
        at, "This keyword is not supported. $id, anchors, recursion and unevaluated* are excluded on purpose."
    )


def list_subschemas(keyword: str, value: object) -> list[object] | None:
    """The subschemas in a keyword of an accepted schema; None for a keyword that cannot contain any."""
    if keyword in ONE:
        return [value]
    if keyword in SEVERAL and isinstance(value, list):
        return value
    if keyword in NAMED and isinstance(value, Mapping):
        return list(value.values())
    return None


def _refuse(at: _Path, why: str) -> NoReturn:
    raise Unprocessable(why, field="schemas", pointer=render_pointer(at))


def load_schema(schema: KeySchema) -> dict[str, object]:
    """The schema as a JSON object."""
    found: dict[str, object] = json.loads(schema.schema)
    return found
