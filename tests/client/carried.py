"""What an error shows to whoever has it: not only its own text, but what it came from, which `from None` only hides."""

from __future__ import annotations

import traceback


def carried(error: BaseException) -> str:
    """Everything on an error and on all its causes and contexts.

    What the frames of a traceback hold in locals is left out: the code that opens a value has it in its hands, and only
    a debugger looks there.
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
        waiting += [each.__cause__, each.__context__]
    return "\n".join(texts)
