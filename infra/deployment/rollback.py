"""`make rollback`: stop a deployment under way, or deploy an earlier good one again, at once.

Code and settings go back. What would lock people out or lose data does not: the gateway's proof, the administrators,
the table, the KMS key and its policy, and API keys stay those of today.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloudformation import canary, earlier
from infra.cloudformation.earlier import KEPT, Notes
from infra.cloudformation.scheduled import PROBE_KEY
from infra.cloudformation.template import Template
from infra.deployment.alias import find_alias, finish_alias, mend_alias
from infra.deployment.change_set import ONLY_A_CHANGE_SET, Change
from infra.deployment.deploy import Service, Target, deploy
from infra.deployment.history import record_served, records_of, try_to_record
from infra.deployment.proof import DIGESTS, Parameters
from infra.deployment.records import Deployment, RecordError
from infra.deployment.release import Ask, Site
from infra.deployment.shifting import stop_canary
from infra.deployment.stack import ROLLED_BACK, Approve, Declined, Stack
from infra.escaping import escape

_LONGEST = 3600.0
_SHOWN = 10
_DATA = {"TableName": "table", "KmsKeyArn": "KMS key"}
_NEVER_LOST = {
    "AWS::ApiGateway::ApiKey": "an API key, so its consumers would get 403",
    "AWS::DynamoDB::Table": "a table",
    "AWS::KMS::Key": "a KMS key",
}
_INSTEAD = "Check out the good commit and deploy it with today's stage file: make deploy STAGE={stage} CANARY=no."

_OTHERWISE = (
    "Nothing was changed. make deployments STAGE={stage} lists the records; go back to another one: make rollback "
    "STAGE={stage} TO=NUMBER. Or check out the good commit: make deploy STAGE={stage} CANARY=no."
)


def roll_back(site: Site, to: int | None, ask: Ask) -> Service | None:
    """Go back to the deployment of that number, or to the last good one before what is served or under way.

    Returns None if that serves already, because an update was stopped or CloudFormation had rolled it back itself.

    Raises:
        Declined: nobody agreed, or it would lock people out or lose data. Nothing was changed.
        RecordError: the record, its template or its code is missing or damaged.
        infra.deployment.stack.StackFailed: with the events that explain why.
    """
    target, name = site.target, site.stage.stack
    live = target.stack(name)
    status = _stop(target, live, ask) if live.updating else live.settle(_LONGEST)
    held = live.parameters(_LONGEST)
    if held is None or status == ONLY_A_CHANGE_SET:
        raise Declined(f"{name} was never deployed completely, so there is nothing to go back to.")
    served = record_served(target, name)
    if served is None:
        raise Declined(f"{name} is {status}. make deploy STAGE={site.stage.name} says what to do.")
    if status == ROLLED_BACK and to is None:
        site.tell(f"The last update of {name} was rolled back, so the deployment before it serves again:")
        site.tell(f"  {escape(served)}")
        site.tell(f"To go further back, name a deployment: make rollback STAGE={site.stage.name} TO=NUMBER.")
        return None
    try:
        return _redeploy(site, served, _pick(site, served, to), held)
    except RecordError as error:
        raise RecordError(f"{error} {_OTHERWISE.format(stage=site.stage.name)}") from error


def list_deployments(site: Site) -> None:
    """Print the records, newest first."""
    served = record_served(site.target, site.stage.stack)
    records = records_of(site.target, site.stage.stack)
    numbers = records.numbers()
    if not numbers:
        site.tell(f"No deployment of {site.stage.stack} is recorded.")
    for number in reversed(numbers):
        try:
            found = records.read(number)
        except RecordError as error:
            site.tell(escape(f"{number:>4}  {error}"))
        else:
            site.tell(f"{escape(found)}{'  serves now' if served and found.number == served.number else ''}")


def choose(history: Iterable[Deployment], served: Deployment) -> Deployment | None:
    """The last good deployment before what is served. A rollback counts as the deployment that it restored.

    So a second rollback goes further back, and not forward again to what the first one left.

    Args:
        history: newest first.
        served: the record of what is served.
    """
    return next((each for each in history if each.number < served.origin and each.content != served.content), None)


def merge_parameters(site_name: str, found: Deployment, template: Template, held: Mapping[str, str]) -> Parameters:
    """The parameters of a redeployment: those of then, but the stack's own for what must not go back.

    Raises:
        Declined: the stack or the template lacks one of the latter.
    """
    declared = template.get("Parameters", {})
    if DIGESTS in held and DIGESTS not in declared:
        raise Declined(
            f"Deployment {found.number} is from before the gateway's proof, so a rollback would let forged events in. "
            f"{_INSTEAD.format(stage=site_name)}"
        )
    own = {name for name in declared if name in KEPT or found.parameters.get(name, "") is None}
    if missing := sorted(own - held.keys()):
        raise Declined(
            f"Deployment {found.number} needs {', '.join(missing)}, which the stack does not have. "
            f"{_INSTEAD.format(stage=site_name)}"
        )
    then = {name: found.parameters[name] for name in declared if name in found.parameters}
    return {**then, **dict.fromkeys(own)}


def check_data(site: Site, found: Deployment, template: Template, live: Stack) -> None:
    """Refuse a deployment that would serve another table or use another KMS key than now.

    Raises:
        Declined: it would.
    """
    outputs, made = live.outputs(), live.made()
    for output, kind in _DATA.items():
        wanted = _resolve(template.get("Outputs", {}).get(output, {}).get("Value"), made)
        now = outputs.get(output)
        if now and not (wanted and (wanted == now or now.endswith(f":key/{wanted}"))):
            raise Declined(
                f"Deployment {found.number} does not use the {kind} that is in use now ({now}), so a rollback would "
                f"serve other data. {_INSTEAD.format(stage=site.stage.name)}"
            )


def _resolve(value: Any, made: Mapping[str, str]) -> str | None:  # noqa: ANN401  # JSON is any
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return None
    name = value.get("Ref") or next(iter(value.get("Fn::GetAtt", [])), None)
    return made.get(name) if name else None


def _stop(target: Target, live: Stack, ask: Ask) -> str:
    """Stop the update under way; returns the stack's status once nothing goes on."""
    target.progress(f"{live.name} is being updated. {find_alias(target.functions, live) or ''}".rstrip())
    if not ask("Stop the update and return to the deployment before it?"):
        raise Declined("Nothing was changed; the update goes on.")
    begun = live.cancel_update()
    if begun is not None and target.codedeploy is not None:
        stop_canary(target.codedeploy, live, target.progress)
    return live.wait_for_rollback(_LONGEST, begun or ())


