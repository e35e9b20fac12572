"""Resource types as CloudFormation publishes them: the schemas that cfn-lint ships."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]  # ships no types

_FOLDER = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"


@functools.cache
def _schemas() -> dict[str, dict[str, Any]]:
    found = (json.loads(path.read_text()) for path in sorted(_FOLDER.glob("*.json")))
    return {each["typeName"]: each for each in found if "typeName" in each}


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a resource type."""
    return _schemas()[kind]


def permissions(kind: str) -> set[str]:
    """The actions that creating, reading, updating and deleting such a resource may need."""
    handlers = schema_of(kind).get("handlers", {})
    return {action for handler in handlers.values() for action in handler.get("permissions", [])}
