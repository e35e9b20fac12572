"""Reads the service, and predicts each result with the plain model."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Key, Namespace
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.change_log import LogWanted, list_changes
from configsvc.service.verbs.data_keys import list_data_keys
from configsvc.service.verbs.grants import get_grants
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from configsvc.service.verbs.namespaces import get_namespace, list_namespaces
from configsvc.service.verbs.read_keys import get_key, list_keys, list_versions
from configsvc.service.verbs.snapshots import fetch_snapshot, fetch_snapshots
from tests.support.machines.predict import ADMINISTRATOR, is_readable, may
from tests.support.machines.predict_admin import describe_grants, describe_space
from tests.support.machines.sizes import build_served, build_snapshot
from tests.support.machines.worlds import LoggedWrite, Refusal, Space, World

READINGS = (
    "snapshot", "snapshot", "many", "past", "past", "key", "version", "keys", "versions", "log", "diff", "namespace",
    "data keys", "namespaces", "grants",
)  # fmt: skip
ONE_REVISION = frozenset({"snapshot", "past", "diff"})
"""Reads that are of one revision during writes; for others, each part is as of its own moment."""


class Reading(NamedTuple):
    """A read and its caller."""

    kind: str
    ns: Namespace
    who: Caller
    key: Key = Key("a")
    version: int = 1
    revision: int = 1
    to_revision: int | None = None
    principal: str = ""


def read(ports: ServicePorts, wanted: Reading) -> object:
    """Reads the service and returns plain JSON, or a refusal as its code."""
    try:
        return _read(ports, wanted)
    except ConfigsvcError as error:
        if error.status in {429, 503}:
            raise
        return Refusal(error.code)


def _read(ports: ServicePorts, wanted: Reading) -> object:  # noqa: C901, PLR0911, PLR0912  # one line for each kind of read
    who, ns = wanted.who, wanted.ns
    match wanted.kind:
        case "snapshot":
            return json.loads(fetch_snapshot(ports, who, ns, None).body or "")
        case "many":
            return json.loads(fetch_snapshots(ports, who, (ns, Namespace("shared")), None).body or "")
        case "past":
            return json.loads(fetch_revision(ports, who, ns, wanted.revision, None).body or "")
        case "key":
            return get_key(ports, who, ns, wanted.key)[0]
        case "version":
            return _omit(get_key(ports, who, ns, wanted.key, wanted.version)[0], "written_at")
        case "keys":
            page = list_keys(ports, who, ns, "", 1000, None)
            return page["floor"], _index_by_key(page, "keys")
        case "versions":
            found = _get_rows(list_versions(ports, who, ns, wanted.key, 1000, None), "versions")
            return [(row["version"], row["form"], row["revision"], row["active"], row["destroyed"]) for row in found]
        case "log":
            rows = _get_rows(list_changes(ports, who, ns, LogWanted(), 1000, None), "changes")
            return [
                (row["revision"], row["served_revision"], row["verb"], row["subject"], row["keys"], row["principal"])
                for row in rows
            ]
        case "diff":
            found = _get_rows(
                diff_revisions(ports, who, ns, wanted.revision, wanted.to_revision, 1000, None), "differences"
            )
            return [(row["key"], _get_version(row["was"]), _get_version(row["now"])) for row in found]
        case "namespace":
            return get_namespace(ports, who, ns)
        case "data keys":
            rows = _get_rows(list_data_keys(ports, who, ns), "data_keys")
            return [
                (row["kid"], row["revision"], row["wrapped"], row["state"], row["seals"], row["served"]) for row in rows
            ]
        case "namespaces":
            return [row["namespace"] for row in _get_rows(list_namespaces(ports, who, "", 1000, None), "namespaces")]
        case _:
            return get_grants(ports, who, wanted.principal, 1000, None)


def predict_read(world: World, wanted: Reading) -> object:
    """Predicts the result in that world."""
    if wanted.kind == "grants":
        return _predict_grants(world, wanted)
    if wanted.kind == "namespaces":
        return [ns for ns in sorted(world.spaces) if is_readable(world, wanted.who, ns)]
    if wanted.kind == "many" and wanted.ns == "shared":
        return Refusal("invalid_request")
    if not is_readable(world, wanted.who, wanted.ns):
        return Refusal("not_found")
    if wanted.kind == "many":
        return _predict_many(world, wanted)
    return _predict_space(wanted.ns, world.space(wanted.ns), wanted)


def _predict_many(world: World, wanted: Reading) -> object:
    if not is_readable(world, wanted.who, "shared"):
        return Refusal("not_found")
    bodies = [build_served(ns, world.space(ns)) for ns in (wanted.ns, "shared")]
    return {"snapshots": bodies, "deferred": []}


def _predict_grants(world: World, wanted: Reading) -> object:
    held = world.held(wanted.who.principal)
    everywhere = any("admin" in each.actions and "*" in each.namespaces for each in held)
    if wanted.who.principal != ADMINISTRATOR and not everywhere:
        return Refusal("forbidden")
    granted = world.grants.get(wanted.principal)
    if granted is None:
        return Refusal("not_found")
    revision = world.granted_at[wanted.principal]
    return {"principal": wanted.principal, "grants": describe_grants(granted), "revision": revision}


def _predict_space(ns: str, space: Space, wanted: Reading) -> object:  # noqa: PLR0911  # one line for each kind of read
    match wanted.kind:
        case "snapshot":
            return build_served(ns, space)
        case "past":
            return _predict_past(ns, space, wanted.revision)
        case "diff":
            return _predict_diff(space, wanted)
        case "keys":
            return space.floor, {key: _build_row(space, key) for key in sorted(space.keys)}
        case "log":
            return [_build_log_row(revision, each) for revision, each in sorted(space.log.items())]
        case "namespace":
            return describe_space(ns, space)
        case "data keys":
            return _list_data_keys(space)
        case _:
            return _predict_key(ns, space, wanted)


def _predict_past(ns: str, space: Space, revision: int) -> object:
    if revision > space.revision:
        return Refusal("not_found")
    if revision >= space.served:
        return build_served(ns, space)
    if revision not in space.past:
        return Refusal("gone")
    active = space.past[revision]
    if _has_lost_version(space, active):
        return Refusal("gone")
    entries = [(key, version, space.keys[key].versions[version]) for key, version in sorted(active.items())]
    if any(value.destroyed for _, _, value in entries):
        return Refusal("gone")
    return build_snapshot(ns, space.log[revision].served, entries, space)


def _predict_diff(space: Space, wanted: Reading) -> object:
    ends = [wanted.revision, wanted.to_revision or space.revision]
    if max(wanted.revision, wanted.to_revision or 0) > space.revision:
        return Refusal("not_found")
    if any(end not in space.past and end < space.served for end in ends):
        return Refusal("gone")
    was, now = (space.past[end] if end < space.served else space.active for end in ends)
    moved = [key for key in sorted({*was, *now}) if was.get(key) != now.get(key)]
    if any(_has_lost_version(space, {key: side[key] for key in moved if key in side}) for side in (was, now)):
        return Refusal("gone")
    return [(key, was.get(key), now.get(key)) for key in moved]


def _has_lost_version(space: Space, active: Mapping[str, int]) -> bool:
    """Whether a version that was served is gone: its key was deleted and purged."""
    return any(key not in space.keys or version not in space.keys[key].versions for key, version in active.items())


def _build_row(space: Space, key: str) -> dict[str, object]:
    known = space.keys[key]
    active = known.versions[known.active] if known.active else None
    return {
        "key": key, "active": known.active, "latest": known.latest,
        "next_version": max(known.latest, space.floor) + 1, "form": active.form if active else known.form,
        "content_type": active.content_type if active else None, "revision": known.touched,
        "rotate_by": known.rotate_by,
        "state": "served" if known.active else "deleted" if known.deleted else "staged",
    }  # fmt: skip


def _build_log_row(revision: int, logged: LoggedWrite) -> tuple[object, ...]:
    rows = [
        {"key": key, "op": op, "version": version, "was": was, "now": now} for key, op, version, was, now in logged.keys
    ]
    return (revision, logged.served, logged.verb, logged.subject, rows, logged.principal)


def _list_data_keys(space: Space) -> object:
    entries = [value.kid for _, _, value in space.entries()]
    newest = sorted(space.data_keys.items(), key=lambda each: each[1].added, reverse=True)
    return [
        (
            kid, each.added, each.wrapped, "live" if each.live else "retired", each.seals if each.live else None,
            entries.count(kid),
        )
        for kid, each in newest
    ]  # fmt: skip


def _predict_key(ns: str, space: Space, wanted: Reading) -> object:
    known = space.keys.get(wanted.key)
    if known is None:
        return Refusal("not_found")
    if wanted.kind == "versions":
        numbered = sorted(known.versions.items(), reverse=True)
        return [(number, each.form, each.at, number == known.active, each.destroyed) for number, each in numbered]
    number = known.active if wanted.kind == "key" else wanted.version
    if number is None or number not in known.versions:
        return Refusal("not_found")
    value = known.versions[number]
    if value.destroyed:
        return Refusal("gone")
    entry = {
        "namespace": ns, "key": wanted.key, "version": number, "form": value.form, "content_type": value.content_type,
        "value": value.text, "latest": known.latest, "next_version": max(known.latest, space.floor) + 1,
        "revision": known.touched,
    }  # fmt: skip
    if wanted.kind == "key":
        return entry
    return {**entry, "active": known.active, "written_by": value.by}


def _get_rows(answer: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = answer[name]
    assert isinstance(found, list)
    return found


def _index_by_key(answer: Mapping[str, object], name: str) -> dict[object, object]:
    return {row["key"]: row for row in _get_rows(answer, name)}


def _omit(answer: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in answer.items() if name not in names}


def _get_version(found: object) -> object:
    return found["version"] if isinstance(found, dict) else None


__all__ = ["ONE_REVISION", "READINGS", "Reading", "may", "predict_read", "read"]
