"""A value that does not show itself, and the hooks by which error trackers ask an object how to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

_MASK = "***"


class ReprOnly:
    """Shows itself by its `repr`, to error trackers as well.

    These are the hooks of those that have one. The others, such as rich, Logfire and structlog, take the `repr` of what
    is no mapping, sequence or dataclass: so nothing that holds values is one of these.
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        # What evaluates the expressions in a line, such as Sentry with pure_eval, reads attributes without running
        # code. It, as `inspect.getattr_static`, leaves alone what has a `__dict__` of its own making.
        __dict__ = property(lambda _: {})

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_") or name.endswith("__")]

    def __init_subclass__(cls) -> None:
        """Slots are made and no longer listed: whatever takes objects apart goes by that list."""
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
    """A value that is masked wherever it could be written by mistake. `reveal` gives it out.

    The value is in no attribute, so that what walks through the parts of objects does not come across it.
    """

    __slots__ = ("reveal",)

    if TYPE_CHECKING:

        def reveal(self) -> Any:  # noqa: ANN401  # text, bytes or any JSON
            """The value itself: str, bytes or parsed JSON, by its content type."""

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
        return self  # `dataclasses.asdict` and pydantic's deep copies take it along, masked as it is

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled; pass what it reveals where it is needed")


def mask(text: str | bytes | Secret) -> Secret:
    """A credential, so that no frame and no log shows it: it is revealed where it is written to a socket."""
    return text if isinstance(text, Secret) else Secret(text)


def unmask(value: Any) -> Any:  # noqa: ANN401  # a header or a body, masked or not
    """What is behind the mask, or the value itself where there is none."""
    return value.reveal() if isinstance(value, Secret) else value


__all__ = ["Environ", "Hidden", "HiddenMapping", "drop_frames", "hide_environ", "make_view"]

Raised = TypeVar("Raised", bound=BaseException)

if TYPE_CHECKING:
    from collections.abc import Mapping as HiddenMapping
    from typing import NamedTuple as Hidden
else:

    class _HiddenType(type):
        """Makes properties of annotations; a value beside one is its default."""

        def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> type:
            fields = tuple(members.get("__annotations__", ()))
            defaults = {field: members.pop(field) for field in fields if field in members}
            getters = {field: property(_part(field)) for field in fields}
            about = {"__slots__": (), "_names": fields, "_defaults": defaults}
            return super().__new__(cls, name, bases, {**about, **members, **getters})

    def _part(field: str) -> Callable[[Hidden], object]:
        return lambda record: record._parts()[field]  # noqa: SLF001  # of this module

    class Hidden(ReprOnly, metaclass=_HiddenType):
        """A record: to a type checker a `NamedTuple`, but no tuple and not unpacked."""

        __slots__ = ("_parts",)

        def __init__(self, *values: object, **named: object) -> None:
            parts = {**self._defaults, **dict(zip(self._names, values, strict=False)), **named}
            if parts.keys() != set(self._names) or len(values) > len(self._names):
                raise TypeError(f"{type(self).__name__} takes {', '.join(self._names)}, each once")
            object.__setattr__(self, "_parts", lambda: parts)

        def __setattr__(self, name: str, value: object) -> NoReturn:
            raise AttributeError(f"a {type(self).__name__} does not change")

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self) and other._parts() == self._parts()

        def __hash__(self) -> int:
            return hash(tuple(self._parts().values()))

        def __repr__(self) -> str:
            return f"{type(self).__name__}(***)"

        def __reduce_ex__(self, protocol: object) -> NoReturn:
            raise TypeError(f"a {type(self).__name__} may hold secrets and is not pickled or copied")

        def _replace(self, /, **named: object) -> Hidden:
            return type(self)(**{**self._parts(), **named})

    class HiddenMapping(ReprOnly):
        """A mapping to read: to a type checker a `Mapping`, at run time not registered as one."""

        __slots__ = ()
        __reversed__ = None  # as of a Mapping: else Python would read the keys 0, 1, …

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
            raise TypeError(f"a {type(self).__name__} holds secrets and is not pickled or copied")


class _View(ReprOnly):
    """The values or items of a mapping, as it is each time that they are asked for."""

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


def make_view(of: Any, what: str, each: Callable[[], Iterator[object]]) -> Any:  # noqa: ANN401  # to a type checker a view
    """The values or items of a mapping that walks over them in its own way."""
    return _View(of, what, each)


class Environ(HiddenMapping[str, str]):
    """Variables, read by their names: those of a process hold its credentials."""

    __slots__ = ("_all",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._all: Callable[[], Mapping[str, str]] = lambda: environ

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # as of a Mapping
        """A variable, or the default."""
        return self._all().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"Environ({len(self)} variables)"


def hide_environ(environ: Mapping[str, str]) -> Environ:
    """The variables of an environment, not to be shown."""
    return environ if isinstance(environ, Environ) else Environ(environ)


def drop_frames(error: Raised) -> Raised:
    """An error that was caught, to be raised again from a frame that holds no value: its own had them in hand."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
