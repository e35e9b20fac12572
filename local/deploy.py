"""`make deploy STAGE=local`: deploy to the local AWS exactly as to AWS.

`make run` does the same and adds the story. This uses the local AWS of `make run`, or starts one temporarily; the next
`make run` uses its state.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace

import boto3

from infra import command
from infra.deployment.release import Site, find_commit
from infra.deployment.whole_stack import WholeStack
from infra.output import say
from infra.packaging.service_zip import REGION
from infra.stage import load
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.emulator.running import find_running_endpoint
from local.errors import LocalError, NotReady
from local.paths import Places
from local.run import PORT
from local.stack import administrators, make_target


def main(arguments: list[str] | None = None, places: Places | None = None, port: int = PORT) -> int:
    asked = command.parse("python -m local.deploy", arguments)
    with ExitStack() as running:
        return command.run(asked, lambda: _connect(running, asked, places or Places(), port), LocalError)


def _connect(running: ExitStack, asked: command.Asked, places: Places, port: int) -> command.Connection:
    endpoint = _endpoint(running, places, port)
    stage = load("local").model_copy(update={"admins": (administrators(endpoint),)})
    where = replace(
        make_target(endpoint, command.progress), approve=command.approver(asked), commit=find_commit(),
        whole=WholeStack.of(stage),
        ask=command.asker(asked), unattended=asked.yes,
    )  # fmt: skip
    arguments = make_client_arguments(endpoint)
    site = Site(stage, where, REGION, say, endpoint)
    return command.Connection(site, boto3.client("dynamodb", **arguments), boto3.client("kms", **arguments))


def _endpoint(running: ExitStack, places: Places, port: int) -> str:
    try:
        return find_running_endpoint(places)
    except NotReady:
        say("The local AWS is not running: starting it for this command. Its data is kept.")
        return running.enter_context(Emulator(port=port, state=places.state, log=places.log)).url


if __name__ == "__main__":
    sys.exit(main())
