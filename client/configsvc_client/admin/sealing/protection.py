"""The protection policy: which keys may be stored in the clear, by the writer's own files or code. Pure.

[policy."payments.*"]               # exact, a prefix or *; only one table applies, and tables do not merge
plain = ["limits.*", "log.level"]   # keys that may be stored in the clear
kms = []                            # keys that are sealed with kms:Encrypt itself
exec = ["DB_*", "SMTP_*"]           # the only variables that exec may set
retired_kids = []                   # data keys that are never sealed under again; of all tables that match
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from configsvc.model import grants, names
from configsvc.model import names as wildcard
from configsvc.model.errors import InvalidName, Misconfigured
from configsvc.model.snapshot import Form
from configsvc_client._setting_parsers import KeyPatterns

_MEMBERS = ("exec", "kms", "plain", "retired_kids")
_KEYS = re.compile(r"[A-Za-z0-9_.*-]+")
_VARIABLES = re.compile(r"[A-Z0-9_*]+")
_NO_KIDS: frozenset[str] = frozenset()


class Protection(NamedTuple):
    """The protection of values in the namespaces that one table covers.

    `plain` and `kms` are patterns of keys, `exec` patterns of variables (None: there is no allow-list).
    """

    plain: tuple[str, ...] = ()
    kms: tuple[str, ...] = ()
    exec: tuple[str, ...] | None = None
    retired_kids: frozenset[str] = _NO_KIDS


SEALED = Protection()
"""The protection without a table: everything is sealed."""


class Policy:
    """The tables by namespace pattern. Without any, everything is sealed unless plain is asked for.

    Args:
        tables: a Protection for each pattern: exact, `prefix.*` or `*`.

    Raises:
        Misconfigured: a pattern is malformed, or a retired kid is not a kid.
    """

    def __init__(self, tables: Mapping[str, Protection] = MappingProxyType({})) -> None:
        self._tables = {_parse_pattern(name): _check_table(name, found) for name, found in tables.items()}

    def __repr__(self) -> str:
        return f"Policy({self._tables!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._tables == other._tables

    def __hash__(self) -> int:
        return hash(frozenset(self._tables.items()))

    def untrusted(self) -> Policy:
        """Returns the part of an untrusted policy that applies: it allows nothing, but its restrictions stay."""
        return Policy(
            {
                name: each._replace(plain=(), kms=(), exec=None if each.exec is None else ())
                for name, each in self._tables.items()
            }
        )

    def and_retired(self, other: Policy) -> Policy:
        """Returns this policy with the retired kids of another one added."""
        tables = dict(self._tables)
        for name, each in other._tables.items():
            held = tables.get(name, SEALED)
            tables[name] = held._replace(retired_kids=held.retired_kids | each.retired_kids)
        return Policy(tables)

    def of(self, namespace: str) -> Protection:
        """Returns the protection of a namespace; without a table, one that seals everything."""
        found = self.table(namespace)
        return SEALED if found is None else self._tables[found]

    def table(self, namespace: str) -> str | None:
        """Returns the pattern of the table that applies: the exact one, else the longest prefix, else `*`."""
        return max(self._matching(namespace), key=lambda each: (each == namespace, len(each)), default=None)

    def retired_kids(self, namespace: str) -> frozenset[str]:
        """Returns the retired kids of every table that covers a namespace, not only of the one that applies.

        A retired data key is never used again, so a table that is added later must not bring it back.
        """
        return _NO_KIDS.union(*(self._tables[each].retired_kids for each in self._matching(namespace)))

    def _matching(self, namespace: str) -> list[str]:
        return [each for each in self._tables if grants.covers(each, namespace)]


class FormRules(NamedTuple):
    """How the writer's own settings decide the form of a value. The service has no influence.

    In this order: `sealed_keys` (CONFIGSVC_SEALED_KEYS; plain is refused), what the caller asked for, the policy of the
    namespace that is written to (kms before plain), else sealed.
    """

    policy: Policy = Policy()
    sealed_keys: KeyPatterns | None = None

    def named(self, namespace: str, key: str, asked: Form | None = None) -> Form | None:
        """Returns the form that the caller or a setting names for a key; None if nothing does.

        Raises:
            Misconfigured: plain, but CONFIGSVC_SEALED_KEYS names the key.
        """
        table = self.policy.of(namespace)
        of_policy: Form | None = "kms" if matches(key, table.kms) else "plain" if matches(key, table.plain) else None
        found = asked or of_policy
        if self.sealed_keys is None or not self.sealed_keys.matches(key):
            return found
        if found == "plain":
            raise Misconfigured(
                f"{key} may not be stored in the clear: CONFIGSVC_SEALED_KEYS names it. Seal it (--seal), or remove it "
                "from that setting.", key=key,
            )  # fmt: skip
        return found or "envelope"

    def form(self, namespace: str, key: str, asked: Form | None = None) -> Form:
        """Decides the form to store a value in.

        Raises:
            Misconfigured: as `named`.
        """
        return self.named(namespace, key, asked) or "envelope"


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether any pattern matches a key or a variable; `*` matches any text. Takes linear time."""
    return any(wildcard.matches(name, each) for each in patterns)


