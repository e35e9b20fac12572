"""The example that the story imports: the config of a payments service, and which keys are secrets.

Keys that the namespace already has are skipped, so changes that people made are kept.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from local.paths import ROOT

EXAMPLE = ROOT / "examples/payments/prod.env"
PLAIN = ("feature.*", "log.*", "service.*", "limits.*")
JSON = ("limits.*", "*.json")
LARGE_KEY = "fraud.bin-table"
_LARGE_BYTES = 100 * 1024
_NUMBER = r"(?:-(\d{1,9}))?"
_SHORTEST = 8  # shorter texts occur in ciphertext by chance


def import_arguments(folder: Path, held: Collection[str] = ()) -> list[str]:
    """The arguments of `configsvc import` for the keys of the example that are missing; its files go to the folder."""
    plain = [part for pattern in PLAIN for part in ("--plain", pattern)]
    as_json = [part for pattern in JSON for part in ("--json", pattern)]
    large = [] if LARGE_KEY in held else ["--file", f"{LARGE_KEY}={large_file(folder / 'bin-table.jsonl')}"]
    path = folder / EXAMPLE.name
    path.write_text("".join(each.original.string for each in _bindings() if each.key not in held))
    return [str(path), *plain, *as_json, *large]


def all_keys() -> set[str]:
    """Every key of the example."""
    return {LARGE_KEY, *(each.key for each in _bindings() if each.key)}


def large_file(path: Path) -> Path:
    """A table of 100 KB, the same bytes every time."""
    rows = ({"bin": 400000 + n, "country": "NO", "risk": n * 7919 % 1000} for n in range(10_000))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text[:_LARGE_BYTES])
    return path


def find_secret_texts() -> dict[str, str]:
    """Return the longest line of each secret by key: it must appear in no answer and no log."""
    found: dict[str, str] = {}
    for binding in _bindings():
        if binding.key and binding.value and not any(fnmatchcase(binding.key, pattern) for pattern in PLAIN):
            line = max(binding.value.splitlines() or [""], key=len)
            if len(line) >= _SHORTEST:
                found[binding.key] = line
    return found


def move_url(url: str) -> str:
    """The URL with the number of its host raised; of a text without such a host, the number at its end."""
    elsewhere = re.sub(rf"(@[a-z-]+?){_NUMBER}(?=\.)", _raise_number, url, count=1)
    return elsewhere if elsewhere != url else re.sub(rf"(){_NUMBER}\Z", _raise_number, url, count=1)


def _raise_number(found: re.Match[str]) -> str:
    return f"{found[1]}-{int(found[2] or 0) + 1}"


def _bindings() -> Iterator[Binding]:
    """The example, a piece for each key and each comment; all texts together are the file."""
    return parse_stream(io.StringIO(EXAMPLE.read_text()))
