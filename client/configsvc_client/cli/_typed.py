"""Text that a person typed: an argument, an option or an answer.

Python decodes it by the locale. Bytes that are no text there become lone surrogates, which nothing else can encode.
Under `LC_ALL=POSIX PYTHONUTF8=0` every character beyond ASCII does.
"""

from __future__ import annotations

import os

import click


class Text(click.types.StringParamType):
    """A text of the command line: UTF-8 whatever the locale, or refused."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; click names the option or argument that holds none."""
        found = decoded(str(value))
        if found is None:
            self.fail("this is not UTF-8 text.", param, ctx)
        return found


class Filled(Text):
    """A text that is not empty: `--to "$UNSET"` must not count as left out."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; click names the option that holds none."""
        found = super().convert(value, param, ctx)
        if not found:
            self.fail("it is empty, as an unset variable is.", param, ctx)
        return found


class FilledPath(click.Path):
    """A path that is not empty: of `--errors "$UNSET"` click makes the working folder, or nothing."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """The path; click names the option or argument that holds none."""
        if value == "":
            self.fail("it is empty, as an unset variable is.", param, ctx)
        return super().convert(value, param, ctx)


TEXT, FILLED = Text(), Filled()


def data(text: str) -> bytes:
    """The bytes of a value: UTF-8, and what is no text in the locale exactly as it was typed."""
    found = decoded(text)
    return os.fsencode(text) if found is None else found.encode()


def decoded(text: str) -> str | None:
    """The text without surrogates; None where its bytes are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(text)  # raised outside: as a context, the error would hold the text
    else:
        return text
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
