"""`make deploy`: package, build the stage's template, lint it, show the change set, execute it, say what is there now.

Where to deploy comes in as a Site, so AWS and the local stack are the same road.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.cloudformation import kms_key, limits
from infra.cloudformation import template as templates
from infra.cloudformation.canary import describe_skipped
from infra.cloudformation.options import with_options
from infra.deployment import access_log, alarm_target, two_keys
from infra.deployment.change_set import Change
from infra.deployment.deploy import Service, Target, deploy_service, plan_service
from infra.deployment.stack import Stack
from infra.packaging.platforms import find_local
from infra.packaging.report import describe_package
from infra.packaging.service_zip import STAGE, Package, package
from infra.paths import ROOT
from infra.stage import Stage, StageError

_MINUTES = 60.0
_API_KEY = "AWS::ApiGateway::ApiKey"
_LONGEST = 60 * _MINUTES  # a canary shifts for ten minutes, a domain or provisioned concurrency take as long

Ask = Callable[[str], bool]
"""Asks a person, and says whether the answer is yes."""


class LintFailed(Exception):
    """cfn-lint rejects the template."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a stage goes, and who is spoken to.

    Args:
        tell: prints a line.
        emulator: where the local AWS answers; what it lacks is left out. None on AWS.
    """

    stage: Stage
    target: Target
    region: str
    tell: Callable[[str], None]
    emulator: str | None = None


def release(site: Site, *, canary: bool = True) -> Service:
    """Deploy the code of this tree to the site; without `canary`, all requests go to the new version at once.

    Raises:
        infra.packaging.service_zip.PackagingError, infra.stage.StageError, LintFailed: before anything is touched.
        infra.deployment.stack.Declined: nothing was changed.
        infra.deployment.stack.StackFailed: with the events that explain why, and what to do.
    """
    built, stage = _build(site), site.stage
    if not canary:
        site.tell(describe_skipped(stage))
    local = site.emulator is not None
    return deploy_service(
        site.target, stage.stack, built, stage.parameters(), _LONGEST, emulator=local, canary=canary
    )  # fmt: skip


def plan(site: Site, *, canary: bool = True) -> None:
    """Show what deploying the code of this tree would change, and leave the change set for review.

    Raises: as `release`.
    """
    built, stage = _build(site), site.stage
    local = site.emulator is not None
    name = plan_service(site.target, stage.stack, built, stage.parameters(), _LONGEST, emulator=local, canary=canary)
    if name is None:
        site.tell(f"{stage.stack} is up to date: there is nothing to change, and no change set is left.")
        return
    for line in describe_plan(site, name):
        site.tell(line)


def describe_plan(site: Site, name: str) -> list[str]:
    """Say how the change set is reviewed, executed and deleted."""
    stack, region = site.stage.stack, site.region
    of = f"--region {region} --stack-name {stack} --change-set-name {name}"
    lines = [
        f"\nNothing was changed. The change set {name} of {stack} is left for review:",
        f"  review:  aws cloudformation describe-change-set {of}",
        f"  execute: aws cloudformation execute-change-set {of}",
        f"  delete:  aws cloudformation delete-change-set {of}",
    ]
    if site.emulator is None:
        console = f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/stacks"
        lines.append(f"  console: {console}?filteringText={stack} (change sets of the stack)")
    return [
        *lines,
        "It can be executed until the stack changes. make deploy makes a change set of its own.",
    ]


def find_commit() -> str | None:
    """The commit of this tree, with `+changes` if it has others; None outside of git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"]
    try:
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return ran.stdout.strip() or None if ran.returncode == 0 else None


def _build(site: Site) -> Package:
    """The package for the site, checked."""
    stage = site.stage
    site.tell(f"{stage.stack} in {site.region}")
    if site.target.gateway is not None:
        access_log.check(stage, site.target.gateway, site.region, site.tell)
    platform = stage.function.platform if site.emulator is None else find_local()
    built = for_site(package(ROOT, ROOT / "build" / "service", platform), site)
    for line in describe_package(built, platform):
        site.tell(line)
    limits.refuse(_expand(built), stage.parameters())
    lint(built, ROOT / "build" / "service" / f"{stage.name}.json")
    site.tell("cfn-lint accepts the template")
    return built


def for_stage(built: Package, stage: Stage, served: str | None = None) -> Package:
    """The package with the template as the stage wants it; `served` is the table that the stack serves now."""
    return dataclasses.replace(built, template=with_options(built.template, stage, served))


