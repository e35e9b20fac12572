"""The state that a stack serves now, and its record.

A record is derived from the stack itself: its template, its parameters and its alias. So a deployment that nobody
recorded, because the process died or an earlier release of this project made it, is recorded by the next command.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.cloudformation import earlier
from infra.cloudformation.template import Template
from infra.deployment.alias import find_alias
from infra.deployment.records import Deployment, RecordError, Records
from infra.deployment.stack import GOOD, ROLLED_BACK

if TYPE_CHECKING:
    from infra.deployment.deploy import Target

_SERVING = GOOD | {ROLLED_BACK}


def encode_template(template: Template) -> bytes:
    """The template as it is stored: equal templates are equal bytes."""
    return json.dumps(template, separators=(",", ":"), sort_keys=True).encode()


def records_of(target: Target, stack: str) -> Records:
    """The records of a stack."""
    return Records(target.s3, target.bucket, stack, target.owner)


def read_served(target: Target, stack: str) -> tuple[Deployment, bytes] | None:
    """The state that the stack serves, not yet numbered, and its template; None unless it is complete."""
    live = target.stack(stack)
    if live.status() not in _SERVING:
        return None
    template = _read_template(target, stack)
    held = live.parameters(0) or {}
    secrets, notes, alias = (
        earlier.list_secrets(template),
        earlier.read_notes(template),
        find_alias(target.functions, live),
    )
    parameters = {name: None if name in secrets else value for name, value in held.items()}
    body = encode_template(template)
    served = Deployment(
        template=f"{stack}/{hashlib.sha256(body).hexdigest()}.json",
        parameters=parameters,
        content=earlier.identify(template, parameters),
        version=alias.version if alias else None,
        code=earlier.list_code(template),
        commit=notes.commit,
        time=target.clock().isoformat(timespec="seconds"),
        who=target.who,
        restores=notes.restores,
    )
    return served, body


def _read_template(target: Target, stack: str) -> Template:
    """The stack's template. A deployed one is JSON, which botocore reads; it gives YAML as text.

    Raises:
        RecordError: it is none of ours.
    """
    body: object = target.cloudformation.get_template(StackName=stack)["TemplateBody"]
    if not isinstance(body, dict) or "Resources" not in body:
        raise RecordError(f"The template of the stack {stack} is not one that make deploy wrote.")
    found: Template = json.loads(json.dumps(body))
    return found


def record_served(target: Target, stack: str) -> Deployment | None:
    """Record what the stack serves, unless that is the newest record already; None unless it is complete.

    Raises:
        RecordError: the record cannot be stored, or the stack is none of ours.
    """
    found = read_served(target, stack)
    if found is None:
        return None
    served, body = found
    target.s3.put_object(Bucket=target.bucket, Key=served.template, Body=body, **target.owned)
    return records_of(target, stack).add(served)


def try_to_record(target: Target, stack: str) -> None:
    """`record_served`, where the deployment itself must not fail for want of a record."""
    try:
        record_served(target, stack)
    except (BotoCoreError, ClientError, RecordError) as error:
        target.progress(f"What {stack} serves could not be recorded: {error} The next deployment tries again.")
