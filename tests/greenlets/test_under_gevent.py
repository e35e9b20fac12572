"""The client where gevent has replaced sockets, TLS, threads and forks: in a process of its own, as `make load` has it.

The transport tests of the suite run there as they are, their servers on greenlets too. In `cases.py` the servers are in
another process that nothing has patched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venvs" / "load" / "bin" / "python"

CONNECTIONS = (
    "absolute_names", "aws/kms", "refresh/counts", "transport/addresses",
    "transport/connection_shared", "transport/http", "transport/over_the_wire", "transport/proxy",
    "transport/response", "transport/trust",
)  # fmt: skip
CONFIGS = (
    "aws/container", "aws/credentials", "aws/regions", "config",
    "process/hooks", "reading/handler_context", "refresh/background", "refresh/flights",
    "refresh/overdue", "refresh/refresh", "refresh/refusals", "service/gateway",
    "service/many", "transport/deadlines", "transport/slow_links",
)  # fmt: skip
NOT_OF_GREENLETS = (
    "transport/test_addresses.py::test_name_is_looked_up_if_no_thread_can_start",  # a greenlet always can
    "transport/test_response.py::test_if_no_thread_can_start_the_response_is_still_parsed",
    "transport/test_connection_shared.py::test_unclosed_connection_is_collected_without_a_warning",  # runs another
)

pytestmark = pytest.mark.slow


def _split(module: str) -> tuple[str, str, str]:
    return module.rpartition("/")


def passed(*arguments: str) -> int:
    """How many pass under gevent; fails where one does not."""
    if not PYTHON.exists() and os.environ.get("CI") != "true":
        pytest.skip("the environment of `make load`, which has gevent, is not there: make setup")
    done = subprocess.run(
        [PYTHON, "-m", "tests.support.greenlets.driver", sysconfig.get_path("purelib"),
         "-p", "pytest_timeout", "-p", "no:cacheprovider", "-q", *arguments],
        env={
            "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SERVERS_PYTHON": sys.executable,
        },
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found, done.stdout
    return int(found[1])


@pytest.mark.parametrize("modules", [CONNECTIONS, CONFIGS], ids=["connections", "configs"])
def test_the_transport_tests_of_the_suite_pass_under_gevent(modules: tuple[str, ...]) -> None:
    left_out = [f"--deselect=tests/client/{each}" for each in NOT_OF_GREENLETS]
    files = [f"tests/client/{folder}{slash}test_{name}.py" for folder, slash, name in map(_split, modules)]
    assert passed("-m", "not slow and not long", *left_out, *files) > 150


def test_greenlets_load_refresh_wait_end_and_fork_against_servers_of_another_process() -> None:
    assert passed("tests/support/greenlets/cases.py") > 30
