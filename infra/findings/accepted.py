"""Findings, and the list of those that are accepted: pure functions."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from typing import NamedTuple

ANY = "*"
_FIELDS = {"check", "resources", "templates", "reason"}
_SHORTEST_REASON = 20


class Finding(NamedTuple):
    """One complaint of a linter.

    Args:
        check: its id, such as CKV_AWS_116.
        template: name of the template.
        resource: logical id.
        said: what the linter says about it; no part of its identity.
    """

    check: str
    template: str
    resource: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.check}  {self.template}  {self.resource}  {self.said}".rstrip()


class Accepted(NamedTuple):
    """Findings that stay, and why. `*` stands for any template or resource."""

    check: str
    resources: tuple[str, ...]
    templates: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether it accepts the finding."""
        return (
            finding.check == self.check
            and not {finding.resource, ANY}.isdisjoint(self.resources)
            and not {finding.template, ANY}.isdisjoint(self.templates)
        )

    def cases(self, checked: Collection[str]) -> Iterator[tuple[str, str]]:
        """Each template and resource that must still have the finding, of the templates that were checked."""
        for template in self.templates:
            if template == ANY or template in checked:
                yield from ((template, resource) for resource in self.resources)


class ListError(Exception):
    """The list of accepted findings is not what it should be."""


def parse(text: str) -> list[Accepted]:
    """Parse the list.

    Raises:
        ListError: it is not TOML, or an entry lacks a field or a reason.
    """
    try:
        entries = tomllib.loads(text).get("accepted", [])
    except tomllib.TOMLDecodeError as error:
        raise ListError(f"It is not TOML: {error}") from error
    return [_entry(number, each) for number, each in enumerate(entries, 1)]


def compare(found: Collection[Finding], accepted: Collection[Accepted], checked: Collection[str]) -> list[str]:
    """List what differs: findings that are not accepted, and accepted findings that no longer occur.

    Args:
        found: all findings.
        accepted: the list.
        checked: names of the templates that were checked.
    """
    unlisted = [each for each in found if not any(entry.covers(each) for entry in accepted)]
    return [
        *(f"not accepted: {each}" for each in sorted(set(unlisted))),
        *(f"no longer found: {each}" for each in _list_stale(found, accepted, checked)),
    ]


def _list_stale(
    found: Collection[Finding], accepted: Collection[Accepted], checked: Collection[str]
) -> Iterator[Finding]:
    for entry in accepted:
        for template, resource in entry.cases(checked):
            case = entry._replace(templates=(template,), resources=(resource,))
            if not any(case.covers(each) for each in found):
                yield Finding(entry.check, template, resource)


def _entry(number: int, fields: object) -> Accepted:
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise ListError(f"Entry {number} needs {', '.join(sorted(_FIELDS))}, and nothing else.")
    check, reason = fields["check"], fields["reason"]
    if not isinstance(check, str) or not isinstance(reason, str) or len(reason.strip()) < _SHORTEST_REASON:
        raise ListError(f"Entry {number} needs the id of a check, and a reason that explains why it is accepted.")
    return Accepted(check, _names(number, fields["resources"]), _names(number, fields["templates"]), reason)


def _names(number: int, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ListError(f"Entry {number} needs lists of names for resources and templates.")
    return tuple(value)
