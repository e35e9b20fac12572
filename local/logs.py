"""`make logs`: print the functions' logs of the running local AWS, oldest first."""

import sys
from typing import NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.escaping import escape
from local.clients import make_client_arguments
from local.emulator.running import find_running_endpoint
from local.errors import LocalError
from local.paths import Places

_MOST = 200


class Line(NamedTuple):
    """One event of one function's log; sorts by time."""

    milliseconds: int
    function: str
    text: str


def lines(endpoint: str) -> list[Line]:
    """The last lines of every function's log."""
    logs = boto3.client("logs", **make_client_arguments(endpoint))
    functions = boto3.client("lambda", **make_client_arguments(endpoint)).get_paginator("list_functions")
    groups = logs.get_paginator("describe_log_groups").paginate()
    existing = {group["logGroupName"] for page in groups for group in page["logGroups"]}
    found: list[Line] = []
    for function in (each for page in functions.paginate() for each in page["Functions"]):
        if (group := function["LoggingConfig"]["LogGroup"]) not in existing:
            continue
        found += [
            Line(event["timestamp"], function["FunctionName"], event["message"].rstrip())
            for event in logs.filter_log_events(logGroupName=group)["events"]
        ]
    return sorted(found)[-_MOST:]


def main(places: Places | None = None) -> int:
    """Print the logs; 1 if nothing runs, or if it stops while printing."""
    try:
        found = lines(find_running_endpoint(places or Places()))
    except (LocalError, BotoCoreError, ClientError) as error:
        print(f"make logs: {escape(error)}", file=sys.stderr)
        return 1
    for line in found:
        print(f"{line.function:<20} {escape(line.text)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
