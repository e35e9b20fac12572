"""Whether two stored values are the same to whoever reads them. The only answer to that question."""

from __future__ import annotations

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc.model.entry import ContentType


def same_value(content_type: ContentType, a: bytes, b: bytes) -> bool:
    """Whether two values of one content type are the same.

    Text and bytes are compared byte by byte. JSON is compared by what it says: white space, the order of members and
    escapes in texts do not matter. Numbers are compared as they are spelled, so `1.1` and `1.10` differ and a change
    of spelling can be stored; so do `1` and `true`. What is no JSON is compared byte by byte.

    Args:
        content_type: of both. Values of different content types are never the same.
        a: one value, in the clear.
        b: the other.
    """
    if a == b or not KINDS[content_type].is_json:
        return a == b
    try:
        return json_text.parse(a) == json_text.parse(b)
    except (ValueError, RecursionError):
        return False
