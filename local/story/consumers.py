"""Functions on the local AWS that read config: deployed with their own role, then invoked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import boto3

from infra.consumer import Settings, deploy_consumer
from local.clients import make_client_arguments
from local.stack import Progress, make_target

_SECONDS = 120.0


class Consumer(NamedTuple):
    """A deployed function."""

    endpoint: str
    function: str

    def invoke(self, event: Mapping[str, str]) -> dict[str, Any]:
        """Invoke the function: its result, or its error under `errorType` and `errorMessage`."""
        client = boto3.client("lambda", **make_client_arguments(self.endpoint))
        answer = client.invoke(FunctionName=self.function, Payload=json.dumps(dict(event)).encode())
        return cast("dict[str, Any]", json.loads(answer["Payload"].read()))

    def point_at(self, namespaces: str) -> None:
        """Let it ask for other namespaces than its role opens; what whoever owns the function can do."""
        client = boto3.client("lambda", **make_client_arguments(self.endpoint))
        held = client.get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": {**held, "CONFIGSVC_NAMESPACES": namespaces}}
        )


def deploy(endpoint: str, name: str, package: Path, settings: Settings, progress: Progress) -> Consumer:
    """Create or update a consumer of that name."""
    deploy_consumer(make_target(endpoint, progress), name, package, settings, _SECONDS)
    return Consumer(endpoint, name)
