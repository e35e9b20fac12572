"""The plain model's state: dictionaries that are replaced and never changed, so that earlier ones can be kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from configsvc.model.grants import Grant
from configsvc.service.verbs.namespaces import NamespaceWanted

DAY = 24 * 3600
GRANTS_SECONDS = 10.0


class Answer(NamedTuple):
    """An answer."""

    status: int
    body: Mapping[str, object]
    etag: str | None = None


class Refusal(NamedTuple):
    """A refusal, by its stable code."""

    code: str


Outcome = Answer | Refusal


class ModelVersion(NamedTuple):
    """A version; `at` is the revision that wrote or destroyed it."""

    form: str
    content_type: str
    text: str
    kid: str | None
    at: int
    by: str | None
    destroyed: bool = False


class ModelKey(NamedTuple):
    """A key."""

    versions: Mapping[int, ModelVersion]
    latest: int
    active: int | None
    touched: int
    rotate_by: str | None
    form: str
    deleted: bool = False
    deleted_at: float = 0.0

    @property
    def sealed(self) -> bool:
        return self.form != "plain"


class ModelDataKey(NamedTuple):
    """A data key."""

    wrapped: str
    kms_key: str
    added: int
    touched: int
    live: bool
    seals: int


class LoggedWrite(NamedTuple):
    """A record of the change log; each key as (key, op, version, was, now)."""

    served: int
    verb: str
    subject: str
    keys: tuple[tuple[str, str, int | None, int | None, int | None], ...]
    principal: str | None
    at: float = 0.0


@dataclass(frozen=True)
class Space:
    """A namespace. `past` holds what each revision served; `log` the write that made it."""

    live: bool = False
    revision: int = 0
    served: int = 0
    floor: int = 0
    settings: NamespaceWanted = field(default_factory=NamespaceWanted)
    keys: Mapping[str, ModelKey] = field(default_factory=dict)
    data_keys: Mapping[str, ModelDataKey] = field(default_factory=dict)
    log: Mapping[int, LoggedWrite] = field(default_factory=dict)
    past: Mapping[int, Mapping[str, int]] = field(default_factory=dict)

    @property
    def active(self) -> dict[str, int]:
        return {key: each.active for key, each in sorted(self.keys.items()) if each.active}

    def entries(self) -> list[tuple[str, int, ModelVersion]]:
        return [(key, version, self.keys[key].versions[version]) for key, version in self.active.items()]

    def kids_served(self) -> list[str]:
        return sorted({value.kid for _, _, value in self.entries() if value.kid})


class Remembered(NamedTuple):
    digest: str
    said: Answer
    expires: float


AnswerKey = tuple[str, str | None, str, str]


@dataclass(frozen=True)
class World:
    """The whole state. `superseded` are grants that a warm process may still cache: (principal, grants, when replaced).

    `still_held` are those that it judges by, if this world is one that it may see.
    """

    spaces: Mapping[str, Space]
    grants: Mapping[str, tuple[Grant, ...]]
    granted_at: Mapping[str, int]
    grants_revision: int
    answers: Mapping[AnswerKey, Remembered]
    superseded: tuple[tuple[str, tuple[Grant, ...], float], ...] = ()
    still_held: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)

    def held(self, principal: str | None) -> tuple[Grant, ...]:
        return self.still_held.get(principal or "", self.grants.get(principal or "", ()))

    def space(self, ns: str) -> Space:
        return self.spaces.get(ns, Space())

    def having(self, ns: str, space: Space) -> "World":
        return replace(self, spaces={**self.spaces, ns: space})


def make_empty_world() -> World:
    return World({}, {}, {}, 0, {})


def date_last_revision(space: Space, now: float) -> Space:
    """Dates the last revision and its deletions."""
    last = space.log[space.revision]
    keys = {
        key: known._replace(deleted_at=now) if known.deleted and known.touched == space.revision else known
        for key, known in space.keys.items()
    }
    return replace(space, log={**space.log, space.revision: last._replace(at=now)}, keys=keys)


class Move(NamedTuple):
    """The effects of a write besides the next revision."""

    verb: str
    principal: str | None
    subject: str = ""
    keys: tuple[tuple[str, str, int | None, int | None, int | None], ...] = ()
    seen: bool = False
    to: int | None = None


def commit_move(space: Space, move: Move, change: Callable[[Space, int], Space]) -> Space:
    """Returns the space at its next revision, changed by `change` and logged; `seen` means that readers see it."""
    revision = move.to or space.revision + 1
    after = replace(change(space, revision), revision=revision, served=revision if move.seen else space.served)
    logged = LoggedWrite(after.served, move.verb, move.subject, move.keys, move.principal)
    return replace(after, log={**space.log, revision: logged}, past={**space.past, revision: after.active})