def _pick(site: Site, served: Deployment, to: int | None) -> Deployment:
    records = records_of(site.target, site.stage.stack)
    if to is not None:
        return records.read(to)
    found = choose(records.backwards(), served)
    if found is None:
        raise Declined(f"No good deployment is recorded before the one that serves now:\n  {served}")
    return found


def _redeploy(site: Site, served: Deployment, found: Deployment, held: Mapping[str, str]) -> Service:
    target, name = site.target, site.stage.stack
    records, live = records_of(target, name), target.stack(name)
    template: Template = json.loads(records.fetch(found.template))
    for key in sorted({*found.code.values(), *earlier.list_code(template).values()}):
        records.fetch(key)
    _check_code(target, live.outputs()["FunctionName"], found, template)
    parameters = merge_parameters(site.stage.name, found, template, held)
    check_data(site, found, template, live)
    now = {key: held[key] if value is None else value for key, value in parameters.items() if key in held or value}
    then = {key: value for key, value in found.parameters.items() if value is not None}
    again = canary.at_once(earlier.release_again(template, then, now))
    today: Template = json.loads(records.fetch(served.template))
    again = earlier.with_api_keys(earlier.with_key_policies(again, today), today)
    again = earlier.with_notes(again, Notes(found.commit, found.origin))
    _describe(site, served, found, now, held)
    mend_alias(target, name, canary=False)
    guarded = dataclasses.replace(target, approve=keep_what_others_need(site, target.approve))
    deployed = deploy(guarded, name, again, parameters, _LONGEST)
    finish_alias(target, name)
    try_to_record(target, name)
    return Service.of(deployed.outcome, deployed.outputs)


def _check_code(target: Target, function: str, found: Deployment, template: Template) -> None:
    """Compare the code with what Lambda has as that version, which nobody can change who only writes to the bucket.

    All functions of the template run the same zip, and it is the template that is deployed, whatever the record says.

    Raises:
        RecordError: they differ.
    """
    pages = target.functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    codes = {each["Version"]: each["CodeSha256"] for page in pages for each in page["Versions"]}
    if found.version not in codes:
        target.progress(
            f"Lambda has no version {found.version} any more, so only the bucket says what deployment {found.number} "
            "was. Check the change set."
        )
        return
    held = base64.b64decode(codes[found.version]).hex()
    resources, keys = template["Resources"], earlier.list_code(template)
    for name in earlier.find_functions(template):
        key = keys.get(name, "")
        is_held = key.rpartition("/")[2].partition(".")[0] == held
        if not is_held or resources[name]["Properties"]["Code"] != {"S3Bucket": target.bucket, "S3Key": key}:
            raise RecordError(
                f"Record {found.number} names other code than version {found.version} of {function} has, for {name}."
            )


def _describe(
    site: Site, served: Deployment, found: Deployment, now: Mapping[str, str], held: Mapping[str, str]
) -> None:
    site.tell(f"{site.stage.stack} serves:")
    site.tell(f"  {escape(served)}")
    site.tell("It goes back, all requests at once, to:")
    site.tell(f"  {escape(found)}")
    changed = {key: (held.get(key), value) for key, value in now.items() if held.get(key) != value}
    for key, (before, value) in sorted(changed.items()):
        site.tell(escape(f"  {key}: {before} becomes {value}"))
    site.tell(
        f"These stay as they are: {', '.join(name for name in KEPT if name in held)}, API keys, the KMS key's policy."
    )


def keep_what_others_need(site: Site, approve: Approve) -> Approve:
    """Approves only what loses no consumer's API key, no table and no KMS key."""

    def check(changes: list[Change]) -> bool:
        for change in changes:
            lost = not change.kept and (change.action == "Remove" or change.replaced == "True")
            if lost and change.kind in _NEVER_LOST and change.resource != PROBE_KEY:
                raise Declined(
                    f"The rollback would delete {change.resource}, {_NEVER_LOST[change.kind]}. Nothing was changed. "
                    f"{_INSTEAD.format(stage=site.stage.name)}"
                )
        return approve(changes)

    return check
