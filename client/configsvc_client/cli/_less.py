"""Grants without what is taken away, and what is left of it all the same. Decides, and does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from configsvc.model.grants import Action, Grant, covers


def without(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> tuple[Grant, ...]:
    """The grants without those actions on exactly those patterns."""
    return tuple(part for grant in held for part in _parts(grant, actions, patterns))


def still(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> list[str]:
    """Patterns that allow one of the actions in a namespace which one of the patterns names, or may name."""
    granted = [each for grant in held if set(grant.actions) & set(actions) for each in grant.namespaces]
    return sorted({each for each in granted for pattern in patterns if covers(each, pattern) or covers(pattern, each)})


def _parts(grant: Grant, actions: Sequence[Action], patterns: Sequence[str]) -> Iterable[Grant]:
    untouched = tuple(each for each in grant.namespaces if each not in patterns)
    touched = tuple(each for each in grant.namespaces if each in patterns)
    kept = tuple(each for each in grant.actions if each not in actions)
    if not touched or kept == grant.actions:
        yield grant
        return
    if untouched:
        yield Grant(grant.actions, untouched)
    if kept:
        yield Grant(kept, touched)
