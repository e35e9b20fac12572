"""Fits text and tables to a terminal: folded between words, in columns, or each row as a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len, chop_cells

_AT_DOTS = re.compile(r".+?(?:[,=/]|[.:](?![0-9]))[.,:/=]*|.+", re.DOTALL)
"""Parts of a key, ARN, path or URL. Times, addresses and version numbers stay whole."""

_AT_MARKS = re.compile(r"\w*?[\W_]+|\w+", re.DOTALL)
"""Parts of a name with dashes or underscores."""


def fold(text: str, width: int) -> list[str]:
    """Folds a text into lines of at most `width`.

    A word that fits on a line is never cut. The pieces of a longer word, joined, are the word again.
    """
    if cell_len(text) <= width:
        return [text]
    first, *words = text.split(" ")
    lines = _cut(first, width, width)
    for word in words:
        left = width - cell_len(lines[-1]) - 1
        if cell_len(word) <= left:
            lines[-1] += f" {word}"
        elif cell_len(word) <= width:
            lines.append(word)
        else:
            beside, *more = _cut(word, width, left)
            lines[-1] += f" {beside}" if beside else ""
            lines += more
    return lines


def fold_hanging(text: str, width: int) -> list[str]:
    """Folds a text into lines, all but the first indented by two."""
    first, *_ = fold(text, width)
    rest = text[len(first) :].lstrip(" ")
    return [first, *(f"  {each}" for each in fold(rest, width - 2))] if rest else [first]


def measure_longest_word(texts: Iterable[str], width: int) -> int:
    """Measures the least width that cuts no word. Of a word wider than `width`, its parts are measured."""
    return _measure_line(
        texts,
        lambda text: [
            piece
            for word in text.split(" ")
            for piece in ([word] if cell_len(word) <= width else _AT_DOTS.findall(word))
        ],
        width,
    )


def measure_longest_part(texts: Iterable[str], width: int) -> int:
    """Like `measure_longest_word`, but every word may be cut at dots, slashes and the like; wider parts are ignored."""
    return _measure_line(
        texts, lambda text: [part for word in text.split(" ") for part in _AT_DOTS.findall(word)], width
    )


def measure_widest(texts: Iterable[str]) -> int:
    """Measures the width at which nothing is folded."""
    return max(map(cell_len, texts), default=0)


def _measure_line(texts: Iterable[str], parts: Callable[[str], Iterable[str]], width: int) -> int:
    found = (cell_len(part) for text in texts for part in parts(text))
    return max((each for each in found if each <= width), default=0)


def _cut(word: str, width: int, left: int) -> list[str]:
    """Cuts a word into lines; the first has only `left` cells, and is empty if nothing fits there."""
    lines = [""]
    for part in _split_parts(word, width):
        room = left if len(lines) == 1 else width
        if cell_len(lines[-1] + part) <= room:
            lines[-1] += part
        else:
            lines.append(part)
    return lines


def _split_parts(word: str, width: int) -> Iterable[str]:
    """Splits a word between dots; a part that is too wide is split between dashes, or anywhere."""
    for part in _AT_DOTS.findall(word):
        if cell_len(part) <= width:
            yield part
            continue
        smaller = _AT_MARKS.findall(part)
        yield from smaller if all(cell_len(each) <= width for each in smaller) else chop_cells(part, width)


def measure_height(cells: Sequence[str], widths: Sequence[int]) -> int:
    """Counts the lines of a row."""
    return max((len(fold(cell, width)) for cell, width in zip(cells, widths, strict=True)), default=0)


GAP = 2
"""Cells between two columns, and before a value below its label."""

LIMITLESS = 1_000_000
"""A width that folds nothing."""

TableRow = Sequence[str]


def fit_columns(headings: TableRow, rows: Sequence[TableRow], width: int | None) -> list[int] | None:
    """Returns the width of each column; None if records are easier to read.

    Args:
        headings: one for each column; empty if none is shown.
        rows: cells by column.
        width: of the terminal; None for no folding.
    """
    cells = [(heading, *(row[at] for row in rows)) for at, heading in enumerate(headings)]
    natural = [max(1, measure_widest(each)) for each in cells]
    if width is None:
        return natural
    room = width - GAP * (len(headings) - 1)
    if sum(natural) <= room:
        return natural
    for longest in (measure_longest_word, measure_longest_part):
        least = [max(1, longest(each, width)) for each in cells]
        if sum(least) <= room:
            found = min(
                (_shrink(natural, least, room), _widen_first(natural, least, room)),
                key=lambda each: _measure_tall(rows, each),
            )
            return found if _measure_tall(rows, found) <= _measure_records(headings, rows, width) else None
    return None


def lay_out_records(
    headings: TableRow, rows: Sequence[TableRow], width: int | None, *, empty: bool = False
) -> list[list[tuple[str, str]]]:
    """Lays out each row as lines of label and text. A label is beside its value, or above one that does not fit there.

    Fields without a value are left out, unless `empty` is true.
    """
    beside = _measure_labels(headings, width)
    return [
        [
            line
            for heading, cell in zip(headings, row, strict=True)
            if cell or empty
            for line in _lay_out_field(heading, cell, beside, width)
        ]
        for row in rows
    ]


def _measure_labels(headings: TableRow, width: int | None) -> int:
    """Measures the labels that have a value beside them; at most half a narrow terminal."""
    return min(measure_widest(headings), width // 2 if width else LIMITLESS) + GAP


def _lay_out_field(heading: str, cell: str, beside: int, width: int | None) -> list[tuple[str, str]]:
    label = heading + " " * (beside - measure_widest([heading]))
    if width is None:
        return [(label, cell)]
    room = width - beside
    whole_below = room < measure_longest_word([cell], width - GAP)
    if measure_widest([heading]) > beside - GAP or measure_longest_part([cell], LIMITLESS) > room or whole_below:
        return [
            *((line, "") for line in fold(heading, width)),
            *((" " * GAP, line) for line in fold(cell, width - GAP)),
        ]
    first, *more = fold(cell, room)
    return [(label, first), *((" " * beside, line) for line in more)]


def _measure_records(headings: TableRow, rows: Sequence[TableRow], width: int) -> int:
    return sum(len(each) + 1 for each in lay_out_records(headings, rows, width))


def _measure_tall(rows: Sequence[TableRow], widths: Sequence[int]) -> int:
    return sum(measure_height(row, widths) for row in rows)


def _widen_first(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Gives the first column, which names the row, all the room that the others leave at their minimum."""
    first = min(natural[0], room - sum(least[1:]))
    return [first, *_shrink(natural[1:], least[1:], room - first)] if len(least) > 1 else [first]


def _shrink(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Shrinks the columns to the room: the widest first, none below its minimum."""

    def cap_widths(cap: int) -> list[int]:
        return [max(low, min(wanted, cap)) for wanted, low in zip(natural, least, strict=True)]

    cap = max(natural)
    while sum(cap_widths(cap)) > room:
        cap -= 1
    found = cap_widths(cap)
    for at, wanted in enumerate(natural):
        left = room - sum(found)
        found[at] += max(0, min(left, wanted - found[at]))
    return found
