"""The bodies of answers, for the OpenAPI document and for tests. No request loads this module.

Answers may get further members, so clients ignore those that they do not know; tests do not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from configsvc.model.entry import ContentType, Form
from configsvc.model.grants import Action
from configsvc.web.shapes import Date, Key, KeyPattern, Kid, KmsKey, Namespace, NamespacePattern, Principal, Wrapped

Number = Annotated[int, Field(ge=0)]
Revision = Annotated[int, Field(ge=0, examples=[42])]
Served = Annotated[int, Field(ge=0, examples=[41], description="The last revision that changed what readers get.")]
Version = Annotated[int, Field(ge=1, examples=[7])]
Floor = Annotated[int, Field(ge=0, examples=[0], description="Versions begin above it.")]
Active = Annotated[int | None, Field(ge=1, examples=[7], description="The version that is served, or null.")]
Latest = Annotated[int, Field(ge=1, examples=[7])]
Next = Annotated[int, Field(ge=1, examples=[8], description="The version that a writer seals for.")]
Time = Annotated[str, Field(examples=["2027-01-15T08:00:00.000Z"], json_schema_extra={"format": "date-time"})]
Arn = Annotated[str, Field(examples=["arn:aws:sts::123456789012:assumed-role/Deploy/jane"])]
Cursor = Annotated[str | None, Field(description="Of the next page; null on the last.", examples=["ZGIudXJs"])]
AForm = Annotated[Form, Field(examples=["envelope"])]
AContentType = Annotated[ContentType, Field(examples=["text/plain"])]
Value = Annotated[str, Field(description="The value as it is stored.", examples=["eyJhbGciOiJkaXIi...u1sA"])]


class Answer(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Health(Answer):
    """The service runs; `table` says whether it looked at its table, too."""

    status: Literal["ok"]
    table: Literal["not_checked", "readable"]


class OpenApi(BaseModel):
    """This document."""

    openapi: Annotated[str, Field(examples=["3.1.1"])]


class Grant(Answer):
    """Actions on the namespaces that the patterns name."""

    actions: Annotated[list[Action], Field(examples=[["read"]])]
    namespaces: Annotated[list[NamespacePattern], Field(examples=[["payments.*"]])]


class ApiKeyHolder(Answer):
    """The API key, by which reads are judged."""

    principal: Principal
    grants: list[Grant]


class IamHolder(Answer):
    """The IAM identity, by which writes are judged."""

    principal: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    arn: Arn
    grants: list[Grant]
    administrator: Annotated[bool, Field(description="Whether CONFIGSVC_ADMINS names it.")]


class WhoamiByKey(Answer):
    """Who the service takes the caller for; nothing is signed, so `iam` is null."""

    api_key: ApiKeyHolder
    iam: Annotated[IamHolder | None, Field(examples=[None])]


class Whoami(Answer):
    """Who the service takes the caller for."""

    api_key: ApiKeyHolder
    iam: IamHolder


class ListedNamespace(Answer):
    """A namespace in a list."""

    namespace: Namespace
    description: Annotated[str, Field(examples=["Settings of the payments service"])]


class NamespacePage(Answer):
    """Namespaces in order of name."""

    namespaces: list[ListedNamespace]
    cursor: Cursor


class HeldRetention(Answer):
    """What upkeep keeps; null keeps everything."""

    versions: Annotated[int | None, Field(examples=[20])]
    log_days: Annotated[int | None, Field(examples=[400])]
    deleted_days: Annotated[int | None, Field(examples=[400])]


class HeldSchema(Answer):
    """The JSON Schema of some keys."""

    keys: KeyPattern
    keyschema: Annotated[dict[str, object], Field(alias="schema", examples=[{"type": "integer", "minimum": 1}])]


class Namespace_(Answer):  # noqa: N801  # `Namespace` is the name of one
    """A namespace: revisions, counts and settings."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Namespace")

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Floor
    entries: Annotated[int, Field(ge=0, examples=[12])]
    bytes: Annotated[int, Field(ge=0, examples=[5120], description="What the snapshot costs in the final answer.")]
    charset: Annotated[
        Literal["ascii", "utf8"],
        Field(
            examples=["utf8"], description="What the runtime answers in; in `ascii` all else is escaped, and larger."
        ),
    ]
    description: Annotated[str, Field(examples=["Settings of the payments service"])]
    forms: Annotated[list[Form], Field(examples=[["plain", "kms", "envelope"]])]
    snapshot_bytes: Annotated[int, Field(ge=1, examples=[1048576])]
    require_preconditions: bool
    read_only: bool
    retention: HeldRetention
    schemas: list[HeldSchema]


