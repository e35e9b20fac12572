"""`make acceptance`: the journeys against a running service, with people made for them and removed afterwards.

Without a URL and a stack it is the service that `make run` started. `--stack` names one on AWS, reached by the ordinary
credentials, whose owner must be one of its administrators. `--url` with `--stage-file` plays existing people; with
`--stack` it is the custom domain of the stack's API.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import aws
from infra.deployment.deploy import Service
from infra.deployment.stack import Outcome, Stack
from infra.escaping import escape
from infra.packaging.service_zip import REGION, STAGE
from infra.stage import StageError
from local.clients import make_client_arguments
from local.emulator.running import find_running_endpoint
from local.errors import LocalError, NotReady
from local.paths import ROOT, Places
from local.people import Caller, Casting, Place, write_stage
from local.stack import ADMINISTRATOR, find_stack

_JOURNEYS = "tests/journeys"


def main(arguments: list[str] | None = None) -> int:
    """Run the journeys; return pytest's exit code, or 1 if there is no service to run them against."""
    asked, others = _parser().parse_known_args(arguments)
    try:
        with _stage_file(asked) as path:
            return _play(path, asked.url, others)
    except (BotoCoreError, ClientError) as error:
        print(f"make acceptance: {escape(aws.explain(error))}", file=sys.stderr)
        return 1
    except (LocalError, StageError, aws.Unreachable) as error:
        print(f"make acceptance: {escape(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.acceptance", description=__doc__)
    parser.add_argument("--url", help="of the API with its stage and without /v1")
    parser.add_argument("--stage-file", type=Path, help="JSON: admin, writer, stranger, reader (docs/OPERATIONS.md)")
    parser.add_argument("--data", type=Path, default=Places().data, help="folder of the `make run` to play against")
    parser.add_argument("--stack", help="a stack on AWS; people are made for the run")
    return parser


@contextmanager
def _stage_file(asked: argparse.Namespace) -> Iterator[Path]:
    if asked.url and not asked.stage_file and not asked.stack:
        raise NotReady("URL= needs people: pass STAGE_FILE=… with their credentials, or STACK=… to create them.")
    if asked.stage_file:
        yield asked.stage_file.resolve()
        return
    casting = _on_aws(asked.stack) if asked.stack else _on_the_local_one(Places(asked.data))
    with tempfile.TemporaryDirectory(prefix="configsvc-acceptance-") as scratch, casting.people() as cast:
        path = Path(scratch) / "stage.json"
        write_stage(path, casting.place, cast)
        yield path


def _on_the_local_one(places: Places) -> Casting:
    endpoint = find_running_endpoint(places)
    stack = find_stack(endpoint)
    arguments = make_client_arguments(endpoint)
    return Casting(
        boto3.client("iam", **arguments), boto3.client("apigateway", **arguments),
        Place(stack.url, REGION, stack.api_arn, stack.usage_plan), f"{ADMINISTRATOR}-of-journeys-",
    )  # fmt: skip


def _on_aws(stack: str) -> Casting:
    session = aws.session(aws.region_of(stack))
    outputs = Stack(session.client("cloudformation"), stack, print).outputs()
    if not outputs:
        raise NotReady(f"There is no stack {stack} in {session.region_name} for these credentials.")
    service = Service.of(Outcome.UNCHANGED, outputs)
    caller = _caller(session)
    partition, account = caller.arn.split(":")[1], caller.arn.split(":")[4]
    api_arn = f"arn:{partition}:execute-api:{session.region_name}:{account}:{service.rest_api_id}/{STAGE}"
    place = Place(service.api_url, session.region_name, api_arn, service.usage_plan_id)
    return Casting(session.client("iam"), session.client("apigateway"), place, caller)


def _caller(session: boto3.Session) -> Caller:
    held = session.get_credentials()
    if held is None:
        raise NotReady("There are no AWS credentials. Set AWS_PROFILE, or sign in, and try again.")
    key = held.get_frozen_credentials()
    arn = session.client("sts").get_caller_identity()["Arn"]
    return Caller(arn, key.access_key or "", key.secret_key or "", key.token)


def _play(stage_file: Path, url: str | None, others: list[str]) -> int:
    given = {"TEST_MODE": "deployed", "TEST_STAGE": str(stage_file)} | ({"TEST_URL": url} if url else {})
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(others or [_JOURNEYS])]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
