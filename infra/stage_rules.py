"""Settings of a stage that exclude each other, or that one account or region does not take: found before deploying."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from infra import aws_values

if TYPE_CHECKING:
    from infra.stage import Alarms, Function, Network, Probe, Stage, Table

NOBODY = "none"
"""The text that a stage file has instead of the table `[alarms]`, if its alarms are to notify nobody."""
_PARAMETER_BYTES = 4096
_NO_TARGET = f"""\
alarms: nobody would get the alarms of this stage. Add these two lines (only the second, if the file has the first):

    [alarms]
    email = "on-call@example.com"        # or topic = "arn:aws:sns:…", a topic that exists

  If nobody is to get them, write this at the top of the file, and remove [alarms]:

    alarms = "{NOBODY}"
"""


def camel(text: str) -> str:
    """Convert a name to its part of a logical id."""
    return "".join(part[0].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", text) if part)


def name_pattern(pattern: str) -> str:
    """Convert a pattern to its part of the output name: `PaymentsAny`, as in ReaderOfPaymentsAny, for `payments.*`."""
    return camel(pattern.replace("*", "any"))


def function_faults(function: Function) -> Iterator[str]:
    """Find settings that Lambda refuses."""
    reserved, provisioned = function.reserved_concurrency, function.provisioned_concurrency
    if function.snapstart and provisioned:
        yield "set SnapStart or provisioned concurrency, not both"
    if reserved and provisioned and provisioned > reserved:
        yield f"Lambda refuses provisioned_concurrency {provisioned} above reserved_concurrency {reserved}"


def table_faults(table: Table) -> Iterator[str]:
    """A deployment never changes an existing table, so settings for it are reported."""
    if not table.name:
        return
    if not table.kms_key:
        yield "an existing table needs the KMS key it was used with: set table.kms_key"
    if unused := sorted(table.model_fields_set & {"read_maximum", "write_maximum", "deletion_protection"}):
        yield (
            f"an existing table keeps its own settings: remove {', '.join(unused)}, and use "
            "`aws dynamodb update-table` (docs/OPERATIONS.md, Restore)"
        )


def network_faults(network: Network) -> Iterator[str]:
    """Find settings that the one resource policy of the API cannot have."""
    if network.addresses and network.vpc_endpoints:
        yield "set addresses or VPC endpoints, not both"
    if twice := sorted(each for each, number in Counter(network.vpc_endpoints).items() if number > 1):
        yield f"vpc_endpoints names {', '.join(twice)} twice, which API Gateway refuses"


def alarm_faults(alarms: Alarms) -> Iterator[str]:
    """Find two targets, where alarms have one."""
    if alarms.topic and alarms.email:
        yield "set a topic or an e-mail address, not both"


def target_faults(content: Mapping[str, object]) -> Iterator[str]:
    """Find that a stage file, valid or not, neither says who gets its alarms nor that nobody does."""
    alarms = content.get("alarms", {})
    if isinstance(alarms, Mapping) and not (alarms.get("topic") or alarms.get("email")):
        yield _NO_TARGET


def probe_faults(probe: Probe) -> Iterator[str]:
    """Find half a network, and a network for no probe."""
    if bool(probe.subnets) != bool(probe.security_groups):
        yield "set subnets and security_groups together: Lambda joins a VPC with both"
    if not probe.enabled and (unused := sorted(probe.model_fields_set - {"enabled"})):
        yield f"there is no probe with enabled = false: remove {', '.join(unused)}"


def _unreachable(stage: Stage) -> Iterator[str]:
    """Find a probe that the API's own network settings would shut out, so that its alarm would never end."""
    limits = [name for name in ("addresses", "vpc_endpoints") if getattr(stage.network, name)]
    if limits and stage.probe.enabled and not stage.probe.subnets:
        yield (
            f"network.{limits[0]} would shut out the probe: under [probe], set subnets and security_groups of a VPC "
            "that reaches the API and API Gateway's own endpoint, or set enabled = false, and there is no probe"
        )


