"""Parsed JSON, protected against mistakes: all readers share one object, so nobody should write into it.

For reading (`isinstance`, `json.dumps`, comparison, unpacking) it is a `dict` or a `list`. The usual ways of writing
raise an error. `.plain()`, `.copy()`, `copy`, pickle and the constructor return ordinary objects.

Because it is a real dict or list, code that bypasses its methods can still write into it, and all readers see the
change: `heapq.heapify(value)`, `list.append(value, …)`, `dict.update(value, …)`, and `eval("…", value)` and `exec`,
which put `__builtins__` into their globals. Pass `value.plain()` to these.

Sentry and rich have hooks that ask an object how to show it: these return only the size. Tools without such a hook
show the content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING, Any, NoReturn

_REASON = "config is read-only; change a copy of it: value.plain()"


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError(_REASON)


class _Sized:
    """Shows only the size to error trackers that have a hook for it."""

    __slots__ = ()

    def __sentry_repr__(self: Sized) -> str:
        return f"{type(self).__name__}({len(self)} members)"

    def __rich_repr__(self: Sized) -> Iterator[str]:
        yield f"{len(self)} members"


class FrozenDict(_Sized, dict[str, Any]):
    """A JSON object."""

    __slots__ = ()

    __init__ = __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    if not TYPE_CHECKING:  # `dataclasses.asdict` copies with type(value)(…): that returns an ordinary one
        fromkeys = dict.fromkeys

        def __new__(cls, *values: object, **members: object) -> dict[str, Any]:
            return dict(*values, **members)

    def plain(self) -> dict[str, Any]:
        """Returns an ordinary deep copy: change it, or pass it to code that needs a plain object."""
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
        """Returns an ordinary deep copy: change it, or pass it to code that needs a plain object."""
        return [thaw(value) for value in self]

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: object) -> list[Any]:
        return self.plain()

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (self.plain(),)


def freeze(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Returns a read-only version of parsed JSON, at all levels."""
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
    """Returns an ordinary deep copy."""
    return value.plain() if isinstance(value, FrozenDict | FrozenList) else value