class NamespaceDeleted(Answer):
    """It is absent from that revision on."""

    namespace: Namespace
    revision: Revision


class WrappedDataKey(Answer):
    """A data key that a snapshot's entries need."""

    kid: Kid
    kms_key: KmsKey
    wrapped: Wrapped


class Entry(Answer):
    """An entry."""

    key: Key
    version: Version
    form: AForm
    content_type: AContentType
    value: Value


class Snapshot(Answer):
    """All active entries of a namespace at one served revision, with the data keys in use."""

    namespace: Namespace
    revision: Served
    data_keys: list[WrappedDataKey]
    entries: list[Entry]


class SnapshotList(Answer):
    """Snapshots in the order asked; `deferred` ones are to be fetched singly."""

    snapshots: list[Snapshot]
    deferred: Annotated[list[Namespace], Field(examples=[["shared.prod"]])]


class ListedKey(Answer):
    """A key without its value."""

    key: Key
    active: Active
    latest: Latest
    next_version: Next
    form: AForm
    content_type: AContentType | None
    revision: Revision
    rotate_by: Date | None
    state: Annotated[
        Literal["served", "staged", "deleted"],
        Field(description="Whether a version is served; if not, whether one waits to be, or the key was deleted."),
    ]


class KeyPage(Answer):
    """Keys in order of name."""

    namespace: Namespace
    revision: Revision
    floor: Floor
    keys: list[ListedKey]
    cursor: Cursor


class KeyEntry(Entry):
    """An entry of a key; where it comes from is answered only to who asks for a `version`."""

    namespace: Namespace
    latest: Latest
    next_version: Next
    revision: Revision
    active: Active = None
    written_at: Time = ""
    written_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])] = ""


class ListedVersion(Answer):
    """A version without its value; `revision` wrote or destroyed it."""

    version: Version
    form: AForm
    content_type: AContentType
    written_at: Time
    written_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    revision: Revision
    active: bool
    destroyed: bool


class VersionPage(Answer):
    """Versions of a key, newest first."""

    namespace: Namespace
    key: Key
    latest: Latest
    next_version: Next
    revision: Revision
    versions: list[ListedVersion]
    cursor: Cursor


class KeyWritten(Answer):
    """A key after a write; `active` is null when nothing is served under it."""

    namespace: Namespace
    key: Key
    version: Annotated[int | None, Field(examples=[7])]
    revision: Revision
    active: Active


class VersionDestroyed(Answer):
    """A version without a value, and the revision that took it away."""

    namespace: Namespace
    key: Key
    version: Version
    revision: Revision


class OperationResult(Answer):
    """What an operation came to."""

    key: Key
    op: Literal["put", "activate", "delete"]
    version: Annotated[int | None, Field(examples=[7])]
    active: Active


class ChangeSetWritten(Answer):
    """What each operation came to, in order, at one revision."""

    namespace: Namespace
    revision: Revision
    results: list[OperationResult]


class KeyChange(Answer):
    """What a change did to one key: `was` and `now` are the active versions.

    `purge`: upkeep took away all that was kept of a deleted key; `version` is the last that it gave out.
    """

    key: Key
    op: Literal["put", "activate", "delete", "purge"]
    version: Annotated[int | None, Field(examples=[7])]
    was: Annotated[int | None, Field(examples=[6])]
    now: Annotated[int | None, Field(examples=[7])]


class Change(Answer):
    """A record of the change log."""

    revision: Revision
    served_revision: Served
    verb: Annotated[str, Field(examples=["change"])]
    subject: Annotated[str, Field(description="A kid, key or principal, where it is one.", examples=[""])]
    details: Annotated[dict[str, object], Field(description="What became of it; never a value.", examples=[{}])]
    keys: list[KeyChange]
    message: Annotated[str, Field(examples=["move to the new cluster"])]
    at: Time
    principal: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    arn: Arn
    api_key: Annotated[str, Field(examples=["api-key:a1b2c3d4e5"])]
    source_ip: Annotated[str, Field(examples=["203.0.113.9"])]
    user_agent: Annotated[str, Field(examples=["configsvc/1.0"])]
    correlation_id: Annotated[str, Field(examples=["f3b1c5d2-58d5-4a0e-9a38-0d3f0f2b7a11"])]


