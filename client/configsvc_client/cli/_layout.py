"""How a table fits on a terminal: in columns, or where those are too narrow, each row as a record of its own."""

from __future__ import annotations

from collections.abc import Sequence

from configsvc_client.cli._fold import fold, height, longest_part, longest_word, widest

GAP = 2
"""Cells between two columns, and before what is below its label."""

LIMITLESS = 1_000_000
"""A width that folds nothing."""

Row = Sequence[str]


def columns(headings: Row, rows: Sequence[Row], width: int | None) -> list[int] | None:
    """The width of each column; None where records read better.

    Args:
        headings: one for each column, empty ones where none is shown.
        rows: cells by column.
        width: of the terminal; None does not fold.
    """
    cells = [(heading, *(row[at] for row in rows)) for at, heading in enumerate(headings)]
    natural = [max(1, widest(each)) for each in cells]
    if width is None:
        return natural
    room = width - GAP * (len(headings) - 1)
    if sum(natural) <= room:
        return natural
    for longest in (longest_word, longest_part):
        least = [max(1, longest(each, width)) for each in cells]
        if sum(least) <= room:
            found = min(
                (_shrunk(natural, least, room), _first(natural, least, room)), key=lambda each: _tall(rows, each)
            )
            return found if _tall(rows, found) <= _height_of_records(headings, rows, width) else None
    return None


def records(
    headings: Row, rows: Sequence[Row], width: int | None, *, empty: bool = False
) -> list[list[tuple[str, str]]]:
    """For each row its lines, as label and text. A label is beside its value, or above one that does not fit there.

    Fields without a value are left out, unless `empty` asks for them.
    """
    beside = _beside(headings, width)
    return [
        [
            line
            for heading, cell in zip(headings, row, strict=True)
            if cell or empty
            for line in _field(heading, cell, beside, width)
        ]
        for row in rows
    ]


def _beside(headings: Row, width: int | None) -> int:
    """The width of the labels with a value beside them: half a narrow terminal at most."""
    return min(widest(headings), width // 2 if width else LIMITLESS) + GAP


def _field(heading: str, cell: str, beside: int, width: int | None) -> list[tuple[str, str]]:
    label = heading + " " * (beside - widest([heading]))
    if width is None:
        return [(label, cell)]
    room = width - beside
    whole_below = room < longest_word([cell], width - GAP)
    if widest([heading]) > beside - GAP or longest_part([cell], LIMITLESS) > room or whole_below:
        return [
            *((line, "") for line in fold(heading, width)),
            *((" " * GAP, line) for line in fold(cell, width - GAP)),
        ]
    first, *more = fold(cell, room)
    return [(label, first), *((" " * beside, line) for line in more)]


def _height_of_records(headings: Row, rows: Sequence[Row], width: int) -> int:
    return sum(len(each) + 1 for each in records(headings, rows, width))


def _tall(rows: Sequence[Row], widths: Sequence[int]) -> int:
    return sum(height(row, widths) for row in rows)


def _first(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that give the first column, the name of the row, all the room that the others leave at their least."""
    first = min(natural[0], room - sum(least[1:]))
    return [first, *_shrunk(natural[1:], least[1:], room - first)] if len(least) > 1 else [first]


def _shrunk(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that take the room: the widest columns give way first, none below its least."""

    def capped(cap: int) -> list[int]:
        return [max(low, min(wanted, cap)) for wanted, low in zip(natural, least, strict=True)]

    cap = max(natural)
    while sum(capped(cap)) > room:
        cap -= 1
    found = capped(cap)
    for at, wanted in enumerate(natural):
        left = room - sum(found)
        found[at] += max(0, min(left, wanted - found[at]))
    return found
