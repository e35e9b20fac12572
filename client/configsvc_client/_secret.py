"""Masked values and records that logs, error trackers and debuggers cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

_MASK = "***"


class ReprOnly:
    """An object that error trackers show only by its `repr`.

    It implements the hooks of the trackers that have one. The others, such as rich, Logfire and structlog, use the
    `repr` of anything that is not a mapping, sequence or dataclass, so no object that holds values is one of these.
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        # Tools that evaluate the expressions in a line, such as Sentry with pure_eval, read attributes without running
        # code. Like `inspect.getattr_static`, they skip objects that define their own `__dict__`.
        __dict__ = property(lambda _: {})

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_") or name.endswith("__")]

    def __init_subclass__(cls) -> None:
        """Empties the list of slots after creating them: tools that take objects apart use that list."""
        super().__init_subclass__()
        cls.__slots__ = ()

    def __sentry_repr__(self) -> str:
        return repr(self)

    def __rollbar_repr__(self) -> str:
        return repr(self)

    def __elasticapm__(self) -> str:
        return repr(self)

    def __pretty__(self, fmt: Callable[[object], object], **_: object) -> Iterator[str]:  # devtools'
        del fmt
        yield repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001  # IPython's signature
        del cycle
        printer.text(repr(self))


class Secret(ReprOnly):
    """A value that is masked wherever it could be written by mistake. `reveal` returns it.

    No attribute holds the value, so tools that walk through the parts of objects do not find it.
    """

    __slots__ = ("reveal",)

    if TYPE_CHECKING:

        def reveal(self) -> Any:  # noqa: ANN401  # text, bytes or any JSON
            """The value itself: str, bytes or parsed JSON, depending on its content type."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # text, bytes or any JSON
        self.reveal = lambda: value  # type: ignore[method-assign]  # in a slot

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self  # `dataclasses.asdict` and pydantic's deep copies keep it masked

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; pass the value of reveal() where it is needed")


def mask(text: str | bytes | Secret) -> Secret:
    """Masks a credential so that no frame and no log shows it. It is revealed only when written to a socket."""
    return text if isinstance(text, Secret) else Secret(text)


def unmask(value: Any) -> Any:  # noqa: ANN401  # a header or a body, masked or not
    """Returns the value behind a mask; a value without a mask is returned as it is."""
    return value.reveal() if isinstance(value, Secret) else value


__all__ = ["Environ", "Hidden", "HiddenMapping", "drop_frames", "hide_environ", "make_view"]

Raised = TypeVar("Raised", bound=BaseException)

if TYPE_CHECKING:
    from collections.abc import Mapping as HiddenMapping
    from typing import NamedTuple as Hidden
else:

    class _HiddenType(type):
        """Turns annotations into properties; a value assigned to one is its default."""

        def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> type:
            fields = tuple(members.get("__annotations__", ()))
            defaults = {field: members.pop(field) for field in fields if field in members}
            getters = {field: property(_make_getter(field)) for field in fields}
            about = {"__slots__": (), "_names": fields, "_defaults": defaults}
            return super().__new__(cls, name, bases, {**about, **members, **getters})

    def _make_getter(field: str) -> Callable[[Hidden], object]:
        return lambda record: record._parts()[field]  # noqa: SLF001  # of this module

    class Hidden(ReprOnly, metaclass=_HiddenType):
        """A record: a `NamedTuple` to type checkers, but not a tuple at run time, so it cannot be unpacked."""

        __slots__ = ("_parts",)

        def __init__(self, *values: object, **named: object) -> None:
            parts = dict(zip(self._names, values, strict=False))
            if named or len(values) != len(self._names):
                parts = {**self._defaults, **parts, **named}
                if parts.keys() != set(self._names) or len(values) > len(self._names):
                    raise TypeError(f"{type(self).__name__} takes {', '.join(self._names)}, each once")
            object.__setattr__(self, "_parts", lambda: parts)

        def __setattr__(self, name: str, value: object) -> NoReturn:
            raise AttributeError(f"a {type(self).__name__} is read-only")

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self) and other._parts() == self._parts()

        def __hash__(self) -> int:
            return hash(tuple(self._parts().values()))

        def __repr__(self) -> str:
            return f"{type(self).__name__}(***)"

        def __reduce_ex__(self, protocol: object) -> NoReturn:
            raise TypeError(f"a {type(self).__name__} may hold secrets and cannot be pickled or copied")

        def _replace(self, /, **named: object) -> Hidden:
            return type(self)(**{**self._parts(), **named})

    class HiddenMapping(ReprOnly):
        """A read-only mapping: a `Mapping` to type checkers, but not registered as one at run time."""

        __slots__ = ()
        __reversed__ = None  # as in Mapping: otherwise Python would read the keys 0, 1, …

        def __class_getitem__(cls, _: object) -> type:
            return cls

        def keys(self) -> KeysView[str]:
            return KeysView(self)

        def values(self) -> Iterable[object]:
            return _View(self, "values", lambda: (self[key] for key in self))

        def items(self) -> Iterable[tuple[str, object]]:
            return _View(self, "items", lambda: ((key, self[key]) for key in self))

        def __eq__(self, other: object) -> bool:
            if not isinstance(other, Mapping | HiddenMapping):
                return NotImplemented
            return dict(self.items()) == dict(other.items())

        __hash__ = None

        def __getstate__(self) -> NoReturn:
            raise TypeError(f"a {type(self).__name__} holds secrets and cannot be pickled or copied")


class _View(ReprOnly):
    """A live view of a mapping's values or items."""

    __slots__ = ("_each", "_of", "_what")

    def __init__(self, of: Mapping[str, object], what: str, each: Callable[[], Iterator[object]]) -> None:
        self._of, self._what, self._each = of, what, each

    def __iter__(self) -> Iterator[object]:
        return self._each()

    def __len__(self) -> int:
        return len(self._of)

    def __contains__(self, wanted: object) -> bool:
        return wanted in self._each()

    def __repr__(self) -> str:
        return f"{self._what} of {self._of!r}"


def make_view(of: Any, what: str, each: Callable[[], Iterator[object]]) -> Any:  # noqa: ANN401  # a view to type checkers
    """Returns a view of the values or items of a mapping with its own iteration."""
    return _View(of, what, each)


class Environ(HiddenMapping[str, str]):
    """Environment variables, readable by name but hidden otherwise: a process keeps its credentials in them."""

    __slots__ = ("_all",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._all: Callable[[], Mapping[str, str]] = lambda: environ

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # as of a Mapping
        """Returns a variable, or the default."""
        return self._all().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"Environ({len(self)} variables)"


def hide_environ(environ: Mapping[str, str]) -> Environ:
    """Wraps an environment so that nothing shows its variables."""
    return environ if isinstance(environ, Environ) else Environ(environ)


def drop_frames(error: Raised) -> Raised:
    """Removes causes and traceback from a caught error, because its frames hold values. Raise the result again."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
