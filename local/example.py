"""The example that the story imports: a payments service's config, and which of its keys are secrets."""

from __future__ import annotations

import io
import json
from fnmatch import fnmatchcase
from pathlib import Path

from dotenv.parser import parse_stream

from local.paths import ROOT

EXAMPLE = ROOT / "examples/payments/prod.env"
PLAIN = ("feature.*", "log.*", "service.*", "limits.*")
JSON = ("limits.*", "*.json")
LARGE_KEY = "fraud.bin-table"
_LARGE_BYTES = 100 * 1024
_SHORTEST = 8  # shorter texts stand in ciphertext by chance


def import_arguments(large: Path) -> list[str]:
    """What `configsvc import` is told about the example."""
    plain = [part for pattern in PLAIN for part in ("--plain", pattern)]
    as_json = [part for pattern in JSON for part in ("--json", pattern)]
    return [str(EXAMPLE), *plain, *as_json, "--file", f"{LARGE_KEY}={large}"]


def large_file(path: Path) -> Path:
    """A table of 100 KB, the same bytes every time."""
    rows = ({"bin": 400000 + n, "country": "NO", "risk": n * 7919 % 1000} for n in range(10_000))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text[:_LARGE_BYTES])
    return path


def secret_texts() -> dict[str, str]:
    """The longest line of every secret of the example by key: what must appear in no answer and no log."""
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(EXAMPLE.read_text())):
        if binding.key and binding.value and not any(fnmatchcase(binding.key, pattern) for pattern in PLAIN):
            line = max(binding.value.splitlines() or [""], key=len)
            if len(line) >= _SHORTEST:
                found[binding.key] = line
    return found
