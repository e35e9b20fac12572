"""The freeze of docs/OPERATIONS.md: writes end, reads go on."""

from __future__ import annotations

import json

import boto3
import pytest

from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.paths import ROOT
from tests.support.deployed.own_stack import NAMESPACE, raise_own
from tests.support.deployed.permissions import role_of_stack
from tests.support.journeys.sealing import plain

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-freeze"


def _policy(table: str) -> str:
    text = (ROOT / "docs/OPERATIONS.md").read_text().split("`freeze.json` denies", 1)[1]
    block = text.split("```json\n", 1)[1].split("```", 1)[0]
    return json.dumps(json.loads(block.replace("OLD", table)))


def test_frozen_nothing_is_written_and_everything_is_read(emulator: Emulator, built_package: Package) -> None:
    own = raise_own(emulator.url, built_package, _STACK)
    path = f"/v1/namespaces/{NAMESPACE}"
    iam, role = (
        boto3.client("iam", **make_client_arguments(emulator.url)),
        role_of_stack(emulator.url, _STACK, "ApiHandlerRole"),
    )

    iam.put_role_policy(RoleName=role, PolicyName="freeze", PolicyDocument=_policy(own.stack.table))
    frozen = own.api.send("PUT", f"{path}/keys/k", own.writer, plain("x"))
    read = own.api.send("GET", f"{path}/snapshot", own.reader)
    iam.delete_role_policy(RoleName=role, PolicyName="freeze")

    assert (frozen.status, read.status) == (500, 200)
    assert own.api.send("PUT", f"{path}/keys/k", own.writer, plain("x")).status == 201
