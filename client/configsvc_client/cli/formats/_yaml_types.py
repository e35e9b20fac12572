"""Which plain scalars of YAML are not text, and which must be quoted so that every reader takes them for text.

A scalar without quotes is typed where YAML 1.1 (https://yaml.org/type), the core schema of YAML 1.2.2 (10.3.2) and
PyYAML agree. Where they differ it is text:

| spelling | YAML 1.1 | YAML 1.2 core | PyYAML | here |
|---|---|---|---|---|
| `5`, `-5`, `0` | int | int | int | number |
| `1.10`, `1.5e+3` | float | float | float | number, spelling kept |
| `12e3`, `1.5e3` | text | float | text | text |
| `true` `True` `TRUE` `false` … | bool | bool | bool | true, false |
| `null` `Null` `NULL` `~` | null | null | null | null |
| `yes` `No` `on` `OFF` | bool | text | bool | text |
| `y` `N` | bool | text | text | text |
| `0123`, `+5`, `0x1F`, `0o17`, `0b1`, `1_000` | int or text | int or text | int or text | text |
| `1.`, `.5`, `+1.5`, `01.5`, `.inf`, `.NaN` | float | float or text | float or text | text |
| `1:30`, `2027-01-15`, `=` | int, timestamp, value | text | int, date, an error | text |
"""

from __future__ import annotations

import re
from typing import Any

TAG = "tag:yaml.org,2002:"

_INT = r"-?(?:0|[1-9][0-9]*)"
_FLOAT = r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?"
_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBERS = list("-0123456789")

READ = (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT, _NUMBERS),
    ("float", _FLOAT, _NUMBERS),
    ("merge", r"<<", ["<"]),
)
"""Tag, pattern and the first characters of what is typed when it is read."""

_OTHERS = (
    ("other", r".*", list("0123456789+-.=<~:")),
    ("other", r"[eE_][-+0-9_.]+", list("eE_")),
    ("other", r"(?i:y|n|yes|no|on|off|true|false|null|nil|none|nan|inf|infinity)", list("yYnNoOtTfFiI")),
)
"""What some reader types, with room to spare: of the first characters that numbers, times and Ruby's symbols have."""


def is_number(text: str) -> bool:
    """Whether the text is a number of JSON."""
    return _JSON.fullmatch(text) is not None


def resolve(kind: Any, *, writes: bool) -> None:  # noqa: ANN401  # a loader or dumper class of PyYAML
    """Make a class of PyYAML type plain scalars as above; one that writes quotes all others that are typed anywhere."""
    for name, pattern, first in (*READ, *_OTHERS) if writes else READ:
        kind.add_implicit_resolver(f"{TAG}{name}", re.compile(rf"(?:{pattern})\Z", re.DOTALL), first)
