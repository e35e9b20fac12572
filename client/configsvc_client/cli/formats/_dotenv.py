"""Dotenv files, read as python-dotenv reads a file. Keys are never renamed, and `${…}` is never expanded."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from configsvc.model.content_types import KINDS
from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    split_problems,
)
from configsvc_client.cli.formats._text_types import (
    ANY_TEXT,
    choose_type,
    explain_no_name,
    get_text,
    is_expanded,
    is_json_comment,
    list_holders,
    render_lines,
    respell_json,
)

# python-dotenv's pattern, except that a name stops at another `${`: the matches are the same, in one pass.
_FILLED_IN = re.compile(r"\$\{(?:[^}:$]|\$(?!\{))*(?::-[^}]*)?\}")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
_SINGLE = re.compile(r"(?:[^'\\]|\\(?![\\']|\Z))*")
_DOUBLE = re.compile(r"""(?:[^"\\$`]|\\(?=[^abcfnrtv0$`"'\\\n])|\$(?=[ ,./:;%+=~^]|\Z))*""")
_FORMS = ((_BARE, ""), (_SINGLE, "'"), (_DOUBLE, '"'))


def is_always_expanded(text: str) -> bool:
    """Whether python-dotenv expands a part of the text, in any quotes."""
    last = text.rfind("}")
    # No match can go beyond the last brace, and searching there for the end of a default would take long.
    return last >= 0 and bool(_FILLED_IN.search(text, 0, last + 1))


def quote_text(text: str) -> str | None:
    """The text in a form that every reader reads back, bare or in quotes; None if no form works."""
    if "\0" in text or "\r" in text or is_always_expanded(text):
        return None
    return next((f"{quote}{text}{quote}" for form, quote in _FORMS if form.fullmatch(text)), None)


def explain_unquotable(text: str) -> str:
    """Why a dotenv file cannot hold a text, for a sentence that starts with its key."""
    if "\0" in text:
        return "contains a NUL, which no environment variable can hold"
    if "\r" in text:
        return "contains a carriage return, which dotenv readers turn into a line feed"
    if is_always_expanded(text):
        return "contains ${…}, which python-dotenv expands even in single quotes"
    return "contains quotes, backslashes or $ on which dotenv readers disagree"


_ESCAPES = {"\\\\": "\\u005c", "'": "\\u0027", "${": "\\u0024{"}
_UP_TO_VALUE = re.compile(r"\s*(?:export[^\S\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\n]*=[^\S\n]*")
_TWO_ON_A_LINE = re.compile(r"""\s*export\s[^'"\n]*[;&] ?export\s""")
"""A shell sets two variables here, and a dotenv reader one."""
_NO_JAVASCRIPT_NAME = "__proto__"


def read(text: str) -> ReadResult:
    r"""Reads a dotenv file. Problems: lines without `=`, open quotes, keys that appear twice.

    Line ends are universal, as in Python's text files: CR LF and CR become LF, also within quotes. `\r` in double
    quotes is a carriage return.
    """
    return split_problems(_iter_rows(text.replace("\r\n", "\n").replace("\r", "\n")))


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes lines that bash, dash, python-dotenv, npm dotenv and docker compose read as the same values."""
    del namespace
    return render_lines(values, _render_line)


def _iter_rows(text: str) -> Iterator[FileRow | Problem]:
    from dotenv.parser import parse_stream

    commented, line, before = False, 1, ""
    for binding in parse_stream(io.StringIO(text)):
        key, original, line = binding.key, binding.original.string, _line_number(*binding.original)
        place = _common.name_place(line)
        if binding.error:
            yield Problem(place, None, "not KEY=VALUE; is a quote left open?")
        elif key is not None and binding.value is None:
            # The word is not shown: it may be a line of a secret that should have been in quotes.
            yield Problem(place, None, "no value; write KEY= for an empty one, and put several lines in quotes")
        elif key is not None and (reason := explain_no_name(key, str(binding.value), before)):
            yield Problem(place, None, reason)
        elif key is not None and _TWO_ON_A_LINE.match(original):
            yield Problem(place, key, "two variables on one line; put each on its own line")
        elif key is not None:
            value = str(binding.value)
            yield FileRow(place, key, value.encode(), choose_type(commented), _is_expanded(original, value))
        commented = key is None and is_json_comment(original)
        before = binding.value or ""


def _line_number(string: str, first: int) -> int:
    """The line on which a binding starts; python-dotenv includes the empty lines before it."""
    return first + string[: len(string) - len(string.lstrip())].count("\n")


def _is_expanded(original: str, value: str) -> bool:
    """Whether some reader would expand a part of the value."""
    before = _UP_TO_VALUE.match(original)
    in_single_quotes = before is not None and original[before.end() :].startswith("'")
    return is_always_expanded(value) if in_single_quotes else is_expanded(value)


def _render_line(value: WritableValue) -> str | Problem:
    text = get_text(value)
    if isinstance(text, Problem):
        return text
    if value.key == _NO_JAVASCRIPT_NAME:
        return Problem("", value.key, f"a name that npm dotenv drops; {ANY_TEXT} can hold it")
    found = quote_text(text)
    if found is None and KINDS[value.content_type].is_json:
        found = quote_text(respell_json(text, _ESCAPES))
    if found is None:
        return Problem(
            "",
            value.key,
            f"{explain_unquotable(text)}; {ANY_TEXT if chr(0) in text else list_holders(value.key)} can hold it",
        )
    return f"{value.key}={found}"
