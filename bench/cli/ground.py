"""One emulator for both sides: our real zip deployed on it, with people, and credstash's key."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import boto3

from configsvc.model.grants import Grant
from configsvc_client.admin import Admin, from_environ
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import REGION, package
from local.clients import ROOT as NOBODY
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.paths import ROOT
from local.people import Person
from local.stack import LocalStack, deploy_stack, make_people

CONFIGSVC = ROOT / ".venv/bin/configsvc"
CREDSTASH = ROOT / ".venvs/peers/bin/credstash"

_SECONDS = 300
_ALIAS = "alias/credstash"
_NAME, _VERSION = "name", "version"


class Ground(NamedTuple):
    """The variables for reaching the emulator, and a folder for input files."""

    folder: Path
    endpoint: str
    ours: Mapping[str, str]
    theirs: Mapping[str, str]
    administrator: Admin
    kms_key: str

    def namespace(self, name: str) -> str:
        """A new namespace with a data key."""
        self.administrator.namespaces.create(name)
        self.administrator.data_keys.add(name, self.kms_key)
        return name

    def table(self, name: str) -> str:
        """A new table, as `credstash setup` makes it."""
        keys = ((_NAME, "HASH"), (_VERSION, "RANGE"))
        boto3.client("dynamodb", **make_client_arguments(self.endpoint)).create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in keys],  # type: ignore[typeddict-item]  # two of its words
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each, _ in keys],
        )
        return name


def run(command: Path, *words: str | Path, variables: Mapping[str, str]) -> tuple[float, str]:
    """Seconds that a command takes, and what it prints.

    Raises:
        RuntimeError: it failed; holds what it wrote.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [command, *words], env=dict(variables), cwd=variables["HOME"],  # where credstash writes a log
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{command.name} {words[0]}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return seconds, done.stdout


@contextmanager
def ground() -> Iterator[Ground]:
    """The emulator with everything on it."""
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as made:
        folder = Path(made)
        built = package(ROOT, folder / "package", find_local())
        with Emulator(log=folder / "emulator.log") as emulator:
            stack = deploy_stack(emulator.url, built, lambda _: None)
            people = make_people(stack, "*")
            kms = boto3.client("kms", **make_client_arguments(emulator.url))
            kms.create_alias(AliasName=_ALIAS, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
            theirs = _aws(folder, emulator.url, NOBODY.access_key_id, NOBODY.secret_access_key)
            with from_environ(_ours(folder, stack, people.administrator)) as administrator:
                _grant(administrator, people.developer)
                ours = _ours(folder, stack, people.developer)
                yield Ground(folder, emulator.url, ours, theirs, administrator, stack.kms_key_arn)


def _grant(administrator: Admin, developer: Person) -> None:
    administrator.grants.set(f"api-key:{developer.api_key_id}", [Grant(("read",), ("*",))])
    administrator.grants.set(developer.arn, [Grant(("write",), ("*",))])


def _ours(folder: Path, stack: LocalStack, person: Person) -> dict[str, str]:
    return _aws(folder, stack.endpoint, person.access_key, person.secret_key) | {
        "CONFIGSVC_URL": stack.url,
        "CONFIGSVC_API_KEY": person.api_key,
        "CONFIGSVC_KMS_KEYS": stack.kms_key_arn,
    }


def _aws(folder: Path, endpoint: str, access_key: str, secret_key: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }
