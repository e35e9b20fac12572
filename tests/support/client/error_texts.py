"""Every text that an error exposes: its own, its causes' and contexts', and the variables of our frames."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

_OURS = tuple(str(Path(__file__).parents[3] / each) for each in ("client", "configsvc"))
_DEEP = 6


def collect_texts(error: BaseException) -> str:
    """Collects every text of an error and of its causes and contexts, which `from None` only hides.

    Like an error tracker, it reads the variables of our frames in the traceback and takes mappings and sequences apart,
    whatever their `repr`. Frames of the test are skipped: they hold what the test put there.
    """
    texts: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), repr(each.args), repr(vars(each)), *traceback.format_exception(each)]
        texts += _iterate_variables(each)
        waiting += [each.__cause__, each.__context__]
    return "\n".join(texts)


def _iterate_variables(error: BaseException) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(_OURS):
            for value in frame.f_locals.values():
                yield from _iterate_parts(value, _DEEP)


def _iterate_parts(value: object, depth: int) -> Iterator[str]:
    yield repr(value)
    if depth and isinstance(value, Mapping):
        for each in value.values():
            yield from _iterate_parts(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _iterate_parts(each, depth - 1)
