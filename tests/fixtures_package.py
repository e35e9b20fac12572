"""What is built once for the whole test run, whichever of its workers comes to need it first."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from infra.consumer import package_consumer
from infra.package import Package, package

ROOT = Path(__file__).resolve().parent.parent

Built = TypeVar("Built")


@pytest.fixture(scope="session")
def built_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The real zip and the finished template, made of this tree."""
    return _once(tmp_path_factory, "service", lambda folder: package(ROOT, folder))


@pytest.fixture(scope="session")
def consumer_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example consumer's zip: handler, wheel and locked dependencies."""
    return _once(tmp_path_factory, "consumer", lambda folder: package_consumer(ROOT, folder))


def _once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], Built]) -> Built:
    """What the first worker has built in the folder that all share; the others wait for it."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"built-{name}"
    shared.mkdir(exist_ok=True)
    kept = shared / "built.pickle"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(build(shared)))
    built: Built = pickle.loads(kept.read_bytes())  # noqa: S301  # this run's own
    return built
