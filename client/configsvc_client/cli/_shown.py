"""A value that is to be shown."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc_client.cli._content import check
from configsvc_client.cli._output import Field

if TYPE_CHECKING:
    from configsvc_client.admin import Opened


def members(opened: Opened) -> dict[str, Field]:
    """The value in JSON: text, or the JSON itself with its numbers as spelled; bytes in `base64`.

    Raises:
        Unprocessable: it is not what its content type says.
    """
    check(opened.key, opened.data, opened.content_type)
    if not KINDS[opened.content_type].is_text:
        return {"base64": base64.b64encode(opened.data).decode()}
    text = opened.data.decode()
    return {"value": json_text.parse(text) if KINDS[opened.content_type].is_json else text}
