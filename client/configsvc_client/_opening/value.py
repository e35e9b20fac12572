"""Turn an entry into the value that a reader gets: str, parsed JSON or bytes, by its content type.

Errors of json, codecs and conversions show the value, and `from None` still keeps them as `__context__`. So errors are
raised here only after the `except` block has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

from configsvc.model.errors import CannotOpen
from configsvc.model.snapshot import ContentType

if TYPE_CHECKING:
    from configsvc_client._secret import Secret

if TYPE_CHECKING:
    JSON: TypeAlias = str | int | float | bool | Sequence["JSON"] | Mapping[str, "JSON"] | None
    ConfigValue: TypeAlias = str | bytes | JSON
else:  # evaluating the recursive type would cost each cold start a millisecond
    JSON = ConfigValue = Any
"""Text is `str`, JSON is the read-only result of `json.loads`, bytes are `bytes`."""

Converted = TypeVar("Converted")

_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_EXACT = 2**53
"""From here on, several whole numbers share one float."""


def read_value(key: str, content_type: ContentType, plaintext: Secret) -> ConfigValue:
    """Reads the value of an opened or plain entry.

    Raises:
        CannotOpen: it does not match its content type; the message does not show it.
    """
    try:
        return _read_plaintext(content_type, plaintext.reveal())
    except (ValueError, RecursionError) as error:
        from configsvc_client._interrupts import prefer_interrupt

        failed = prefer_interrupt(
            error,
            CannotOpen(f"{key} is not valid {content_type}, which is its content type. Put it again.", key=key),
        )
    raise failed


def _read_plaintext(content_type: ContentType, plaintext: bytes | str) -> ConfigValue:
    return READERS[content_type](plaintext)


def _read_bytes(plaintext: bytes | str) -> bytes:
    if isinstance(plaintext, str):
        raise ValueError  # noqa: TRY004  # like any other malformed content; bytes have no plain form
    return plaintext


def _read_text(plaintext: bytes | str) -> str:
    return plaintext if isinstance(plaintext, str) else plaintext.decode()


def _read_json(plaintext: bytes | str) -> ConfigValue:
    text = _read_text(plaintext)
    from configsvc_client._opening.frozen import freeze

    found: ConfigValue = freeze(json.loads(text))
    return found


READERS: Mapping[ContentType, Callable[[bytes | str], ConfigValue]] = {
    "text/plain": _read_text,
    "application/json": _read_json,
    "application/octet-stream": _read_bytes,
}
"""How to read a plaintext, by content type."""


def convert_value(key: str, snapshot: Mapping[str, ConfigValue], as_: Callable[[Any], Converted]) -> Converted:
    """Converts the value of a key. Python's own types accept only values that keep their meaning: see `_TYPES`.

    Any other type or function is called with the value. No frame of an error raised here holds the value.

    Raises:
        CannotOpen: the key does not open.
        ValueError: it cannot be converted; names the key, the type and what that accepts, never the value.
    """
    snapshot[key]  # raises if it does not open
    try:
        return _choose_conversion(as_)(snapshot[key])
    except Exception as error:  # noqa: BLE001  # a conversion may raise anything
        from configsvc_client._interrupts import prefer_interrupt

        failed = prefer_interrupt(error, ValueError(f"{key} cannot be read as {_describe_type(as_)}"))
    raise failed


def _choose_conversion(as_: Callable[[Any], Converted]) -> Callable[[Any], Converted]:
    name = _name_type(as_)
    if name in _EXACT_NUMBERS:
        return lambda value: _require_finite(as_(_to_number_text(value)))
    if name in _ARRAYS or name in _OBJECTS:
        kind = list if name in _ARRAYS else dict
        return lambda value: as_(_copy_plain(kind, value))
    return _TYPES[name][0] if name in _TYPES else _choose_base_conversion(as_)


def _choose_base_conversion(as_: Callable[[Any], Converted]) -> Callable[[Any], Converted]:
    """Chooses the conversion of a subclass: that of its base class, but subclasses of numbers get text as it is."""
    base = next((each for each in (int, float, str, bytes) if isinstance(as_, type) and issubclass(as_, each)), None)
    if base is None:
        return as_
    first = _TYPES[_name_type(base)][0]
    return lambda value: as_(value if isinstance(value, str) and base in (int, float) else first(value))


def _name_type(as_: Any) -> str:  # noqa: ANN401  # any callable
    """Names a type with its module, so that none need be imported. `list[int]` and the like share one name."""
    kind = getattr(as_, "__origin__", as_)
    name = f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else ""
    return name if kind is as_ or name not in {*_TYPES, *_ARRAYS, *_OBJECTS} else _PARTS


def _describe_type(as_: Callable[[Any], Any]) -> str:
    name = _name_type(as_)
    shown = str(as_) if name == _PARTS else getattr(as_, "__name__", "that type")
    groups = ((_ARRAYS, _ARRAY), (_OBJECTS, _OBJECT), (_EXACT_NUMBERS, "finite numbers"))
    takes = next((text for names, text in groups if name in names), "")
    takes = _TYPES[name][1] if name in _TYPES else takes
    return f"{shown}, which takes {takes}" if takes else shown


def _to_text(value: ConfigValue) -> str:
    """Returns text as it is, bytes decoded, and JSON written out. Refuses null."""
    if value is None:
        raise TypeError
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_number_text(value: ConfigValue) -> str:
    """Returns a number as it is written: exact types would otherwise take the binary value of a float."""
    if type(value) in (str, bytes, int, float):
        return _to_text(value)
    raise TypeError


def _to_bool(value: ConfigValue) -> bool:
    return _WORDS[str(_to_int(value)) if isinstance(value, float) else _to_text(value).strip().lower()]


def _to_int(value: ConfigValue) -> int:
    if not isinstance(value, float):
        return int(_to_number_text(value))
    if not value.is_integer() or abs(value) >= _EXACT:
        raise ValueError
    return int(value)


def _require_finite(value: Any) -> Any:  # noqa: ANN401  # any number
    if value - value != 0:  # NaN or infinity
        raise ValueError
    return value


def _to_bytes(value: ConfigValue) -> bytes:
    return value if isinstance(value, bytes) else _copy_plain(str, value).encode()


def _copy_plain(kind: type, value: ConfigValue) -> Any:  # noqa: ANN401  # of that kind
    """Returns an ordinary copy of a value of that kind. Text is refused: it would fall apart into characters."""
    if not isinstance(value, kind):
        raise TypeError
    from configsvc_client._opening.frozen import thaw

    return thaw(value)


def _refuse(_: ConfigValue) -> NoReturn:
    raise TypeError


_EXACT_NUMBERS = ("decimal.Decimal", "fractions.Fraction")
_ARRAYS = ("builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "collections.deque")
_ARRAY = "a JSON array; for text pass a function, like as_=lambda text: text.split(',')"
_OBJECTS = ("collections.OrderedDict",)
_OBJECT = "a JSON object"
_PARTS = "list[int], …"
_TYPES: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "builtins.bool": (_to_bool, "true, false, yes, no, on, off, 1 and 0"),
    "builtins.int": (_to_int, "whole numbers"),
    "builtins.float": (lambda value: _require_finite(float(_to_number_text(value))), "finite numbers"),
    "builtins.str": (_to_text, "text, UTF-8 bytes and JSON other than null"),
    "builtins.bytes": (_to_bytes, "bytes and text"),
    "builtins.bytearray": (lambda value: bytearray(_to_bytes(value)), "bytes and text"),
    "builtins.dict": (lambda value: _copy_plain(dict, value), _OBJECT),
    _PARTS: (_refuse, "nothing: elements are not converted. Pass list or dict, or a function"),
}
"""The conversion to each of Python's own types, and a description of what it accepts."""
