"""Create a namespace, or change its settings."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.entry import FORMS, Form
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.model.schema import KeySchema
from configsvc.service import access, change_log, check_settings, records
from configsvc.service.access import Access
from configsvc.service.change_log import Done
from configsvc.service.describe_namespace import described
from configsvc.service.found import Found, one
from configsvc.service.ports import Caller, Check, Idempotency, Outcome, Ports, Schemas, Write
from configsvc.service.records import Head, Listed, Retention, Settings
from configsvc.service.writing import Intent, Plan, Situation, write


class NamespaceWanted(NamedTuple):
    """Settings asked for; None leaves one as it is, or as it is by default.

    Retention and schemas are replaced as a whole; `Retention()` keeps everything, `()` checks nothing.
    """

    description: str | None = None
    forms: tuple[Form, ...] | None = None
    snapshot_bytes: int | None = None
    require_preconditions: bool | None = None
    read_only: bool | None = None
    retention: Retention | None = None
    schemas: tuple[KeySchema, ...] | None = None


def create_namespace(
    ports: Ports, caller: Caller, namespace: Namespace, wanted: NamespaceWanted, idempotency: Idempotency | None
) -> Outcome:
    """Answers 201 when it is new, 200 when it was there, and its description; what changes nothing writes nothing.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin of it.
        InvalidRequest, TooLarge, Unprocessable: a setting is not what it may be.
    """
    _check(ports.schemas, wanted)
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace), records.settings(namespace), records.listed(namespace)),
        partial(_authorise, namespace),
        partial(_decide, namespace, wanted, ports.retention),
    )
    return write(ports, caller, intent, idempotency)


def _check(schemas: Schemas, wanted: NamespaceWanted) -> None:
    if wanted.description is not None:
        check_settings.check_description(wanted.description)
    if wanted.forms is not None:
        check_settings.check_forms(wanted.forms)
    if wanted.snapshot_bytes is not None:
        check_settings.check_snapshot_bytes(wanted.snapshot_bytes)
    if wanted.retention is not None:
        check_settings.check_retention(wanted.retention)
    if wanted.schemas is not None:
        check_settings.check_schemas(schemas, wanted.schemas)


def _authorise(namespace: Namespace, held: Access, found: Found) -> None:
    if not held.may("admin", namespace):
        raise access.refused(held, found, namespace, "admin")


def _decide(
    namespace: Namespace, wanted: NamespaceWanted, retention: Retention, found: Found, situation: Situation
) -> Plan:
    head = one(found, records.head(namespace), Head)
    old = one(found, records.settings(namespace), Settings)
    listed = one(found, records.listed(namespace), Listed)
    created = head is None or head.state == "deleted"
    settings = _settings(wanted, old if old and not created else _first(namespace, retention))
    if head and not created and old and settings == old:
        as_read = (Check(records.address_of(head), head.revision), Check(records.address_of(old), old.revision))
        return Plan(
            head.revision, as_read, Outcome(200, described(head, old, situation.charset), of_revision(head.revision))
        )
    new = _head(namespace, head, situation.tag)
    settings = settings._replace(revision=new.revision)
    done = Done("create_namespace" if created else "set_namespace", details=_details(settings))
    actions = (
        Write(new, head.revision if head else None),
        Write(settings, old.revision if old else None),
        Write(Listed(namespace, new.revision, settings.description), listed.revision if listed else None),
        change_log.logged(namespace, new.revision, new.served, done, situation),
    )
    outcome = Outcome(201 if created else 200, described(new, settings, situation.charset), of_revision(new.revision))
    return Plan(new.revision, actions, outcome)


def _head(namespace: Namespace, head: Head | None, tag: str) -> Head:
    """A new namespace serves its empty self at revision 1; one that comes back goes on counting."""
    if head is None:
        return Head(namespace, 1, 1, tag, 0, "live", 0, 0, 0, 0, {})
    if head.state == "deleted":
        return head._replace(revision=head.revision + 1, served=head.revision + 1, tag=tag, state="live")
    return head._replace(revision=head.revision + 1)


def _first(namespace: Namespace, retention: Retention) -> Settings:
    size = limits.SNAPSHOT_BYTES
    return Settings(namespace, 0, "", FORMS, size, require_preconditions=False, read_only=False, retention=retention)


def _settings(wanted: NamespaceWanted, base: Settings) -> Settings:
    asked = {name: value for name, value in wanted._asdict().items() if value is not None}
    return base._replace(**asked)


def _details(settings: Settings) -> dict[str, object]:
    """The settings as they are then; of each schema its digest, for schemas are long and the log is read by pages."""
    digests = [{"keys": each.keys, "sha256": sha256(each.schema.encode()).hexdigest()} for each in settings.schemas]
    told = {"retention": settings.retention._asdict(), "schemas": digests}
    members = (settings._asdict() | told).items()
    return {name: value for name, value in members if name not in {"namespace", "revision"}}
