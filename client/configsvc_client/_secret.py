"""A value that does not show itself."""

from __future__ import annotations

from typing import Any, NoReturn

_MASK = "***"


class Secret:
    """A sealed value, opened; masked wherever it could be written by mistake. `reveal` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # text, bytes or any JSON
        self._value = value

    def reveal(self) -> Any:  # noqa: ANN401  # text, bytes or any JSON
        """The value itself: str, bytes or parsed JSON, by its content type."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied; pass what it reveals where it is needed")
