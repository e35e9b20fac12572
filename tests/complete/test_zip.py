"""Nothing is missing in the zip: it starts and serves every route without our packages installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from configsvc.bootstrap import app
from local.runtime.function import PYTHON, Runtime
from local.runtime.runtime_api import InitFailed
from tests.support.complete.packed import Zip, list_functions
from tests.support.complete.stages import Environments, build_stage, find_elsewhere, start_story
from tests.support.journeys.sealing import kms, open_envelope, plain
from tests.support.journeys.story import Story
from tests.support.journeys.visits import VISITS, person

pytestmark = pytest.mark.emulator

_OURS = ("configsvc", "chalice", "pydantic", "pydantic_core", "cachetools")


def test_the_test_environment_lacks_our_packages() -> None:
    asked = f"import importlib.util as u, json; print(json.dumps([n for n in {_OURS} if u.find_spec(n)]))"
    # -P and -I keep this folder and PYTHONPATH from providing our packages.
    found = subprocess.run([PYTHON, "-I", "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(found.stdout) == []


def test_every_function_of_the_template_starts(packed: Zip, tmp_path: Path) -> None:
    handlers = {each["Handler"] for each in list_functions(packed.template).values()}
    assert "app.app" in handlers
    for handler in handlers:
        with Runtime(
            directory=packed.directory, handler=handler, log=tmp_path / "log", variables=packed.variables
        ) as running:
            assert len(running.init_seconds) == 1


def test_every_route_answers(story: Story) -> None:
    namespace = f"{story.namespace}.visited"
    answered = [visit.pay(story.api, namespace, person(story.stage, visit.role)).status for visit in VISITS]

    assert dict(zip(map(str, VISITS), answered, strict=True)) == {str(visit): visit.status for visit in VISITS}
    declared = {(method, resource) for resource, methods in app.routes.items() for method in methods}
    assert {visit.route for visit in VISITS} == declared


def test_a_bad_request_is_explained_too(story: Story) -> None:
    assert story.put("k", {"form": "plain"}).code == "invalid_request"
    assert story.get("absent").code == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        plain("zażółć \U0001f511"),
        plain('{"pool": 10}', "application/json"),
        kms(),
        kms() | {"content_type": "application/json"},
        kms() | {"content_type": "application/octet-stream"},
    ],
    ids=["plain text", "plain json", "kms text", "kms json", "kms bytes"],
)
def test_a_put_value_is_read_back_unchanged(story: Story, body: dict[str, object]) -> None:
    assert story.put("k", body).status == 201
    assert story.entries()["k"] == {"key": "k", "version": 1, **body}


def test_an_envelope_is_read_back_and_opens(story: Story) -> None:
    data_key = story.add_data_key()
    assert story.seal(data_key, "db.password", 1, "hunter2").status == 201
    assert open_envelope(data_key, story.entries()["db.password"]["value"]) == b"hunter2"


@pytest.fixture
def without(packed: Zip, tmp_path: Path, request: pytest.FixtureRequest) -> Zip:
    """The zip without one package."""
    directory = tmp_path / "zip"
    directory.mkdir()
    for each in packed.directory.iterdir():
        if each.name != request.param:
            (directory / each.name).symlink_to(each)
    return packed._replace(directory=directory, logs=tmp_path)


@pytest.mark.parametrize("without", ["configsvc", "chalice"], indirect=True)
def test_a_zip_without_an_import_does_not_start(without: Zip) -> None:
    with pytest.raises(InitFailed), without.environment("without"):
        pass


@pytest.mark.parametrize("without", ["pydantic"], indirect=True)
def test_a_zip_without_an_import_of_writes_fails_writes(without: Zip, story: Story) -> None:
    assert story.put("k", plain("the whole zip takes it")).status == 201
    with without.environment("without") as runtime, build_stage(runtime) as stage_without:
        lame = find_elsewhere(story, stage_without)
        assert lame.snapshot().status == 200
        assert lame.put("k", plain("v")).status >= 500


def test_two_environments_serve_each_others_writes_at_once(story: Story, environments: Environments) -> None:
    sides = (story, find_elsewhere(story, environments.other))
    for number in range(1, 7):
        writing, reading = sides[number % 2], sides[(number + 1) % 2]
        before = reading.snapshot()
        made = writing.put("k", plain(str(number))).json()

        assert made["version"] == number
        after = reading.snapshot(before.headers["etag"])
        assert after.status == 200
        assert after.json()["revision"] == made["revision"]
        assert after.json()["entries"] == [{"key": "k", "version": number, **plain(str(number))}]


def test_a_namespace_created_in_one_environment_exists_in_the_other(environments: Environments) -> None:
    made = start_story(environments.other)
    assert find_elsewhere(made, environments.one).snapshot().json()["entries"] == []
