"""Deploys a template and its code: uploads to a bucket, applies the stack, reads its outputs.

The clients are arguments, and with them the endpoint: AWS and the local emulator take the same path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from infra.cloudformation import template as templates
from infra.cloudformation.canary import at_once
from infra.cloudformation.earlier import Notes, with_notes
from infra.deployment.alarm_target import Topics
from infra.deployment.alias import find_alias, finish_alias, mend_alias
from infra.deployment.bucket import upload_file, upload_template
from infra.deployment.history import try_to_record
from infra.deployment.pace import AWS, Pace
from infra.deployment.proof import DIGESTS, GENERATION, Parameters, Proof, next_proof
from infra.deployment.retiring import retire
from infra.deployment.shifting import explain_failure, has_canary, warn_of_alarms
from infra.deployment.stack import Approve, Change, Declined, Outcome, Stack, always
from infra.deployment.whole_stack import NOTHING_SPECIAL, WholeStack

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from infra.packaging.service_zip import Package


class _Owner(TypedDict, total=False):
    ExpectedBucketOwner: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to deploy: one account and region, a bucket for code and templates, functions to report and to ask.

    Args:
        owner: the account that the bucket must belong to; others can make buckets of a name that can be guessed.
        whole: tags for the stack and for a new bucket, the role that CloudFormation works with, termination protection.
        pace: how often CloudFormation is asked.
        who: the ARN that deploys, for the record.
        commit: of the tree that is deployed, for the record.
        plans: only a change set is made: nothing in the bucket is replaced or recorded.
        gateway: is asked whether it can write an access log; None: it is not asked.
        topics: are asked who gets the alarms; None: they are not asked.
        ask: asks a person; `unattended` if YES=1 answers.
    """

    cloudformation: CloudFormationClient
    s3: S3Client
    functions: LambdaClient
    bucket: str
    progress: Callable[[str], None]
    approve: Approve = always
    owner: str | None = None
    whole: WholeStack = NOTHING_SPECIAL
    pace: Pace = AWS
    codedeploy: CodeDeployClient | None = None
    gateway: APIGatewayClient | None = None
    topics: Topics | None = None
    cloudwatch: CloudWatchClient | None = None
    who: str | None = None
    commit: str | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    plans: bool = False
    ask: Callable[[str], bool] = lambda _: True
    unattended: bool = True

    def stack(self, name: str) -> Stack:
        """A stack there. A long wait says what its alias serves, a failed canary what CodeDeploy says."""
        plain, since = Stack(self.cloudformation, name, self.progress, self.pace, whole=self.whole), self.clock()
        codedeploy = self.codedeploy
        return dataclasses.replace(
            plain,
            watch=lambda: str(alias) if (alias := find_alias(self.functions, plain)) else None,
            blame=lambda: explain_failure(codedeploy, plain, since) if codedeploy else None,
        )

    @property
    def owned(self) -> _Owner:
        """The argument of S3's calls that makes it refuse a bucket of another account."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}


@dataclass(frozen=True, slots=True)
class Service:
    """A deployed service: what others need to reach it."""

    outcome: Outcome
    api_url: str
    rest_api_id: str
    table_name: str
    kms_key_arn: str
    reader_key_id: str
    usage_plan_id: str
    function_name: str
    log_group_name: str

    @classmethod
    def of(cls, outcome: Outcome, outputs: Mapping[str, str]) -> Service:
        """Read from the stack's outputs, as infra/merge.yaml names them."""
        return cls(
            outcome=outcome,
            api_url=outputs["ApiUrl"],
            rest_api_id=outputs["RestApiId"],
            table_name=outputs["TableName"],
            kms_key_arn=outputs["KmsKeyArn"],
            reader_key_id=outputs["ReaderKeyId"],
            usage_plan_id=outputs["UsagePlanId"],
            function_name=outputs["FunctionName"],
            log_group_name=outputs["LogGroupName"],
        )


