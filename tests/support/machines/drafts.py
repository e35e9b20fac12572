"""Drafts of requests: a few random bytes, turned into requests to the world as it then is.

One small draw for each step keeps Hypothesis fast, and its digest gives every kind of request its share.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put
from configsvc.model.encoding import to_base64std
from configsvc.model.grants import Grant
from configsvc.model.names import Namespace
from configsvc.model.snapshot import FORMS, ContentType, Form
from configsvc.service.engine.ports import Caller
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.namespaces import NamespaceWanted
from tests.support.machines.storm import Event
from tests.support.machines.worlds import Space, World
from tests.support.machines.write_requests import (
    ActivateKey,
    AddDataKey,
    ChangeKeys,
    DeleteGrants,
    DeleteKey,
    DeleteNamespace,
    Destroy,
    Lift,
    PutKey,
    RequestedWrite,
    RetireDataKey,
    RewrapDataKey,
    SetGrants,
    SetNamespace,
    WriteRequest,
    make_key,
)
from tests.support.service.sealed import envelope, kid
from tests.support.service.world import ADMIN, DEVELOPER, ROLES, caller

Choice = TypeVar("Choice")

NAMESPACES = (Namespace("payments.prod"), Namespace("payments.test"), Namespace("shared"))
CHIEF = caller("chiefkey", "Chief")
OTHER = caller("otherkey", "Other")
CALLERS = (*(CHIEF,) * 7, DEVELOPER, DEVELOPER, ADMIN, OTHER, OTHER)

SPECIES = (
    *("put",) * 16, *("change",) * 7, *("activate",) * 7, *("delete",) * 4, *("destroy",) * 2, "add", "add", "rewrap",
    "rewrap", "retire", "retire", "set", "set", "unset", "lift", "grant", "revoke",
)  # fmt: skip
RIVALS = ("put", "change", "activate", "delete", "destroy", "set", "set", "retire", "rewrap", "add", "lift", "grant")
CLOSEST = {
    "put": ("put", "delete", "activate", "set", "set", "retire"),
    "change": ("put", "delete", "activate", "set", "set", "retire", "change"),
    "activate": ("destroy", "destroy", "destroy", "delete", "put", "set", "retire"),
    "delete": ("put", "activate", "delete"),
    "destroy": ("activate", "destroy"),
    "rewrap": ("put", "retire", "rewrap", "set"),
    "retire": ("put", "activate", "rewrap", "set"),
    "set": ("set", "unset"),
    "unset": ("put", "activate", "set"),
    "lift": ("put", "activate"),
}
PAIRS = (("fresh", "use"), ("use", "release"))
"""Two writes during one read: a data key is added and used, or is used and then retired."""
DATA_KEYS = 12
WEATHERS: tuple[tuple[Event, ...], ...] = (
    *((),) * 6, *(("tear",),) * 6, *(("slip",),) * 3, ("lose",), ("lose",), ("tear", "slip"), ("slip", "lose"),
    ("conflict",), ("conflict", "lose"), ("refuse",), ("unread",), ("tear", "lose"), ("always",), ("tear", "tear"),
    ("slip", "conflict", "slip"), ("rend",), ("rend",), ("rend",),
)  # fmt: skip
GRANTS = (
    (Grant(("read", "write"), ("payments.*",)),),
    (Grant(("read",), ("shared",)), Grant(("admin",), ("payments.prod",))),
    (Grant(("admin", "read"), ("*",)),),
    (),
)
SETTINGS = (
    NamespaceWanted(),
    NamespaceWanted(snapshot_bytes=900),
    NamespaceWanted(snapshot_bytes=1 << 20),
    NamespaceWanted(read_only=True),
    NamespaceWanted(read_only=False, snapshot_bytes=1800),
    NamespaceWanted(require_preconditions=True, read_only=False),
    NamespaceWanted(require_preconditions=False),
    NamespaceWanted(forms=("envelope", "plain")),
    NamespaceWanted(forms=FORMS, read_only=False),
    NamespaceWanted(description="noted", retention=RetentionSettings(2, 30)),
    NamespaceWanted(retention=RetentionSettings(1, None, 1)),
    NamespaceWanted(retention=RetentionSettings(2, 1)),
)
_PER_DRAFT = 11


class Draft(NamedTuple):
    """The outline of a request; each number chooses among what there is."""

    species: str
    ns: Namespace
    key: int
    form: Form
    back: int
    kid: int
    size: int
    flags: int
    who: Caller
    other: int
    more: int

    @classmethod
    def of(cls, raw: bytes) -> "Draft":
        return cls(
            _of(SPECIES, raw[0]), NAMESPACES[_of((0, 0, 0, 0, 1, 2), raw[1])], _of((0, 0, 0, 0, 1, 1, 2, 3), raw[2]),
            _of(("plain", "envelope", "kms", "envelope"), raw[3]), _of((0, 0, 0, 0, 0, 0, 1, 2), raw[4]),
            _of((0, 0, 0, 1), raw[5]), raw[6], raw[7], _of(CALLERS, raw[8]), raw[9], raw[10],
        )  # fmt: skip

    def has(self, flag: int, one_in: int) -> bool:
        """Draws a separate yes or no."""
        return (self.flags * 31 + flag * 97 + self.other) % one_in == one_in - 1


class Step(NamedTuple):
    """A request, the weather that it meets, and what slips in."""

    draft: Draft
    slips: tuple[Draft, Draft]
    weather: tuple[Event, ...]
    cut: int
    once: bool

    @classmethod
    def of(cls, seed: bytes) -> "Step":
        raw = blake2b(seed, digest_size=STEP_BYTES).digest()
        first, second, third = (Draft.of(raw[at * _PER_DRAFT : (at + 1) * _PER_DRAFT]) for at in range(3))
        weather = _of(WEATHERS, raw[-1])
        rivals = (_make_rival(first, second, raw[0]), _make_rival(first, third, raw[_PER_DRAFT]))
        if "rend" in weather and raw[0] % 4:
            first, rivals = _make_acceptable(first, raw[0]), _pair_rivals(first, rivals, raw[-2])
        return cls(first, rivals, weather, raw[-3], raw[-2] % 3 == 0)


def _make_rival(first: Draft, draft: Draft, number: int) -> Draft:
    """Makes a rival that is mostly about the same things, or it would not be in the way."""
    choices = CLOSEST.get(first.species, RIVALS) if number % 4 else RIVALS
    rival = draft._replace(species=_of(choices, number // 4), who=CHIEF, ns=first.ns)
    return rival._replace(key=first.key, kid=first.kid, more=first.more, size=first.size) if draft.size % 4 else rival


def _make_acceptable(first: Draft, number: int) -> Draft:
    """Makes a request that the two rivals give no reason to refuse, or one about the version that they make."""
    asked = first._replace(who=CHIEF, form="kms")
    return asked._replace(species="next", flags=0, other=0) if number % 3 == 0 else asked


def _pair_rivals(first: Draft, rivals: tuple[Draft, Draft], number: int) -> tuple[Draft, Draft]:
    """Makes two rivals about the key of the request that are not refused."""
    species = PAIRS[0] if first.species == "next" else _of(PAIRS, number)
    near = (each._replace(species=kind, ns=first.ns, key=first.key) for each, kind in zip(rivals, species, strict=True))
    one, other = (each._replace(form="envelope", back=0, size=1, who=CHIEF) for each in near)
    return one, other


STEP_BYTES = 3 * _PER_DRAFT + 3


def _of(choices: Sequence[Choice], number: int) -> Choice:
    return choices[number % len(choices)]


def resolve(world: World, draft: Draft, once: str | None = None) -> WriteRequest:
    """Turns a draft into the request that it means in this world."""
    space = world.space(draft.ns)
    return WriteRequest(_resolve_write(space, draft), draft.who, once)


def _resolve_write(space: Space, draft: Draft) -> RequestedWrite:  # noqa: C901, PLR0911, PLR0912  # one line for each kind of request
    ns, principal = draft.ns, (ROLES + "Other", "api-key:otherkey")[draft.other % 2]
    match draft.species:
        case "put":
            return PutKey(ns, _build_put(space, draft))
        case "change":
            if_match = space.revision - draft.back if draft.has(5, 4) and space.revision > draft.back else None
            return ChangeKeys(ns, ChangeSet(_build_operations(space, draft), "why", if_match))
        case "activate":
            return ActivateKey(ns, _activate(space, _prefer_known(space, draft)))
        case "next":
            return ActivateKey(ns, Activate(make_key(draft.key), _compute_next(space, draft), None))
        case "delete":
            served = _prefer_known(space, draft, served=True)
            return DeleteKey(ns, Delete(make_key(served.key), _choose_if_match(space, served)))
        case "destroy":
            known = _prefer_known(space, draft)
            return Destroy(ns, make_key(known.key), _choose_version(space, known))
        case "add":
            return AddDataKey(ns, draft.kid + draft.other % 2, draft.more % 2)
        case "rewrap":
            return RewrapDataKey(ns, draft.kid, draft.more % 3)
        case "retire":
            return RetireDataKey(ns, draft.kid)
        case "fresh":
            return AddDataKey(ns, max(at for at in range(DATA_KEYS) if at == 0 or kid(at - 1) in space.data_keys), 0)
        case "use":
            wanted = _build_put(space, draft._replace(kid=_of(_list_live(space), -1)))
            return PutKey(ns, wanted._replace(if_match=None, create_only=False))
        case "release":
            idle = [at for at in _list_live(space) if kid(at) not in space.kids_served()]
            return RetireDataKey(ns, _of(idle or [draft.kid], draft.more))
        case "set":
            return SetNamespace(ns, _choose_settings(space, draft))
        case "unset":
            return DeleteNamespace(ns)
        case "lift":
            return Lift(ns, max(1, space.revision + _of((-3, -1, 0, 2, 7), draft.more)))
        case "grant":
            return SetGrants(principal, _of(GRANTS, draft.more))
        case _:
            return DeleteGrants(principal)


def _list_live(space: Space) -> list[int]:
    """Returns the numbers of the live data keys."""
    return [at for at in range(DATA_KEYS) if (known := space.data_keys.get(kid(at))) and known.live] or [0]


def _prefer_known(space: Space, draft: Draft, *, served: bool = False) -> Draft:
    """Makes the draft mostly about a key that exists, and is served."""
    there = [at for at in range(4) if make_key(at) in (space.active if served else space.keys)]
    return draft._replace(key=_of(there, draft.key)) if there and draft.more % 11 else draft


def _choose_settings(space: Space, draft: Draft) -> NamespaceWanted:
    """Chooses settings. Read-only ends soon, or nothing else would happen."""
    return NamespaceWanted(read_only=False) if space.settings.read_only else _of(SETTINGS, draft.more)


def _build_put(space: Space, draft: Draft) -> Put:
    version = max(1, _compute_next(space, draft) - draft.back)
    content_type: ContentType = "application/json" if draft.has(1, 5) else "text/plain"
    return Put(
        make_key(draft.key), draft.form, content_type, _build_value(draft, version, content_type), not draft.has(2, 4),
        draft.has(3, 2), "2027-01-31" if draft.has(4, 6) else None, _choose_if_match(space, draft), draft.has(6, 9),
    )  # fmt: skip


def _build_value(draft: Draft, version: int, content_type: ContentType) -> str:
    size = 400 if draft.size > 230 else draft.size % 12
    if draft.form == "envelope":
        where = draft.ns if draft.size % 23 else "elsewhere"
        return envelope(
            make_key(draft.key), version, namespace=where, kid=kid(draft.kid), content_type=content_type,
            ciphertext=b"c" * (size + 1),
        )  # fmt: skip
    if draft.form == "kms":
        return to_base64std(b"k" * (size + 1))
    return f'"{"é" * size}"' if content_type == "application/json" else 'text "\n' + "t" * size


def _compute_next(space: Space, draft: Draft) -> int:
    known = space.keys.get(make_key(draft.key))
    return max(known.latest if known else 0, space.floor) + 1


def _choose_if_match(space: Space, draft: Draft) -> int | None:
    known = space.keys.get(make_key(draft.key))
    if not draft.has(7, 5):
        return None
    return max(1, (known.touched if known else 1) - draft.back)


def _choose_version(space: Space, draft: Draft) -> int:
    """Chooses a version, mostly one that exists and is not served."""
    known = space.keys.get(make_key(draft.key))
    if known is None or not known.versions:
        return 1
    idle = [at for at, value in known.versions.items() if at != known.active and not value.destroyed]
    return _of(idle, draft.more) if idle and draft.size % 5 else _of([*known.versions, known.latest + 1], draft.more)


def _activate(space: Space, draft: Draft) -> Activate:
    return Activate(make_key(draft.key), _choose_version(space, draft), _choose_if_match(space, draft))


def _build_operations(space: Space, draft: Draft) -> tuple[Operation, ...]:
    """Builds one to three operations, each on another key."""
    many = 1 + draft.other % 3
    parts = [
        draft._replace(key=(draft.key + at) % 4, more=draft.more // (at + 1), form=_of(FORMS, draft.size + at))
        for at in range(many)
    ]
    return tuple(_build_operation(space, part, (draft.flags + at) % 5) for at, part in enumerate(parts))


def _build_operation(space: Space, draft: Draft, kind: int) -> Operation:
    if kind == 0 and make_key(draft.key) in space.active:
        return Delete(make_key(draft.key), _choose_if_match(space, draft))
    if kind == 1 and make_key(draft.key) in space.keys:
        return _activate(space, draft)
    return _build_put(space, draft)
