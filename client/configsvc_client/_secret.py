"""A value that does not show itself, and the hooks by which error trackers ask an object how to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

_MASK = "***"


class Shown:
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


class Secret(Shown):
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


def masked(text: str | bytes | Secret) -> Secret:
    """A credential, so that no frame and no log shows it: it is revealed where it is written to a socket."""
    return text if isinstance(text, Secret) else Secret(text)


def bare(value: Any) -> Any:  # noqa: ANN401  # a header or a body, masked or not
    """What is behind the mask, or the value itself where there is none."""
    return value.reveal() if isinstance(value, Secret) else value