@dataclass(frozen=True, slots=True)
class Deployed:
    """The outcome of applying a stack, and its outputs by name."""

    outcome: Outcome
    outputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A deployment that is ready to be proposed."""

    target: Target
    template: templates.Template
    parameters: Parameters
    proof: Proof


def deploy_service(
    target: Target, stack: str, package: Package, parameters: Mapping[str, str], seconds: float, *,
    emulator: bool, canary: bool = True,
) -> Service:  # fmt: skip
    """Create or update the service's stack and wait up to `seconds`; `emulator` leaves out what it lacks.

    The gateway's proof is drawn, kept or rotated here, by what the stack has and the generation that is wanted. Without
    `canary`, all requests go to the new version at once.

    Raises:
        infra.deployment.stack.StackFailed: with the events that explain why.
        infra.deployment.stack.Declined: `approve` said no, or somebody else rotated the proof at the same time.
    """
    ready = _prepare(target, stack, package, parameters, seconds, emulator=emulator, canary=canary)
    mend_alias(target, stack, canary=canary and has_canary(ready.template))
    deployed = deploy(ready.target, stack, ready.template, ready.parameters, seconds)
    finish_alias(target, stack)
    try_to_record(target, stack)
    service = Service.of(deployed.outcome, deployed.outputs)
    if ready.proof.advice:
        target.progress(ready.proof.advice)
    else:
        retire(target.functions, service.function_name, ready.proof.digests, target.progress)
    return service


def plan_service(
    target: Target, stack: str, package: Package, parameters: Mapping[str, str], seconds: float, *,
    emulator: bool, canary: bool = True,
) -> str | None:  # fmt: skip
    """Show what `deploy_service` would change and leave the change set; returns its name, or None if nothing changes.

    Raises: as `deploy_service`.
    """
    target = dataclasses.replace(target, plans=True)
    ready = _prepare(target, stack, package, parameters, seconds, emulator=emulator, canary=canary)
    where = upload_template(target, stack, ready.template)
    return target.stack(stack).plan(where, ready.parameters, seconds, ready.target.approve)


def _prepare(
    target: Target, stack: str, package: Package, parameters: Mapping[str, str], seconds: float, *,
    emulator: bool, canary: bool,
) -> _Prepared:  # fmt: skip
    held = target.stack(stack).parameters(seconds)
    if held is not None and not target.plans:
        try_to_record(target, stack)
    proof = next_proof(held, int(parameters.get(GENERATION, "1")))
    shown = {**parameters, **proof.shown}
    template = service_template(target, stack, package, shown, emulator=emulator, canary=canary)
    approve = _if_alone(target, stack, held, seconds)
    alone = dataclasses.replace(target, approve=warn_of_alarms(target, stack, template, approve) if held else approve)
    return _Prepared(alone, with_notes(template, Notes(target.commit)), {**shown, **proof.parameters}, proof)


def _if_alone(target: Target, stack: str, held: Mapping[str, str] | None, seconds: float) -> Approve:
    """Approves if the stack still has the proof that this deployment goes on with.

    Else the stage would keep the other one's proof, and the function would accept ours only. A change set that is older
    than the other one's deployment CloudFormation does not execute, so this is asked once ours is made.
    """

    def approve(changes: list[Change]) -> bool:
        now = target.stack(stack).parameters(seconds)
        if (now or {}).get(DIGESTS) != (held or {}).get(DIGESTS):
            raise Declined(f"Somebody else just changed the proof of {stack}. Nothing was changed; deploy again.")
        return target.approve(changes)

    return approve


def service_template(
    target: Target, stack: str, package: Package, parameters: Mapping[str, str], *, emulator: bool, canary: bool = True
) -> templates.Template:
    """The service's template as CloudFormation takes it, its code uploaded."""
    key = upload_file(target, stack, package.zip)
    template = templates.expand(templates.locate(package.template, target.bucket, key, package.sha256, parameters))
    template = template if canary else at_once(template)
    return templates.for_emulator(template, target.functions.meta.endpoint_url) if emulator else template


def deploy(
    target: Target, stack: str, template: templates.Template, parameters: Parameters, seconds: float
) -> Deployed:
    """Apply any template and wait up to `seconds`; applying it again changes nothing and returns that.

    It always goes through the bucket: CloudFormation takes 51,200 bytes in a request ("CloudFormation quotas").
    """
    where = upload_template(target, stack, template)
    applied = target.stack(stack)
    outcome = applied.apply(where, parameters, seconds, target.approve)
    target.progress(f"{stack} {outcome.value}")
    return Deployed(outcome, applied.outputs())
