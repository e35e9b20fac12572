"""Names that are spelt like one that does not exist. Loaded once there is such a name."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 3
_CUTOFF = 0.7
_SEPARATORS = str.maketrans("_-/", "...")


def _folded(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)


def question(near: Iterable[str]) -> str:
    """Did you mean one of these? Empty without any."""
    names = list(near)
    if len(names) > 1:
        return f"Did you mean {', '.join(names[:-1])} or {names[-1]}?"
    return f"Did you mean {names[0]}?" if names else ""


# The last of all: whoever has it has all that it needs, also amid the import of this module.
def nearest(wanted: str, known: Iterable[str]) -> list[str]:
    """The names that are spelt most alike, the best first, at most three.

    Upper case, and `_`, `-` or `/` in the place of `.`, make no difference: where only these differ, nothing else is
    named.
    """
    from difflib import get_close_matches

    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(_folded(each), []).append(each)
    same = [each for each in folded.get(_folded(wanted), ()) if each != wanted]
    if same:
        return sorted(same)[:MOST]
    found = get_close_matches(_folded(wanted), folded, n=MOST, cutoff=_CUTOFF)
    return [name for each in found for name in sorted(folded[each])][:MOST]
