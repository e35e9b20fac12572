"""The journeys' stage: `TEST_MODE=local` (the default) makes one, `TEST_MODE=deployed` takes the one in a file.

The file is TEST_STAGE (tests/support/journeys/stage.py); TEST_URL, where it is set, stands for the URL in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.journeys.api import Api
from tests.support.journeys.leaving import hold_grants, remove_namespaces
from tests.support.journeys.local_stage import local_stage
from tests.support.journeys.stage import Stage, api_key_principal, iam_principal
from tests.support.journeys.story import Story
from tests.support.journeys.texts import Texts
from tests.support.journeys.waiting import ready


@pytest.fixture(scope="session")
def log() -> Texts:
    """The log of the service in process; empty if it is deployed."""
    return Texts()


@pytest.fixture(scope="session")
def deployed_stage() -> Stage:
    """The stage that TEST_STAGE, a JSON file, describes."""
    return Stage.from_file(Path(os.environ["TEST_STAGE"]), os.environ.get("TEST_URL"))


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, log: Texts) -> Iterator[Stage]:
    """A running API with its people."""
    if os.environ.get("TEST_MODE", "local") == "deployed":
        yield request.getfixturevalue("deployed_stage")
        return
    with local_stage(log) as made:
        yield made


@pytest.fixture(scope="session")
def api(stage: Stage) -> Api:
    """The API over HTTP."""
    return Api(stage.url, stage.region)


@pytest.fixture(scope="session")
def run() -> str:
    """The prefix of this run's namespaces."""
    return f"run-{uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def _granted(stage: Stage, api: Api, run: str) -> Iterator[None]:
    """Reader and writer may read, the writer may write, all within this run's namespaces; which go when it ends."""
    wanted = {
        api_key_principal(stage.reader): ["read"],
        api_key_principal(stage.writer): ["read"],
        api_key_principal(stage.admin): ["read"],
        iam_principal(stage.writer): ["write"],
        iam_principal(stage.admin): ["admin", "write"],
    }
    ready(api, stage)
    with hold_grants(api, stage, {who: [{"actions": may, "namespaces": [f"{run}.*"]}] for who, may in wanted.items()}):
        yield
        remove_namespaces(api, stage, run)


@pytest.fixture
def story(stage: Stage, api: Api, run: str, _granted: None) -> Story:
    """A new namespace, and who does what in it."""
    story = Story(api, stage, f"{run}.{uuid4().hex[:10]}")
    story.create()
    return story
