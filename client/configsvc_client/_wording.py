"""Error text: join sentences, sanitize foreign text, and suggest similar names."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENDS = (".", "?", "!", ":")
_COMMAND = re.compile(r"(?s)^(.*): ((?:aws|configsvc) [a-z][^`]*[^`.?!:])$")


def sanitize(text: str, most: int = 500) -> str:
    """Returns the text of another party, cut to `most` characters and without terminal control characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:most])


def join_sentences(*texts: str) -> str:
    """Joins texts into one line and adds missing full stops. Empty texts are left out.

    A command at the end of a text is there to be pasted: at the very end it stays as it is, and if more text follows it
    is put in backquotes.
    """
    given = [each for each in (text.strip() for text in texts) if each]
    return " ".join(
        [
            *map(_quote_command, given[:-1]),
            *(each if _COMMAND.match(each) else _end_sentence(each) for each in given[-1:]),
        ]
    )


def _quote_command(text: str) -> str:
    return _end_sentence(_COMMAND.sub(r"\1: `\2`", text))


def _end_sentence(text: str) -> str:
    return text if text.endswith(_ENDS) else f"{text.rstrip(',;')}."


MAX_SUGGESTIONS = 3
_CUTOFF = 0.7
_SEPARATORS = str.maketrans("_-/", "...")


def _fold(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)


def suggest(near: Iterable[str]) -> str:
    """Asks "Did you mean …?" about similar names; empty if there are none."""
    names = list(near)
    if len(names) > 1:
        return f"Did you mean {', '.join(names[:-1])} or {names[-1]}?"
    return f"Did you mean {names[0]}?" if names else ""


# Defined last: if this name exists, everything that it uses exists too, even during the import of this module.
def find_similar(wanted: str, known: Iterable[str]) -> list[str]:
    """Returns up to three names with a similar spelling, the best match first.

    Case, and `_`, `-` or `/` instead of `.`, make no difference. If some names differ only in these, no others are
    returned.
    """
    from difflib import get_close_matches

    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(_fold(each), []).append(each)
    same = [each for each in folded.get(_fold(wanted), ()) if each != wanted]
    if same:
        return sorted(same)[:MAX_SUGGESTIONS]
    found = get_close_matches(_fold(wanted), folded, n=MAX_SUGGESTIONS, cutoff=_CUTOFF)
    return [name for each in found for name in sorted(folded[each])][:MAX_SUGGESTIONS]