def stage_faults(stage: Stage) -> Iterator[str]:
    """Find settings of different parts that do not fit together."""
    if stage.stack == "aws":
        yield "a stack cannot be called aws: KMS reserves the aliases that begin with alias/aws/"
    if any(camel(group.name) == "Reader" for group in stage.groups):
        yield "groups: reader is the stack's own API key; set [reader], or choose another name"
    yield from _repeated("groups", "group", [group.name for group in stage.groups], camel)
    yield from _repeated("policies", "pattern", list(stage.policies), name_pattern)
    yield from _unreachable(stage)
    if stage.domain and stage.network.vpc_endpoints:
        yield "a private API cannot have a custom domain of this kind"
    if len(",".join(stage.admins).encode()) > _PARAMETER_BYTES:
        yield (
            f"admins is longer than {_PARAMETER_BYTES} bytes, which is what a parameter takes; "
            "name fewer roles, or patterns such as role/Admin*"
        )
    role = stage.cloudformation_role
    if role and stage.key_administrators and role not in stage.key_administrators:
        yield (
            "key_administrators lacks cloudformation_role: KMS refuses a key policy that its creator "
            "could not change afterwards"
        )
    partitions = {aws_values.arn_parts(arn)[0] for arn in _arns(stage)}
    if len(partitions) > 1:
        yield f"ARNs of different partitions: {', '.join(sorted(partitions))}"
    if stage.region:
        yield from place_faults(stage, stage.region)


def place_faults(stage: Stage, region: str, account: str | None = None) -> Iterator[str]:
    """Find ARNs that the region, or the account if it is known, does not take."""
    partition = aws_values.partition_of(region)
    foreign = sorted({arn for arn in _arns(stage) if aws_values.arn_parts(arn)[0] != partition})
    if foreign:
        yield f"{region} is in the partition {partition}, and these are not: {', '.join(foreign)}"
    for name, arn in _regional(stage):
        if (found := aws_values.arn_parts(arn)[1]) != region:
            yield f"{name} is in {found}, and the stack is in {region}"
    if account in stage.consumer_accounts:
        yield f"consumer_accounts names {account}, which is the stack's own account"
    for name, arn in _own(stage):
        if account and (owner := aws_values.arn_parts(arn)[2]) not in {account, "aws"}:
            yield f"{name} is of account {owner}, and the stack is in {account}"


def _repeated(option: str, kind: str, names: list[str], convert: Callable[[str], str]) -> Iterator[str]:
    """Names that make the same resource, whether equal or not."""
    for made, number in Counter(map(convert, names)).items():
        same = [name for name in names if convert(name) == made]
        if number > 1 and len(set(same)) == 1:
            yield f"{option}: two have the same name, {same[0]}"
        elif number > 1:
            yield f"{option}: {' and '.join(same)} have the same letters and digits, so they would be one {kind}"


def _regional(stage: Stage) -> Iterator[tuple[str, str]]:
    """The options that name a resource which AWS wants in the stack's region."""
    if stage.alarms.topic:
        yield "alarms.topic", stage.alarms.topic
    if stage.network.waf_acl:
        yield "network.waf_acl", stage.network.waf_acl
    if stage.domain:
        yield "domain.certificate", stage.domain.certificate


def _own(stage: Stage) -> Iterator[tuple[str, str]]:
    """The options that name a resource which AWS wants in the stack's account."""
    if stage.permissions_boundary:
        yield "permissions_boundary", stage.permissions_boundary
    if stage.cloudformation_role:
        yield "cloudformation_role", stage.cloudformation_role
    if stage.network.waf_acl:
        yield "network.waf_acl", stage.network.waf_acl
    if stage.domain:
        yield "domain.certificate", stage.domain.certificate


def _arns(stage: Stage) -> Iterable[str]:
    keys = [*stage.further_kms_keys, *filter(None, [stage.table.kms_key])]
    named = [arn for _, arn in (*_regional(stage), *_own(stage))]
    return [*named, *keys, *stage.key_administrators, *stage.admins]