def for_site(built: Package, site: Site) -> Package:
    """Adapt the package to the deployed stack.

    Raises:
        StageError: the stage says nothing of the table that the stack serves, and would go on with a new, empty one;
            or it would delete an API key that is in use.
    """
    stack = site.target.stack(site.stage.stack)
    outputs = stack.outputs()
    made = stack.made() if outputs else {}
    if lost := list(two_keys.find_lost(site.stage, outputs, made)):
        raise StageError("\n  ".join(["Nothing was changed.", *lost]))
    served, wanted = outputs.get("TableName"), site.stage.table.name
    if served and not wanted and served != made.get("ConfigTable"):
        raise StageError(
            f"{site.stage.stack} serves the table {served}, which it did not make, and the stage file names none: it "
            f'would go on with a new, empty one. Say name = "{served}" and its kms_key under [table].'
        )
    if served and wanted and served != wanted:
        site.tell(f"It goes from table {served} to {wanted}, all requests at once; deploy again to restore the canary.")
    return for_stage(built, keep_key(site.stage, stack, site.tell), served)


def keep_key(stage: Stage, stack: Stack, tell: Callable[[str], None]) -> Stage:
    """The stage with what the KMS key of the stack is, which no deployment changes."""
    own = stack.made().get("NamespacesKey") if stack.outputs() and not stage.table.kms_key else None
    kept = kms_key.keep(stage, own)
    if said := kms_key.explain(stage, kept):
        tell(said)
    return kept


def lint(built: Package, path: Path) -> None:
    """Write the expanded template to `path` and check it with cfn-lint.

    Raises:
        LintFailed: with cfn-lint's output.
    """
    path.write_text(json.dumps(_expand(built), indent=1, sort_keys=True) + "\n")
    ran = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", path], capture_output=True, text=True, check=False
    )  # fmt: skip
    if ran.returncode:
        raise LintFailed(f"cfn-lint rejects {path}:\n{ran.stdout}{ran.stderr}")


def _expand(built: Package) -> templates.Template:
    """The template as CloudFormation takes it, before the code is uploaded."""
    return templates.expand(templates.locate(built.template, "bucket", "key", built.sha256))


def show(changes: list[Change], tell: Callable[[str], None]) -> None:
    """Print what is about to change; what may be lost comes last."""
    tell(f"The change set has {len(changes)} changes:")
    for change in changes:
        tell(f"  {change}")
    lost = [change for change in changes if change.destroys]
    for said, found in (
        ("Will be deleted or replaced", [each.resource for each in lost if each.certain]),
        ("May be replaced", [each.resource for each in lost if not each.certain]),
    ):
        if found:
            tell(f"{said}: {', '.join(found)}.")
    if any(change.kind == _API_KEY for change in lost):
        tell("A deleted API key answers 403 at once, and cannot be brought back.")


def describe(site: Site, service: Service) -> None:
    """Print the outputs, and the settings of consumers and developers. No API key is printed, only how to get it."""
    outputs = site.target.stack(site.stage.stack).outputs()
    site.tell(f"\n{site.stage.stack} is {service.outcome.value}. Its outputs:")
    for name, value in sorted(outputs.items()):
        site.tell(f"  {name:<22} {value}")
    site.tell("\nConsumers' environment (make a key per team with [[groups]] in the stage file):")
    for line in list_variables(site, service):
        site.tell(f"  {line}")
    site.tell("\nDevelopers use the same settings with their own API key, and sign with their AWS credentials:")
    site.tell(f"  export AWS_REGION={site.region}")
    for line in (*kms_key.advise_consumers(site.stage, service.kms_key_arn), *two_keys.advise(site.stage, outputs)):
        site.tell(line)
    if not site.stage.admins:
        site.tell(
            "\nadmins is empty in the stage file, so nobody can make the first grant. Name a role, and deploy again."
        )
    if site.target.topics is not None:
        for line in alarm_target.describe(site.stage, outputs["AlarmTopicArn"], site.region, site.target.topics):
            site.tell(line)


def list_variables(site: Site, service: Service) -> list[str]:
    """List the lines of a consumer's environment, except its namespaces."""
    key = f"aws apigateway get-api-key --region {site.region} --api-key {service.reader_key_id}"
    url, lines = service.api_url, list[str]()
    if site.emulator:
        url = f"{site.emulator}/_aws/execute-api/{service.rest_api_id}/{STAGE}"
        lines = [f"export AWS_ENDPOINT_URL={site.emulator}"]
    return [
        *lines,
        f"export CONFIGSVC_URL={url}",
        f'export CONFIGSVC_API_KEY="$({key} --include-value --query value --output text)"',
        f"export CONFIGSVC_KMS_KEYS={','.join((service.kms_key_arn, *site.stage.further_kms_keys))}",
    ]