class ChangePage(Answer):
    """Records of a namespace's change log; `revision` is the namespace's."""

    namespace: Namespace
    revision: Revision
    changes: list[Change]
    cursor: Cursor


class GrantChangePage(Answer):
    """Records of the grants' change log."""

    revision: Revision
    changes: list[Change]
    cursor: Cursor


class Side(Answer):
    """An entry as a diff shows it."""

    version: Version
    form: AForm
    content_type: AContentType


class Moved(Answer):
    """A key that two revisions do not serve alike; null where it is not served."""

    key: Key
    was: Side | None
    now: Side | None


class Diff(Answer):
    """What differs between two revisions."""

    namespace: Namespace
    start: Annotated[int, Field(alias="from", ge=1, examples=[40])]
    to: Annotated[int, Field(ge=1, examples=[42])]
    differences: list[Moved]
    cursor: Cursor


class Apart(Answer):
    """A key that two namespaces do not serve alike; null where it is not served."""

    key: Key
    here: Side | None
    there: Side | None
    values: Annotated[
        Literal["same", "different", "unknown"] | None, Field(description="`unknown` where one is sealed.")
    ]


class DiffAgainst(Answer):
    """What differs between what two namespaces serve; the revisions are served ones."""

    namespace: Namespace
    revision: Served
    against: Annotated[str, Field(examples=["payments.staging"])]
    against_revision: Served
    differences: list[Apart]
    cursor: Cursor


class ListedDataKey(WrappedDataKey):
    """A data key, with how many values it sealed (null once retired) and how many served entries need it."""

    revision: Annotated[
        int, Field(ge=1, examples=[2], description="The revision that added it; the highest is the newest data key.")
    ]
    state: Literal["live", "retired"]
    seals: Annotated[int | None, Field(examples=[12])]
    served: Annotated[int, Field(ge=0, examples=[12])]
    created_at: Time
    created_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]


class Keyring(Answer):
    """The keyring of a namespace."""

    namespace: Namespace
    data_keys: list[ListedDataKey]


class DataKeyAdded(Answer):
    """The data key is there since that revision."""

    namespace: Namespace
    kid: Kid
    revision: Revision


class DataKeyState(Answer):
    """A data key after a write."""

    namespace: Namespace
    kid: Kid
    state: Literal["live", "retired"]
    revision: Revision


class PrincipalGrants(Answer):
    """All grants of a principal."""

    principal: Principal
    grants: list[Grant]
    revision: Revision


class GrantsPage(Answer):
    """Grants in order of principal."""

    grants: list[PrincipalGrants]
    cursor: Cursor


class HeadDifference(Answer):
    """A number that the namespace had of itself, and what was found."""

    what: Annotated[str, Field(examples=["entries"])]
    head: int | None
    found: int | None


class HeadCheck(Answer):
    """Whether what the namespace counts of itself was right."""

    right: bool
    differences: list[HeadDifference]


class Lifted(Answer):
    """A namespace above what the lost time gave out."""

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Annotated[int, Field(ge=0, examples=[1042])]
    check: HeadCheck


class Upkeep(Answer):
    """What was taken away; not done: call again with the cursor."""

    namespace: Namespace
    log_pruned: Number
    keys_purged: Number
    versions_pruned: Number
    oldest_revision: Annotated[int | None, Field(description="The oldest in the log.", examples=[3])]
    done: bool
    cursor: Cursor


class FailedOperation(Answer):
    """Why one operation of a change set could not be done."""

    model_config = ConfigDict(extra="allow", strict=True)

    key: Key
    code: str
    detail: str


class FieldProblem(Answer):
    """A field, and what it takes."""

    field: Annotated[str, Field(examples=["operations.0.put.form"])]
    problem: Annotated[str, Field(examples=["This field is missing."])]


UNIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "AnyGrants": (GrantsPage, PrincipalGrants),
    "Differences": (Diff, DiffAgainst),
}
"""Answers that have one of several bodies."""
