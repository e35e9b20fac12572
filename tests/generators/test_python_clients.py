"""Python clients from two generators import, type-check and read from a running service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.seeds import KEYS, sow
from tests.support.generators.clients import (
    PYTHON,
    check_types,
    needs_generators,
    run,
    run_openapi_generator,
    run_openapi_python_client,
)
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import local_stage
from tests.support.journeys.stage import Stage
from tests.support.journeys.texts import Texts

pytestmark = pytest.mark.slow

_OPENAPI_GENERATOR = """
import os, openapi_client as api
made = api.Configuration(host=os.environ["URL"], api_key={"ApiKey": os.environ["KEY"]})
with api.ApiClient(made) as client:
    who = api.WhoamiApi(client).whoami()
    print(who.api_key.principal, who.iam)
    got = api.SnapshotApi(client).get_snapshot_with_http_info("payments.prod")
    print(got.headers["ETag"], got.data.revision, *(f"{each.key}={each.value}" for each in got.data.entries))
    listed = api.KeysApi(client).list_keys("payments.prod", limit=2)
    print(len(listed.keys), listed.keys[0].rotate_by, listed.cursor is not None)
    try:
        api.SnapshotApi(client).get_snapshot("absent.prod")
    except api.exceptions.NotFoundException as refused:
        print(refused.data.code, refused.data.status)
"""
_OPENAPI_PYTHON_CLIENT = """
import os, configsvc_client as api
from configsvc_client.api.whoami import whoami
from configsvc_client.api.snapshot import get_snapshot
from configsvc_client.api.keys import list_keys
client = api.AuthenticatedClient(os.environ["URL"], os.environ["KEY"], prefix="", auth_header_name="x-api-key")
who = whoami.sync(client=client)
print(who.api_key.principal, who.iam)
got = get_snapshot.sync_detailed("payments.prod", client=client)
print(got.headers["ETag"], got.parsed.revision, *(f"{each.key}={each.value}" for each in got.parsed.entries))
listed = list_keys.sync("payments.prod", client=client, limit=2)
print(len(listed.keys), listed.keys[0].rotate_by, listed.cursor is not None)
refused = get_snapshot.sync("absent.prod", client=client)
print(refused.code, refused.status)
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with local_stage(Texts()) as stage:
        sow(Api(stage.url, stage.region), stage)
        yield stage


def read_with(program: str, folder: Path, stage: Stage) -> list[str]:
    said = run(PYTHON, "-W", "error::SyntaxWarning", "-c", program, cwd=folder, URL=stage.url, KEY=stage.admin.api_key)
    return said.splitlines()


def build_expected(stage: Stage) -> list[str]:
    snapshot = Api(stage.url, stage.region).send("GET", "/v1/namespaces/payments.prod/snapshot", stage.admin)
    revision = snapshot.json()["revision"]
    entries = " ".join(f"{key}=sown" for key in sorted(KEYS))
    return [
        f"api-key:{stage.admin.api_key_id} None",
        f"{snapshot.headers['etag']} {revision} {entries}",
        "2 None True",
        "not_found 404",
    ]


def test_openapi_generators_python_client_reads(tmp_path: Path, stage: Stage) -> None:
    needs_generators()
    assert run_openapi_generator("python", tmp_path) == []
    check_types(
        tmp_path / "openapi_client",
        "typeddict-item",  # its table of servers lacks a member that its own type requires
        "import-untyped",  # of python-dateutil, which has no types
    )
    assert read_with(_OPENAPI_GENERATOR, tmp_path, stage) == build_expected(stage)


def test_openapi_python_client_reads(tmp_path: Path, stage: Stage) -> None:
    needs_generators()
    assert run_openapi_python_client(tmp_path) == []
    (package,) = (each for each in (tmp_path / "client").iterdir() if (each / "__init__.py").exists())
    package.rename(tmp_path / "configsvc_client")
    check_types(tmp_path / "configsvc_client")
    assert read_with(_OPENAPI_PYTHON_CLIENT, tmp_path, stage) == build_expected(stage)
