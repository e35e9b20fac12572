"""Files for `docker run --env-file`: KEY=VALUE, where the value is the rest of the line. There are no quotes.

Docker's CLI (docker/cli v29.7.2, pkg/kvfile/kvfile.go): UTF-8; a byte order mark at the start is dropped; lines end
with LF or CR LF and are at most 64 KiB; white space before the name is dropped; lines that start with # are comments; a
name has no space or tab; the value is everything after the first =, including spaces and quotes, and nothing is
expanded; a line without = takes the value from the environment of docker itself.

`kubectl create secret generic --from-env-file` (kubectl 1.32, pkg/cmd/util/env_file.go) has the same rules, but accepts
fewer names: first a letter or one of `-._`, then also digits. `docker compose` reads `env_file` as dotenv, unless it
has `format: raw`. Docker's Python library strips spaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from configsvc.model import limits
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

_LINE = 64 * limits.KIB - 1
# unicode.IsSpace of Go, which counts fewer characters than str.lstrip.
_SPACE = "\t\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def read(text: str) -> ReadResult:
    """Reads an env-file. Problems: a name without `=` or with a space, or a line too long for Docker.

    A value with `$` or backquotes is read unchanged, as Docker reads it; docker compose would expand it.
    """
    return split_problems(_iter_rows(text))


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes lines that Docker reads as the same values. Problems: values with a line break or a NUL."""
    del namespace
    return render_lines(values, _render_line)


def _iter_rows(text: str) -> Iterator[FileRow | Problem]:
    commented, before = False, ""
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.removesuffix("\r").lstrip(_SPACE)
        if line and not line.startswith("#"):
            yield _read_row(_common.name_place(number), line, whole, before, commented=commented)
        commented, before = is_json_comment(line), line


def _read_row(place: str, line: str, whole: str, before: str, *, commented: bool) -> FileRow | Problem:
    """The row, or why Docker reads the line differently. The line is not shown: it may be part of a secret."""
    key, equals, value = line.partition("=")
    if len(whole.encode()) > _LINE:
        return Problem(place, None, "longer than Docker's 64 KiB for a line")
    if not equals:
        return Problem(place, None, "no value; Docker would take it from its own environment")
    if not key or " " in key or "\t" in key:
        return Problem(place, None, "no name before the =, or a name with spaces, which Docker refuses")
    reason = explain_no_name(key, value, before.partition("=")[2])
    if reason:
        return Problem(place, None, reason)
    return FileRow(place, key, value.encode(), choose_type(commented), is_expanded(value))


def _render_line(value: WritableValue) -> str | Problem:
    text = get_text(value)
    if isinstance(text, Problem):
        return text
    if KINDS[value.content_type].is_json and ("\n" in text or "\r" in text):
        text = respell_json(text, {})
    if "\0" in text:
        return Problem("", value.key, f"contains a NUL, which no environment variable can hold; {ANY_TEXT} can hold it")
    if "\n" in text or "\r" in text:
        return Problem(
            "",
            value.key,
            f"contains a line break, which Docker's env-file cannot hold; {list_holders(value.key)} can hold it",
        )
    line = f"{value.key}={text}"
    if len(line.encode()) > _LINE:
        return Problem(
            "", value.key, f"longer than 64 KiB, Docker's limit for a line; {list_holders(value.key)} can hold it"
        )
    return line
