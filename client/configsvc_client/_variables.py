"""Keys as environment variables: `db.url` is DB_URL. What `configsvc exec` and `configsvc_client.environment` go by."""

from __future__ import annotations

from collections.abc import Mapping

from configsvc.model.errors import Unprocessable

_RENAMED = str.maketrans(".-", "__")


def name_of(key: str) -> str:
    """The variable of a key: upper case, `.` and `-` as `_`."""
    return key.upper().translate(_RENAMED)


def variables(values: Mapping[str, bytes]) -> dict[str, str]:
    """The variables of all values, which come as they are stored.

    Raises:
        Unprocessable: two keys have the same variable, or a value cannot stand in one. Names keys, never values.
    """
    keys: dict[str, str] = {}
    found: dict[str, str] = {}
    for key, data in values.items():
        name = name_of(key)
        if name in keys:
            raise Unprocessable(f"{keys[name]} and {key} would both be {name}. Rename one of them.", key=key)
        keys[name] = key
        found[name] = _text(key, data)
    return found


def _text(key: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None  # raised below: as its context, this one would show the value
    if text is None:
        raise Unprocessable(f"{key} holds bytes, which no variable can. Read it by itself.", key=key)
    if "\0" in text:
        raise Unprocessable(f"{key} holds a NUL, which no variable can. Read it by itself.", key=key)
    return text
