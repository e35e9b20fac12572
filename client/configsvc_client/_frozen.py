"""Parsed JSON that cannot be changed: every reader is handed the same object, so nobody may write into it.

They are a `dict` and a `list` to everything that reads (`isinstance`, `json.dumps`, comparison, unpacking); what writes
raises. `.copy()`, `copy.copy`, `copy.deepcopy` and pickle give ordinary ones.

Sentry and rich ask them how they are shown, and get their size. Those that
ask a dict for no hook show what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any, NoReturn

_REASON = "config is read-only; change a copy of it: copy.deepcopy(value)"


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError(_REASON)


class _Sized:
    """Shows trackers that have a hook for it how much there is."""

    __slots__ = ()

    def __sentry_repr__(self: Sized) -> str:
        return f"{type(self).__name__}({len(self)} members)"

    def __rich_repr__(self: Sized) -> Iterator[str]:
        yield f"{len(self)} members"


class FrozenDict(_Sized, dict[str, Any]):
    """A JSON object."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {key: thawed(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (self.__deepcopy__(None),)


class FrozenList(_Sized, list[Any]):
    """A JSON array."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = remove = _refuse
    reverse = sort = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [thawed(value) for value in self]

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (self.__deepcopy__(None),)


def frozen(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """What `json.loads` made, read-only all the way down."""
    if isinstance(value, dict):
        return FrozenDict({key: frozen(each) for key, each in value.items()})
    if isinstance(value, list):
        return FrozenList([frozen(each) for each in value])
    return value


def thawed(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """An ordinary copy of it, all the way down."""
    return value.__deepcopy__(None) if isinstance(value, FrozenDict | FrozenList) else value
