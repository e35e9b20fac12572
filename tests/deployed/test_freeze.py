"""The freeze of docs/OPERATIONS.md: writes end, reads go on."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.paths import ROOT
from tests.support.deployed.own_stack import NAMESPACE, find_resource, raise_own
from tests.support.journeys.sealing import plain
from tests.support.runbooks.document import read_runbooks
from tests.support.runbooks.dry_run import dry_run

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-freeze"


def _policy(table: str, folder: Path) -> str:
    """The policy of the runbook's first step, as the shell passes it on."""
    (folder / "scripts").symlink_to(ROOT / "scripts")
    blocks = [each for each in read_runbooks()["Restore from point-in-time recovery"].blocks if each.step < 2]
    calls = dry_run(blocks, folder, {"TableName": table})
    policies = {each.words[-1] for each in calls if "put-role-policy" in each.words}
    (policy,) = policies
    return policy


def test_frozen_nothing_is_written_and_everything_is_read(
    emulator: Emulator, built_package: Package, tmp_path: Path
) -> None:
    own = raise_own(emulator.url, built_package, _STACK)
    path = f"/v1/namespaces/{NAMESPACE}"
    iam, role = (
        boto3.client("iam", **make_client_arguments(emulator.url)),
        find_resource(emulator.url, _STACK, "ApiHandlerRole"),
    )

    iam.put_role_policy(RoleName=role, PolicyName="freeze", PolicyDocument=_policy(own.stack.table, tmp_path))
    frozen = own.api.send("PUT", f"{path}/keys/k", own.writer, plain("x"))
    read = own.api.send("GET", f"{path}/snapshot", own.reader)
    iam.delete_role_policy(RoleName=role, PolicyName="freeze")

    assert (frozen.status, read.status) == (500, 200)
    assert own.api.send("PUT", f"{path}/keys/k", own.writer, plain("x")).status == 201
