"""Two execution environments of the real zip over one table, each behind its own gateway."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4
from zipfile import ZipFile

import pytest

from infra.packaging.service_zip import Package
from local.emulator.launcher import Emulator
from local.network.proxy import CountingProxy
from tests.support.complete.packed import Zip, build_lambda_variables, build_variables, make_table
from tests.support.complete.stages import Environments, build_stage, grant, start_story
from tests.support.journeys.local_stage import new_cast
from tests.support.journeys.story import Story
from tests.support.web.apps import PROOF_PARAMETERS

DYNAMODB = "dynamodb"
_INIT_SECONDS = pytest.StashKey[list[float]]()


@pytest.fixture(scope="session")
def dynamodb(emulator: Emulator) -> Iterator[CountingProxy]:
    """A proxy in front of the emulator, only for the environments of the zip."""
    with CountingProxy({DYNAMODB: emulator.url}) as running:
        yield running


@pytest.fixture(scope="session")
def packed(
    emulator: Emulator, built_package: Package, dynamodb: CountingProxy, tmp_path_factory: pytest.TempPathFactory
) -> Zip:
    """The real zip, unpacked, with a new table."""
    table = f"complete-{uuid4().hex[:12]}"
    make_table(emulator.url, built_package.template, table)
    directory = tmp_path_factory.mktemp("zip")
    with ZipFile(built_package.zip) as packed:
        packed.extractall(directory)
    refs = {
        "ConfigTable": table,
        "Admins": new_cast().admin.arn,
        "LogLevel": "info",
        "ChangeLogDays": "0",
    } | PROOF_PARAMETERS
    given = build_variables(built_package.template, refs) | build_lambda_variables(dynamodb.url(DYNAMODB))
    return Zip(directory, built_package.template, given, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def environments(packed: Zip, pytestconfig: pytest.Config) -> Iterator[Environments]:
    """Two warm environments; the grants are set through the first."""
    with packed.environment("one") as one, packed.environment("other") as other:
        pytestconfig.stash[_INIT_SECONDS] = [*one.init_seconds, *other.init_seconds]
        with build_stage(one) as first, build_stage(other) as second:
            grant(first)
            yield Environments(first, second)


@pytest.fixture
def story(environments: Environments) -> Story:
    """A new namespace, reached through the first environment."""
    return start_story(environments.one)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the init time. It is never asserted, because it depends on the computer."""
    if found := config.stash.get(_INIT_SECONDS, []):
        told = ", ".join(f"{seconds:.2f} s" for seconds in found)
        terminalreporter.write_line(f"init of the service's zip under awslambdaric, process start included: {told}")
