"""A stage: one small file in infra/stages. All its errors are reported together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from infra import aws_values, stage_rules
from infra.packaging.platforms import Architecture, Platform, Runtime
from infra.paths import STAGES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_GROUP = r"^[a-z][a-z0-9-]{0,30}$"
_PATTERN = r"^(\*|[a-z0-9][a-z0-9._-]{0,62}(\.\*)?)$"  # as a grant takes it: exact, prefix.*, *

Integer = aws_values.Integer
Count = aws_values.Whole
Switch = aws_values.Switch
Pattern = Annotated[str, Field(pattern=_PATTERN)]
Canary = Literal[
    "Canary10Percent5Minutes", "Canary10Percent10Minutes", "Canary10Percent15Minutes", "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute", "Linear10PercentEvery2Minutes", "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes", "AllAtOnce",
]  # fmt: skip
LogDays = Annotated[
    Integer,
    aws_values.one_of(
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ),
]


class StageError(Exception):
    """The stage file is missing or invalid."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_AnyPart = TypeVar("_AnyPart", bound=_Part)


def _refuse(part: _AnyPart, faults: Iterable[str]) -> _AnyPart:
    if found := list(faults):
        raise ValueError("; ".join(found))
    return part


class Throttle(_Part):
    """Requests per second and burst."""

    rate: Count
    burst: Count


class Consumers(Throttle):
    """Limits of each API key, with an optional quota per day.

    A higher generation makes a new key beside the one before it, which works until `keys = 1` or the next generation.
    """

    quota_per_day: Annotated[Integer, Field(ge=0)] = 0
    generation: Count = 1
    keys: Annotated[Integer, aws_values.one_of(1, 2)] | None = None  # None: the one before is kept, if there is one


class Group(Consumers):
    """Consumers that share an API key and a usage plan; limits hold for the key."""

    name: Annotated[str, Field(pattern=_GROUP)]


class Alarms(_Part):
    """Where alarms go: an existing topic, or an e-mail address for the stack's own. And their thresholds."""

    topic: aws_values.TopicArn | None = None
    email: aws_values.Email | None = None
    latency_ms: Count = 2000
    forbidden: Count = 20
    client_errors: Count = 500

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.alarm_faults(self))


def _read_alarms(given: object) -> object:
    """Accept `alarms = "none"` for a table without a target."""
    if isinstance(given, str) and given != stage_rules.NOBODY:
        raise ValueError(f'the only text is "{stage_rules.NOBODY}"; a target is set in the table [alarms]')
    return {} if isinstance(given, str) else given


class Upkeep(_Part):
    """The scheduled upkeep: within so many days before its `rotate_by`, a key is reported."""

    rotation_days: Annotated[Integer, Field(ge=1, le=3650)] = 14


class Probe(_Part):
    """The scheduled probe of the public URL: the oldest heartbeat that is good, and the network that it runs in.

    A security group and subnets are those of a VPC from which the API can be reached.
    """

    enabled: Switch = True
    max_age_minutes: Annotated[Integer, Field(ge=10, le=1440)] = 15  # a heartbeat comes every five
    subnets: Annotated[tuple[aws_values.Subnet, ...], Field(max_length=16)] = ()
    security_groups: Annotated[tuple[aws_values.SecurityGroup, ...], Field(max_length=5)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.probe_faults(self))


class Function(_Part):
    """The service's function. SnapStart rules out provisioned concurrency.

    `gateway_only` attaches policies with which Lambda denies invocations that do not come from the stage.
    """

    runtime: Runtime = "python3.14"
    architecture: Architecture = "arm64"
    memory_mb: Annotated[Integer, Field(ge=256, le=10240)] = 1024
    reserved_concurrency: Count | None = None
    provisioned_concurrency: Count | None = None
    snapstart: Switch = False
    gateway_only: Switch = False
    canary: Canary | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.function_faults(self))

    @property
    def platform(self) -> Platform:
        """The platform of the zip on AWS; the local AWS runs the interpreter of this computer."""
        return Platform(self.runtime, self.architecture)


