"""Phrases that read as if translated, and where they occur in a text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_SPACE = r"(?:\s|\n\s*#)+"


class Phrase(NamedTuple):
    """A regular expression, in which a space is any white space, and the advice for whoever wrote it."""

    find: str
    write: str


class Table(NamedTuple):
    """The file phrases.toml: phrases, and the files and folders that may still hold them."""

    phrases: tuple[Phrase, ...]
    exempt: tuple[str, ...]

    def exempts(self, name: str) -> bool:
        """Whether a file may still hold phrases."""
        return name.startswith(self.exempt)


def read(root: Path) -> Table:
    """The table of a repository."""
    content = tomllib.loads((root / "tests/language/phrases.toml").read_text(encoding="utf-8"))
    return Table(tuple(Phrase(**each) for each in content["phrase"]), tuple(content["exempt"]))


def find(text: str, phrases: Iterable[Phrase]) -> Iterator[tuple[int, str, Phrase]]:
    """The line, the words and the phrase of each occurrence, across line breaks and in any case."""
    for phrase in phrases:
        for match in re.finditer(phrase.find.replace(" ", _SPACE), text, re.IGNORECASE):
            words = " ".join(match[0].split())
            yield text.count("\n", 0, match.start()) + 1, words, phrase


def find_unneeded(exempt: Iterable[str], holding: Iterable[str]) -> list[str]:
    """The exemptions under which no file holds a phrase."""
    names = list(holding)
    return [each for each in exempt if not any(name.startswith(each) for name in names)]
