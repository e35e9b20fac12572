r"""How a text is written in a dotenv file: so that every reader gives the same text back, or not at all.

Readers, and what acts in a value (sources: bash(1) and POSIX 2.2; python-dotenv 1.2.4, parser.py and variables.py; npm
dotenv 16.6.1 and 18.0.10, lib/main.js; compose-go 2.13.0, dotenv/parser.go and template/template.go):

| reader | bare | in single quotes | in double quotes |
|---|---|---|---|
| bash, dash | most punctuation | nothing | `\`, `$`, `"`, backquote |
| python-dotenv | white space before # | `\\` and `\'` | a backslash before `\ ' " a b f n r t v` |
| npm dotenv | # | nothing | `\n` and `\r`; `\"` keeps its backslash |
| docker compose | a space before #, `$` | `\'` | a backslash before `a b c f n r t v 0 $ " \`, and `$` |

python-dotenv fills in `${NAME}` in any quotes, and reads a file with universal newlines: a carriage return becomes a
line feed. No shell variable holds a NUL.
"""

from __future__ import annotations

import re

# As python-dotenv has it, but no name goes on over a further `${`: what is found is the same, in one pass.
_FILLED_IN = re.compile(r"\$\{(?:[^}:$]|\$(?!\{))*(?::-[^}]*)?\}")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
_SINGLE = re.compile(r"(?:[^'\\]|\\(?![\\']|\Z))*")
_DOUBLE = re.compile(r"""(?:[^"\\$`]|\\(?=[^abcfnrtv0$`"'\\\n])|\$(?=[ ,./:;%+=~^]|\Z))*""")
_FORMS = ((_BARE, ""), (_SINGLE, "'"), (_DOUBLE, '"'))


def is_filled_in_anyhow(text: str) -> bool:
    """Whether python-dotenv puts something in place of a part of the text, in whatever quotes."""
    last = text.rfind("}")
    return last >= 0 and bool(
        _FILLED_IN.search(text, 0, last + 1)
    )  # beyond it every default would be looked for in vain


def quoted(text: str) -> str | None:
    """The text as every reader reads it back, bare or in quotes; None if no form does that."""
    if "\0" in text or "\r" in text or is_filled_in_anyhow(text):
        return None
    return next((f"{quote}{text}{quote}" for form, quote in _FORMS if form.fullmatch(text)), None)


def why_not(text: str) -> str:
    """What keeps a text out of a dotenv file, for a sentence that begins with its key."""
    if "\0" in text:
        return "contains a NUL, which no environment variable can hold"
    if "\r" in text:
        return "contains a carriage return, which dotenv readers turn into a line feed"
    if is_filled_in_anyhow(text):
        return "contains ${…}, which python-dotenv fills in even in single quotes"
    return "contains quotes, backslashes or $ that dotenv readers disagree about"
