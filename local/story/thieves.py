"""A cloned repository whose `.configsvc.toml` names a server and a KMS key of its author's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3

from local.clients import Credentials, make_client_arguments
from local.network.listener import listen
from local.people import Person, Statement, make_user
from local.stack import LocalStack
from local.story.teller import StepFailed, expect
from local.story.terminal import Terminal

_COMMANDS = (("list",), ("whoami",), ("put", "db.password", "-"))


def count_refused(shell: Terminal, scratch: Path, kms_key: str) -> int:
    """Count the commands that refuse to go where a clone's file points.

    Raises:
        StepFailed: one does not, or something was sent there.
    """
    folder = scratch / "clone"
    folder.mkdir(exist_ok=True)
    with listen() as thief:
        text = f'url = "{thief.url}"\nnamespaces = ["payments.prod"]\nkms_keys = ["{kms_key}"]\n'
        (folder / ".configsvc.toml").write_text(text)
        inside = shell.inside(folder, "CONFIGSVC_URL", "CONFIGSVC_KMS_KEYS")
        codes = [inside.attempt(*each, given="s3cret")[0] for each in _COMMANDS]
    expect(not thief.connections and 0 not in codes, f"exit codes {codes}, it was sent {thief.received}")
    return len(codes)


_THIEF = "configsvc-thief"


def invoke_forged(stack: LocalStack, victim: Person, method: str, route: str, **query: str) -> tuple[int, str]:
    """Return status and body of the answer to an event that claims to be the victim's."""
    arguments = make_client_arguments(stack.endpoint)
    function = f"arn:aws:lambda:*:*:function:{stack.function}*"  # and every version and alias of it
    right: Statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    user = make_user(boto3.client("iam", **arguments), _THIEF, [right])
    thief = boto3.client(
        "lambda", **make_client_arguments(stack.endpoint, Credentials(user.access_key, user.secret_key))
    )
    sent = json.dumps(_forge_event(victim, method, route, query))
    answer = thief.invoke(FunctionName=stack.function, Qualifier="live", Payload=sent.encode())
    found = json.loads(answer["Payload"].read())
    if "statusCode" not in found:
        raise StepFailed(f"the function answered {json.dumps(found)[:400]}")
    return found["statusCode"], found["body"]


def _forge_event(victim: Person, method: str, route: str, query: dict[str, str]) -> dict[str, Any]:
    """Make the event as API Gateway does, except for the proof, which only the stage knows."""
    everything = {"grants": [{"actions": ["admin", "read", "write"], "namespaces": ["*"]}]}
    return {
        "resource": route, "path": route, "httpMethod": method, "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [each] for name, each in query.items()},
        "pathParameters": None, "stageVariables": None, "body": json.dumps(everything), "isBase64Encoded": False,
        "requestContext": {
            "resourcePath": route, "httpMethod": method, "path": f"/api{route}", "stage": "api", "requestId": "forged",
            "identity": {"userArn": victim.arn, "apiKeyId": victim.api_key_id, "sourceIp": "203.0.113.9"},
        },
    }  # fmt: skip
