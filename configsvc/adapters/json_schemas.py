"""JSON Schema by jsonschema-rs: compiled, patterns matched in linear time, nothing fetched.

It loads with the first use, for most writes need no schema.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING

from cachetools import LRUCache

from configsvc.model.schema import pointer
from configsvc.service.ports import Misfit

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

COMPILED = 64
PATTERN_BYTES = 1024 * 1024
"""Bytes of one compiled pattern: `\\p{L}{1,20}`, letters of all scripts, takes some hundred thousand."""


class JsonSchemas:
    """Draft 2020-12 with formats asserted; keeps the schemas compiled last."""

    def __init__(self) -> None:
        self._compiled: LRUCache[str, Draft202012Validator] = LRUCache(COMPILED)
        self._lock = Lock()

    def fault(self, schema: str) -> str | None:
        """A JSON pointer to where the text is no schema, None where it is one."""
        from jsonschema_rs import ReferencingError, ValidationError

        try:
            _compiled(schema)
        except ValidationError as error:
            return pointer(error.instance_path)
        except (ReferencingError, ValueError):
            return ""
        return None

    def misfit(self, schema: str, value: object) -> Misfit | None:
        """Where the value first fails, None when it holds."""
        from jsonschema_rs import ValidationError

        validator = self._validator(schema)
        try:
            validator.validate(value)
        except ValidationError as error:
            return Misfit(pointer(error.instance_path), pointer(error.schema_path))
        except ValueError:  # half a surrogate pair, or nested too deep
            return Misfit("", "")
        return None

    def _validator(self, schema: str) -> Draft202012Validator:
        with self._lock:
            known = self._compiled.get(schema)
        if known is None:
            known = _compiled(schema)
            with self._lock:
                self._compiled[schema] = known
        return known


def _compiled(schema: str) -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator, RegexOptions

    return Draft202012Validator(
        json.loads(schema),
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=RegexOptions(size_limit=PATTERN_BYTES),
        offline=True,
    )
