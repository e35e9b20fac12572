"""Formats that hold texts only: JSON is told by a comment on the line above, bytes cannot be held."""

from __future__ import annotations

import re

from configsvc.model.entry import ContentType
from configsvc_client.cli.formats._row import Problem, Value

JSON_COMMENT = "# configsvc: application/json"

_COMMENT = re.compile(r"\s*# *configsvc: *application/json\s*")


def is_json_comment(line: str) -> bool:
    """Whether the line says that the value on the next one is JSON."""
    return bool(_COMMENT.fullmatch(line))


def type_after(commented: bool) -> ContentType:  # noqa: FBT001  # whether the comment stood there is all there is
    """The content type of a value, by whether the comment stands above it."""
    return "application/json" if commented else "text/plain"


def text_of(value: Value) -> str | Problem:
    """The value's text, or that it has none."""
    if value.content_type == "application/octet-stream":
        return Problem("", value.key, "bytes, which this format cannot hold; yaml, json, csv and k8s-secret can")
    return value.data.decode()
