"""Parsed JSON, protected against mistakes: every reader is handed the same object, so nobody should write into it.

They are a `dict` and a `list` to everything that reads (`isinstance`, `json.dumps`, comparison, unpacking), and what
ordinary Python writes with raises. `.plain()`, `.copy()`, `copy`, pickle and the constructor give ordinary ones.

That they are a real dict and a real list has a price. Code that is handed one and writes past its methods is not
stopped, and all readers see what it wrote: `heapq.heapify(value)`, `list.append(value, …)`, `dict.update(value, …)`,
and `eval("…", value)` and `exec`, which put `__builtins__` into their globals. Hand these `value.plain()`.

Sentry and rich ask them how they are shown, and get their size. Those that
ask a dict for no hook show what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING, Any, NoReturn

_REASON = "config is read-only; change a copy of it: value.plain()"


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

    __init__ = __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    if not TYPE_CHECKING:  # type(value)(…), as `dataclasses.asdict` makes copies, gives an ordinary one
        fromkeys = dict.fromkeys

        def __new__(cls, *values: object, **members: object) -> dict[str, Any]:
            return dict(*values, **members)

    def plain(self) -> dict[str, Any]:
        """An ordinary copy of it, all the way down: yours to change, and to hand to code that takes nothing else."""
        return {key: thaw(value) for key, value in self.items()}

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return self.plain()

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (self.plain(),)


class FrozenList(_Sized, list[Any]):
    """A JSON array."""

    __slots__ = ()

    __init__ = __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = _refuse
    remove = reverse = sort = _refuse

    if not TYPE_CHECKING:

        def __new__(cls, *values: object) -> list[Any]:
            return list(*values)

    def plain(self) -> list[Any]:
        """An ordinary copy of it, all the way down: yours to change, and to hand to code that takes nothing else."""
        return [thaw(value) for value in self]

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: object) -> list[Any]:
        return self.plain()

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (self.plain(),)


def freeze(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """What `json.loads` made, read-only all the way down."""
    if isinstance(value, dict):
        members = dict.__new__(FrozenDict)
        dict.update(members, {key: freeze(each) for key, each in value.items()})
        return members
    if isinstance(value, list):
        elements = list.__new__(FrozenList)
        list.extend(elements, [freeze(each) for each in value])
        return elements
    return value


def thaw(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """An ordinary copy of it, all the way down."""
    return value.plain() if isinstance(value, FrozenDict | FrozenList) else value
