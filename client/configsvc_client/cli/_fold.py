"""Text folded to a width on a terminal: between words, inside a long word at its punctuation, and only then anywhere.

Widths are in terminal cells, so that Chinese characters and emoji count twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len, chop_cells

_AT_DOTS = re.compile(r".+?(?:[,=/]|[.:](?![0-9]))[.,:/=]*|.+", re.DOTALL)
"""Parts of a key, ARN, path or URL. Times, addresses and version numbers stay whole."""

_AT_MARKS = re.compile(r"\w*?[\W_]+|\w+", re.DOTALL)
"""Parts of a name with dashes or underscores."""


def fold(text: str, width: int) -> list[str]:
    """The lines of a text, none of which is wider than `width`.

    A word that fits on a line is never cut. Joined, the pieces of a longer word are the word again.
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


def hanging(text: str, width: int) -> list[str]:
    """The lines of a text, all but the first one indented by two."""
    first, *_ = fold(text, width)
    rest = text[len(first) :].lstrip(" ")
    return [first, *(f"  {each}" for each in fold(rest, width - 2))] if rest else [first]


def longest_word(texts: Iterable[str], width: int) -> int:
    """The width that no word has to be cut at. Of a word that does not fit on a line of `width` the parts count."""
    return _widest(
        texts,
        lambda text: [
            piece
            for word in text.split(" ")
            for piece in ([word] if cell_len(word) <= width else _AT_DOTS.findall(word))
        ],
        width,
    )


def longest_part(texts: Iterable[str], width: int) -> int:
    """As `longest_word`, if every word may be cut at dots, slashes and the like. Parts that do not fit are cut."""
    return _widest(texts, lambda text: [part for word in text.split(" ") for part in _AT_DOTS.findall(word)], width)


def widest(texts: Iterable[str]) -> int:
    """The width at which nothing is folded."""
    return max(map(cell_len, texts), default=0)


def _widest(texts: Iterable[str], parts: Callable[[str], Iterable[str]], width: int) -> int:
    found = (cell_len(part) for text in texts for part in parts(text))
    return max((each for each in found if each <= width), default=0)


def _cut(word: str, width: int, left: int) -> list[str]:
    """A word as lines; the first one has only `left`, and is empty if nothing of the word fits there."""
    lines = [""]
    for part in _parts(word, width):
        room = left if len(lines) == 1 else width
        if cell_len(lines[-1] + part) <= room:
            lines[-1] += part
        else:
            lines.append(part)
    return lines


def _parts(word: str, width: int) -> Iterable[str]:
    """The smallest pieces that are needed: those between dots; of one that is too wide those between dashes, or any."""
    for part in _AT_DOTS.findall(word):
        if cell_len(part) <= width:
            yield part
            continue
        smaller = _AT_MARKS.findall(part)
        yield from smaller if all(cell_len(each) <= width for each in smaller) else chop_cells(part, width)


def height(cells: Sequence[str], widths: Sequence[int]) -> int:
    """Lines that a row takes."""
    return max((len(fold(cell, width)) for cell, width in zip(cells, widths, strict=True)), default=0)
