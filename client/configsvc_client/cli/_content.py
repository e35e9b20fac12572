"""Whether a value is what its content type says. A writer who seals cannot be checked by the service."""

from __future__ import annotations

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc.model.entry import ContentType
from configsvc.model.errors import Unprocessable
from configsvc_client.cli.formats._json_tokens import members


def check(key: str, data: bytes, content_type: ContentType) -> None:
    """Refuse what cannot be read as its content type.

    Raises:
        Unprocessable: names the key. Nothing of the value is in it, nor in its context.
    """
    if not _is_so(data, content_type):
        raise Unprocessable(
            f"{key} is stored as {content_type}, and its value is not that. `configsvc get {key}` in a pipe prints it "
            f"exactly; `configsvc log --key {key}` says who stored it.", key=key,
        )  # fmt: skip


def indented(data: bytes) -> bytes | None:
    """JSON for an editor, its numbers as they are spelled; None for what is not JSON, or has a name twice."""
    try:
        found = json_text.parse(data)
        return None if members(data.decode()).fault else json_text.render(found, 2).encode() + b"\n"
    except (ValueError, RecursionError):
        return None


def _is_so(data: bytes, content_type: ContentType) -> bool:
    try:
        if KINDS[content_type].is_json:
            json_text.parse(data)
        elif KINDS[content_type].is_text:
            data.decode()
    except (ValueError, RecursionError):
        return False
    return True