class Table(_Part):
    """The table: one that is there (after a restore), and what it takes a second at most."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")] | None = None
    kms_key: aws_values.KmsKeyArn | None = None
    read_maximum: Count | None = None
    write_maximum: Count | None = None
    deletion_protection: Switch = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.table_faults(self))


class Network(_Part):
    """Network access to the API: everyone, addresses, or VPC endpoints (which make it private)."""

    addresses: tuple[aws_values.Address, ...] = ()
    vpc_endpoints: tuple[aws_values.VpcEndpoint, ...] = ()
    waf_acl: aws_values.WebAclArn | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.network_faults(self))


class Domain(_Part):
    """A custom domain with its certificate in the same region; the zone if Route 53 is to point it here."""

    name: aws_values.DomainName
    certificate: aws_values.CertificateArn
    hosted_zone: aws_values.HostedZone | None = None


class Stage(_Part):
    """A stage: one stack in an account and a region."""

    name: str = ""
    stack: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$")]
    region: aws_values.RegionName | None = None
    tags: aws_values.Tags = {}
    permissions_boundary: aws_values.PolicyArn | None = None
    iam_path: aws_values.IamPath | None = None
    cloudformation_role: aws_values.RoleArn | None = None
    termination_protection: Switch | None = None  # None leaves it as it is
    admins: tuple[aws_values.AdminPattern, ...] = ()
    log_level: Literal["debug", "info"] = "info"  # above it the lines that alarms count are not written
    log_days: LogDays = 30
    change_log_days: Annotated[Integer, Field(ge=0, le=36500)] = 0
    access_log: Switch = False
    detailed_metrics: Switch = False
    trace_polls: Switch = False
    api: Throttle = Throttle(rate=1000, burst=2000)
    reader: Consumers = Consumers(rate=500, burst=1000)
    groups: tuple[Group, ...] = ()
    proof_generation: Count = 1
    policies: tuple[Pattern, ...] = ()
    key_administrators: tuple[aws_values.PrincipalArn, ...] = ()
    multi_region: Switch = True  # of a new KMS key; it cannot be changed later
    consumer_accounts: tuple[aws_values.Account, ...] = ()
    consumer_org: aws_values.Organization | None = None
    further_kms_keys: tuple[aws_values.KmsKeyArn, ...] = ()
    scheduled: Switch = True
    alarms: Annotated[Alarms, BeforeValidator(_read_alarms)] = Alarms()
    upkeep: Upkeep = Upkeep()
    probe: Probe = Probe()
    function: Function = Function()
    table: Table = Table()
    network: Network = Network()
    domain: Domain | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _refuse(self, stage_rules.stage_faults(self))

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the template."""
        protection = {"DeletionProtection": str(self.table.deletion_protection).lower()}
        return ({} if self.table.name else protection) | {
            "Admins": ",".join(self.admins),
            "AlarmClientErrors": str(self.alarms.client_errors),
            "AlarmForbidden": str(self.alarms.forbidden),
            "AlarmLatencyMs": str(self.alarms.latency_ms),
            "ChangeLogDays": str(self.change_log_days),
            "GatewayProofGeneration": str(self.proof_generation),
            "LogLevel": self.log_level,
            "LogRetentionDays": str(self.log_days),
            "ReaderBurst": str(self.reader.burst),
            "ReaderQuotaPerDay": str(self.reader.quota_per_day),
            "ReaderRps": str(self.reader.rate),
            "StageBurst": str(self.api.burst),
            "StageRps": str(self.api.rate),
        }


def load(name: str, folder: Path = STAGES) -> Stage:
    """Load the stage of that name, to deploy or package it.

    Raises:
        StageError: it is missing, invalid, or does not say who gets its alarms; all errors are reported.
    """
    return _load(name, folder, stage_rules.target_faults)


def load_unfinished(name: str, folder: Path = STAGES) -> Stage:
    """Load a stage that may not say yet who gets its alarms, as prod.toml is shipped.

    This is for reading it, and for going back, listing and destroying, which must work at any time.

    Raises:
        StageError: it is missing, or invalid; all errors are reported.
    """
    return _load(name, folder, lambda _: iter(()))


def _load(name: str, folder: Path, further: Callable[[Mapping[str, object]], Iterator[str]]) -> Stage:
    path = folder / f"{name}.toml"
    known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        rule = "A stage's name has small letters, digits and hyphens, and begins with a letter."
        raise StageError(f"There is no stage {name!r}. Use STAGE= one of {known}. {rule}")
    if not path.exists():
        raise StageError(f"There is no stage {name!r}. Use STAGE= one of {known}, or create infra/stages/{name}.toml.")
    try:
        content = {"name": name, **tomllib.loads(path.read_text())}
    except tomllib.TOMLDecodeError as error:
        raise StageError(f"{path.name} is not TOML: {error}") from error
    return _parse(content, list(further(content)))


def parse(content: Mapping[str, object]) -> Stage:
    """Parse the content of a stage file, which may not say who gets its alarms. Raises StageError."""
    return _parse(content, [])


def _parse(content: Mapping[str, object], further: list[str]) -> Stage:
    """The stage, unless it is invalid or has further errors; these are reported together."""
    try:
        stage = Stage.model_validate(content)
    except ValidationError as error:
        found = [_describe(each) for each in [*error.errors(), *_further_errors(content, error)]]
        raise _invalid([*found, *further]) from None
    if further:
        raise _invalid(further)
    return stage


def _invalid(faults: Iterable[str]) -> StageError:
    return StageError("\n  ".join(["The stage file is invalid.", *faults]))


def _further_errors(content: Mapping[str, object], found: ValidationError) -> list[ErrorDetails]:
    """The errors between the parts that are valid: pydantic looks for these only if all parts are."""
    wrong = {each["loc"][0] for each in found.errors() if each["loc"]}
    rest = {name: part for name, part in content.items() if name not in wrong}
    try:
        if wrong:
            Stage.model_validate({**rest, "stack": rest.get("stack", "stack")})
    except ValidationError as error:
        return error.errors()
    return []


def _describe(error: ErrorDetails) -> str:
    return f"{'.'.join(map(str, error['loc'])) or 'stage'}: {error['msg'].removeprefix('Value error, ')}"
