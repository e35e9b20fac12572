"""Real error trackers, loggers and formatters of tracebacks, at work on errors of ours: no value, no credential.

They run in an environment of their own, which `make test` sets up.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.trackers.canaries import OWN, leaked

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "trackers" / "bin" / "python"
_QUICK = {"sentry", "walker"}
"""Run by `make test` too: the tracker that most people have, and one of our own for those that nobody tried."""
TOOLS = (
    "sentry", "rollbar", "elastic_apm", "logfire", "loguru", "structlog", "rich", "ipython", "devtools", "bugsnag",
    "datadog", "standard_library", "walker",
)  # fmt: skip


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """In the trackers' environment, with the client of this tree, and nothing else from this process."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "HOME": str(folder)}
    return subprocess.run(
        [str(PYTHON), *arguments], env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize(
    "tool", [pytest.param(each, marks=() if each in _QUICK else pytest.mark.slow) for each in TOOLS]
)
def test_no_value_and_no_credential_is_shown_by(tool: str) -> None:
    done = run("-m", "tests.support.trackers.tools", tool)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    shown: dict[str, str] = found["shown"]
    assert {name: leaked(text) for name, text in shown.items() if leaked(text)} == {}
    assert [name for name, text in shown.items() if OWN not in text] == [], "it shows no variables at all"
    assert found["requests_while_shown"] == 0, "whoever looks at a Config does not refresh it"


_FAILING = """
import pytest
from tests.support.trackers import scenes

@pytest.fixture(scope="module")
def made():
    with scenes.consumer() as made:
        yield made

@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.__name__)
def test_scene(made, scene):
    scene(made[0])

def test_refreshed_by_halves(made):
    scenes.refreshed_by_halves(made[0], made[1])
"""


_OPTIONS = [(), pytest.param(("--showlocals", "--tb=long", "-vv"), marks=pytest.mark.slow), ("--tb=native",)]


@pytest.mark.slow
@pytest.mark.parametrize("options", _OPTIONS, ids=" ".join)
def test_no_value_and_no_credential_is_shown_by_pytest(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_failing.py").write_text(_FAILING)
    done = run("-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *options, folder=tmp_path)
    assert "36 failed" in done.stdout, done.stdout[-2000:] + done.stderr
    assert leaked(done.stdout + done.stderr) == []
    assert ("own        = " in done.stdout) == ("--showlocals" in options)
