"""A function on the local AWS that logs a metric in embedded metric format, as it is asked to."""

from __future__ import annotations

import io
import json
import zipfile
from typing import NamedTuple
from uuid import uuid4

import boto3

from local.clients import make_client_arguments
from tests.support.local.aws_people import new_role

_SOURCE = """
import json
import time

def handler(event, context):
    if event.get("raise"):
        raise RuntimeError("as asked")
    name = context.function_name
    directive = {"Namespace": "Tests", "Dimensions": [["service"]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"service": name, name: event["broken"], "_aws": about}))
"""


class Measuring(NamedTuple):
    """The function; its metric has its name."""

    url: str
    name: str

    def invoke(self, **event: object) -> None:
        """Once, and to the end."""
        client = boto3.client("lambda", **make_client_arguments(self.url))
        client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode())


def deploy_measuring(url: str) -> Measuring:
    packed, name = io.BytesIO(), f"measuring-{uuid4().hex[:8]}"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", _SOURCE)
    boto3.client("lambda", **make_client_arguments(url)).create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=new_role(url),
        Handler="main.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    return Measuring(url, name)
