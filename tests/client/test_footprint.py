"""The cost of a cold start: the modules that importing and a first read load beyond those of Lambda's runtime."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from configsvc_client import Config
from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import run_service

SHOW = """
import sys
import awslambdaric.bootstrap
runtime = set(sys.modules)
import configsvc_client
imported = set(sys.modules)
config = configsvc_client.Config()
made = set(sys.modules)
first = config["k7"] if len(sys.argv) > 1 else None
import json, threading
def top(modules):
    return sorted({name.partition(".")[0] for name in modules} - {name.partition(".")[0] for name in runtime})
print(json.dumps([top(imported), top(made), top(set(sys.modules)), first, threading.active_count(), list(sys.modules)]))
"""
# What is compiled into the interpreter, or private to a module of the list, differs between builds and is left out.
BUILT_IN = set(sys.builtin_module_names)
IMPORTED = {"binascii", "configsvc", "configsvc_client", "contextvars", "typing"}
READ = IMPORTED | {
    "array", "cryptography", "cython_runtime", "hashlib", "hmac", "httptools", "select", "selectors", "socket",
}  # fmt: skip
READ_BY_TLS = READ | {"base64", "ssl", "struct"}
MOST_CALLS = 140
"""Calls of a poll without TLS, in any version of Python; the later ones need fewer."""


class Shown(NamedTuple):
    """The modules loaded at each step, what was read, the threads that are left, and all modules in their order."""

    imported: set[str]
    made: set[str]
    read: set[str]
    value: str | None
    threads: int
    order: list[str]


def shown(environ: Mapping[str, str], *arguments: str) -> Shown:
    """Returns what a fresh process loads, with only this in its environment."""
    path = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-I", "-c", SHOW, *arguments]
    done = subprocess.run(command, env={**path, **environ}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    imported, made, read, value, threads, ours = json.loads(done.stdout)
    rare = {"endpoints", "_interrupts", "refusals", "retry", "content_types", "same_value", "problems", "exceptions"}
    assert not rare & {name.rpartition(".")[2] for name in ours}, "what only rare cases need"
    return Shown(public(imported), public(made), public(read), value, threads, ours)


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")} - BUILT_IN


def test_importing_and_making_a_config_loads_exactly_these_modules() -> None:
    imported, made, *_ = shown({})
    assert imported == IMPORTED - BUILT_IN
    assert made == IMPORTED - BUILT_IN


def test_a_first_read_costs_these_modules_one_request_and_one_kms_call() -> None:
    with run_service(seal_values({f"k{number}": str(number) for number in range(40)})) as running:
        _, _, read, value, threads, _ = shown(running.environ, "read")
        assert (len(running.api.requests), len(running.kms.requests)) == (1, 1)
        assert (running.api.connections, running.kms.connections) == (1, 1)
    assert read == READ - BUILT_IN
    assert (value, threads) == ("7", 1)


def test_a_poll_that_finds_nothing_new_costs_so_many_calls() -> None:
    """A poll's CPU is spent in Python's calls: 146 over TLS, of 177 with a request that is built each time."""
    with run_service(seal_values({"k7": "7"})) as running:
        config = Config(environ=running.environ, start_seconds=60, refresh_seconds=30)
        assert config["k7"] == "7"
        counts = [count_calls(config.refresh) for _ in range(3)]
        config.close()
    assert min(counts) <= MOST_CALLS
    assert len(running.kms.requests) == 1


def count_calls(poll: Callable[[], bool]) -> int:
    """Counts the calls of Python functions on this thread."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        assert not poll()
    finally:
        sys.setprofile(before)
    return calls


def test_over_tls_it_loads_ssl_and_nothing_else(tmp_path: Path) -> None:
    with run_service(seal_values({"k7": "7"}), make_server_context(tmp_path)) as running:
        _, _, read, value, threads, order = shown(
            {**running.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}, "read"
        )
        assert (running.api.connections, running.kms.connections) == (1, 1)
    assert read == READ_BY_TLS - BUILT_IN
    assert (value, threads) == ("7", 1)
    # The parser is loaded while the server replies to the handshake, cryptography while it answers the request.
    assert order.index("ssl") < order.index("httptools") < order.index("cryptography")


def test_none_of_the_heavy_ones_is_among_them() -> None:
    heavy = {
        "boto3",
        "botocore",
        "urllib3",
        "requests",
        "pydantic",
        "asyncio",
        "http",
        "email",
        "dataclasses",
        "urllib",
    }
    assert not heavy & READ_BY_TLS