def read_policy(members: object, where: str) -> Policy:
    """Read a policy from the parsed `policy` member of a TOML file.

    Args:
        members: the content of `policy`.
        where: the file, named in errors.

    Raises:
        Misconfigured: an unknown member, a wrong type or a bad pattern.
    """
    if not isinstance(members, Mapping):
        raise Misconfigured(f'{where}: policy must contain tables, like [policy."payments.*"].')
    try:
        return Policy({name: _read_table(name, found) for name, found in members.items()})
    except Misconfigured as error:
        raise Misconfigured(f"{where}: {error.detail}") from None


def _read_table(name: str, found: object) -> Protection:
    if not isinstance(found, dict):
        raise Misconfigured(f'[policy] has the member {name}. Put it into a table, like [policy."payments.*"].')
    for member, held in found.items():
        if isinstance(held, dict):
            raise Misconfigured(
                f"[policy.{name}.{member}] is a nested table in TOML. Quote the namespace pattern: "
                f'[policy."{name}.{member}"].'
            )
        if member not in _MEMBERS:
            raise Misconfigured(f'[policy."{name}"] has an unknown member: {member}. Known: {", ".join(_MEMBERS)}.')
    lists = {member: _require_texts(name, member, held) for member, held in found.items()}
    return Protection(
        lists.get("plain", ()), lists.get("kms", ()), lists.get("exec"), frozenset(lists.get("retired_kids", ()))
    )


def _require_texts(name: str, member: str, held: object) -> tuple[str, ...]:
    if not isinstance(held, list) or not all(isinstance(each, str) for each in held):
        raise Misconfigured(f'[policy."{name}"]: {member} must be a list of texts.')
    return tuple(held)


def _parse_pattern(name: str) -> str:
    try:
        return grants.parse_pattern(name)
    except InvalidName as error:
        raise Misconfigured(f'[policy."{name}"]: {error.detail}') from None


def _check_table(name: str, found: Protection) -> Protection:
    """Checks every pattern of a table, and returns the table with tuples."""
    lists = {"plain": found.plain, "kms": found.kms, "exec": found.exec, "retired_kids": found.retired_kids}
    for member, held in lists.items():
        if isinstance(held, str):  # each of its characters would be a pattern, perhaps `*`
            raise Misconfigured(f'[policy."{name}"]: {member} must be a list of texts.')
        for each in held or ():
            _check(name, member, each)
    allowed = None if found.exec is None else tuple(found.exec)
    return Protection(tuple(found.plain), tuple(found.kms), allowed, frozenset(found.retired_kids))


def _check(name: str, member: str, text: str) -> None:
    if member == "retired_kids":
        try:
            names.parse_kid(text)
        except InvalidName as error:
            raise Misconfigured(f'[policy."{name}"]: retired_kids: {error.detail}') from None
    elif not (_VARIABLES if member == "exec" else _KEYS).fullmatch(text):
        takes = "variables and patterns like DB_URL or DB_*" if member == "exec" else "keys and patterns like limits.*"
        raise Misconfigured(f'[policy."{name}"]: {member} takes {takes}, not {text!r}.')
