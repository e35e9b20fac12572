"""The runbooks of docs/OPERATIONS.md: every section with the line **Rehearsed**, and the `sh` blocks in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OPERATIONS = Path(__file__).resolve().parents[3] / "docs" / "OPERATIONS.md"
FRAME = ("You see", "Warm readers", "You need", "Done when", "Rehearsed")
_HEADING = re.compile(r"^(#{2,3}) (.+)\n", re.MULTILINE)
_CODE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(
    r"^(?:(?P<step>\d+)\. |(?: *<!-- not rehearsed: (?P<reason>[^\n]+) -->\n\s*)? *```sh\n(?P<script>.*?)^ *```)",
    re.DOTALL | re.MULTILINE,
)
_RIGHT = re.compile(r"`([a-z][a-z0-9-]+:[A-Z]\w+)`")


class Block(NamedTuple):
    """A block of commands: the number of its step (0: before the first), and why no test runs it, if none does."""

    step: int
    script: str
    not_rehearsed: str | None


class Runbook(NamedTuple):
    """A section, its text and its blocks in their order."""

    title: str
    text: str
    blocks: tuple[Block, ...]

    @property
    def rehearsed(self) -> tuple[Block, ...]:
        """The blocks that tests run."""
        return tuple(each for each in self.blocks if each.not_rehearsed is None)

    @property
    def rights(self) -> tuple[str, ...]:
        """The IAM actions that the paragraph **You need** names."""
        return tuple(dict.fromkeys(_RIGHT.findall(self.paragraph("You need"))))

    def paragraph(self, name: str) -> str:
        """The paragraph that begins with a name of the frame, or nothing."""
        found = re.search(rf"^\*\*{name}\*\* (.+?)(?=\n\n|\Z)", self.text, re.DOTALL | re.MULTILINE)
        return found[1] if found else ""


def runbooks(text: str) -> dict[str, Runbook]:
    """Read them, by their titles."""
    return {each.title: each for each in _sections(text) if each.paragraph("Rehearsed")}


def read_runbooks() -> dict[str, Runbook]:
    """Those of the document."""
    return runbooks(OPERATIONS.read_text(encoding="utf-8"))


def _sections(text: str) -> Iterator[Runbook]:
    """A section ends at the next heading of any level, because a runbook has none within."""
    hidden = _CODE.sub(lambda found: re.sub(r"(?m)^", "~", found[0])[: len(found[0])], text)
    headings = list(_HEADING.finditer(hidden))
    ends = [*(each.start() for each in headings[1:]), len(text)]
    for heading, end in zip(headings, ends, strict=True):
        section = text[heading.end() : end]
        yield Runbook(heading[2], section, tuple(_blocks(section)))


def steps(title: str) -> dict[int, str]:
    """The text of each numbered step of any section of the document."""
    section = next(each for each in _sections(OPERATIONS.read_text(encoding="utf-8")) if each.title == title)
    parts = re.split(r"^(\d+)\. ", section.text, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def read_blocks(text: str) -> tuple[Block, ...]:
    """The `sh` blocks of any document, in their order."""
    return tuple(_blocks(text))


def without_runbooks(text: str) -> str:
    """The rest of the document."""
    for each in runbooks(text).values():
        text = text.replace(each.text, "\n")
    return text


def _blocks(section: str) -> Iterator[Block]:
    step = 0
    for found in _BLOCK.finditer(section):
        if found["step"]:
            step = int(found["step"])
        else:
            yield Block(step, textwrap.dedent(found["script"]), found["reason"])
