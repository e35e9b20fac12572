r"""Shell code that exports variables: `export NAME='text'`, for `source`, `.` and `eval` in bash, dash and others.

In single quotes a POSIX shell reads every character literally, and `'\''` is a single quote (POSIX, Shell Command
Language, 2.2). A digit after a non-ASCII character is written outside the quotes: in a GB18030 locale, bash reads the
end of that character, the digit and a quote as one character. So this format holds every text without a NUL, but only
shells read it. Import reads back only such lines, and never runs code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from configsvc_client._reading.variables import make_variable_name
from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    explain_unassignable,
    split_problems,
)
from configsvc_client.cli.formats._text_types import (
    ANY_TEXT,
    choose_type,
    explain_no_name,
    get_text,
    is_json_comment,
    render_lines,
)

_NOTHING = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ASSIGNMENT = re.compile(
    r"""[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)="""
    r"""((?:'[^']*'|"[^"\\$`]*"|\\'|[A-Za-z0-9_./:@%+,-])*)[ \t]*(?:\n|\Z)"""
)
_DIGIT = re.compile(r"(?<=[^\x00-\x7f])([0-9])")
_PART = re.compile(r"""'([^']*)'|"([^"]*)"|\\(')|([^'"\\]+)""")
_OTHER_CODE = (
    "not NAME='text'. Only plain assignments are read from shell code, and no code is run. Import the values as json "
    "or yaml instead, or use -f dotenv for literal NAME=value lines"
)


def read(text: str) -> ReadResult:
    """Reads plain assignments, exported or not. Any other code is a problem, and ends the reading."""
    return split_problems(_iter_rows(text))


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes lines that a shell reads as the same values. Problems: names that it cannot assign, and NULs."""
    del namespace
    return render_lines(values, _render_line)


def _iter_rows(text: str) -> Iterator[FileRow | Problem]:
    at, line, commented, before = 0, 1, False, ""
    while at < len(text):
        match = _NOTHING.match(text, at) or _ASSIGNMENT.match(text, at)
        if match is None:
            yield Problem(_common.name_place(line), None, _OTHER_CODE)
            return
        if match.re is _ASSIGNMENT:
            word = "".join("".join(map(str, filter(None, each.groups()))) for each in _PART.finditer(match[2]))
            reason = explain_no_name(match[1], word, before)
            yield (
                Problem(_common.name_place(line), None, reason)
                if reason
                else FileRow(_common.name_place(line), match[1], word.encode(), choose_type(commented))
            )
            before = word
        commented = is_json_comment(match[0])
        at, line = match.end(), line + match[0].count("\n")


def _render_line(value: WritableValue) -> str | Problem:
    text, reason = get_text(value), explain_unassignable(value.key)
    if isinstance(text, Problem):
        return text
    if reason:
        renamed = make_variable_name(value.key)
        advice = (
            f"; {ANY_TEXT} can hold it" if explain_unassignable(renamed) else f"; --variables renames it to {renamed}"
        )
        return Problem("", value.key, f"{reason}{advice}")
    if "\0" in text:
        return Problem("", value.key, f"contains a NUL, which no variable can hold; {ANY_TEXT} can hold it")
    return "export {}='{}'".format(value.key, _DIGIT.sub(r"'\1'", text.replace("'", "'\\''")))
