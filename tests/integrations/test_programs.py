"""The examples that need no server: run as programs against a service on loopback, or called as Lambda calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from configsvc_client import Config
from configsvc_client.testing import FakeService
from examples.integrations import lambda_function, metrics_function, powertools_function
from tests.integrations.running import EXAMPLES, PASSWORD, environ, loopback

VALUES = {"db.url": ":memory:", "db.password": PASSWORD, "db.pool": 7, "limits": {"rate": 5}, "log.level": "info"}
LOGGED = """\
INFO Connecting as app:***
ERROR Not connected
"""


@pytest.mark.parametrize(
    ("name", "variables", "printed"),
    [
        ("typed_settings", {}, ":memory: 7 info **********\n"),
        ("typed_settings", {"LOG_LEVEL": "debug"}, ":memory: 7 debug **********\n"),
        ("dynaconf_settings", {}, ":memory: 7 info\n"),
        ("dynaconf_settings", {"DYNACONF_LOG__LEVEL": "debug"}, ":memory: 7 debug\n"),
        ("filled_environment", {}, ":memory: 7 False\n"),
    ],
)
def test_a_program_prints_what_is_served(tmp_path: Path, name: str, variables: Mapping[str, str], printed: str) -> None:
    assert run(name, tmp_path, variables).stdout == printed


def test_the_log_shows_no_password(tmp_path: Path) -> None:
    logged = run("masked_logs", tmp_path, {}).stderr
    assert logged.startswith(LOGGED)
    assert "ConnectionError: login failed for app:***" in logged
    assert PASSWORD not in logged


def run(name: str, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    with loopback() as running:
        return subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py"], env={**environ(running, folder), **variables}, cwd=folder,
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "handler", "answer"),
    [
        (lambda_function.config, lambda_function.handler, {"pool": 7, "level": "info"}),
        (
            powertools_function.config,
            powertools_function.handler,
            {"url": ":memory:", "limits": {"rate": 5}, "db": ["password", "pool", "url"]},
        ),
        (metrics_function.config, metrics_function.handler, "info"),
    ],
    ids=["lambda_function", "powertools_function", "metrics_function"],
)
def test_a_function_answers_with_what_is_served(
    configsvc_fake: FakeService, config: Config, handler: Callable[[dict[str, str], object], object], answer: object
) -> None:
    with configsvc_fake.stands_for(config):
        configsvc_fake.put_all(VALUES)
        assert handler({}, None) == answer


def test_a_function_connects_again_after_a_change(configsvc_fake: FakeService) -> None:
    with configsvc_fake.stands_for(lambda_function.config):
        configsvc_fake.put_all(VALUES)
        lambda_function.handler({}, None)
        before = lambda_function.connection(":memory:")
        configsvc_fake.put("db.password", "another")
        configsvc_fake.clock.advance(61)
        lambda_function.handler({}, None)
        assert lambda_function.connection(":memory:") is not before


def test_a_function_writes_one_line_of_metrics(configsvc_fake: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    with configsvc_fake.stands_for(metrics_function.config):
        configsvc_fake.put_all(VALUES)
        metrics_function.handler({}, None)
    written = json.loads(capsys.readouterr().out)
    assert (written["Unhealthy"], written["State"]) == (0, "ok")
