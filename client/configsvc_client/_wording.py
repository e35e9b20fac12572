"""Sentences of several origins in one line, and names that are spelled like an unknown one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENDS = (".", "?", "!", ":")
_COMMAND = re.compile(r"(?s)^(.*): ((?:aws|configsvc) [a-z][^`]*[^`.?!:])$")


def sanitize(text: str, most: int = 500) -> str:
    """Returns the text of another party, cut to `most` characters and without what a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:most])


def join_sentences(*texts: str) -> str:
    """The texts one after another, each with a full stop where it lacks one. Empty ones are left out.

    A command at the end of a text is there to be pasted. It stays as it is at the very end, and is set in backquotes
    where more follows.
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
    """Did you mean one of these? Empty without any."""
    names = list(near)
    if len(names) > 1:
        return f"Did you mean {', '.join(names[:-1])} or {names[-1]}?"
    return f"Did you mean {names[0]}?" if names else ""


# The last of all: whoever has it has all that it needs, also amid the import of this module.
def find_similar(wanted: str, known: Iterable[str]) -> list[str]:
    """The names that are spelt most alike, the best first, at most three.

    Upper case, and `_`, `-` or `/` in the place of `.`, make no difference: where only these differ, nothing else is
    named.
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
