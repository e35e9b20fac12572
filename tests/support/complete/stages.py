"""A stage whose app is an execution environment of the zip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import uuid4

from configsvc.bootstrap import app
from local.runtime.function import Runtime
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import new_cast, stage_before
from tests.support.journeys.stage import Stage, api_key_principal, iam_principal
from tests.support.journeys.story import Story

_NAMESPACES = "complete.*"


class Environments(NamedTuple):
    """The API, served by two execution environments of the zip."""

    one: Stage
    other: Stage


@contextmanager
def build_stage(runtime: Runtime) -> Iterator[Stage]:
    """Runs the loopback gateway in front of the zip, with the routes of the app in this tree."""
    with stage_before(runtime.invoke, app.routes, new_cast()) as made:
        yield made


def grant(stage: Stage) -> None:
    """Lets reader, writer and administrator read, and the latter two write. The table keeps this, so once is enough."""
    api = Api(stage.url, stage.region)
    readers = [api_key_principal(each) for each in (stage.reader, stage.writer, stage.admin)]
    wanted = {principal: ["read"] for principal in readers} | {
        iam_principal(stage.writer): ["write"],
        iam_principal(stage.admin): ["admin", "write"],
    }
    for principal, actions in wanted.items():
        body = {"grants": [{"actions": actions, "namespaces": [_NAMESPACES]}]}
        api.send("PUT", "/v1/grants", stage.admin, body, query={"principal": principal}).json()


def start_story(stage: Stage) -> Story:
    """Creates a namespace."""
    made = Story(Api(stage.url, stage.region), stage, f"complete.{uuid4().hex[:12]}")
    made.create()
    return made


def find_elsewhere(story: Story, stage: Stage) -> Story:
    """The same namespace through another environment."""
    return Story(Api(stage.url, stage.region), stage, story.namespace)
