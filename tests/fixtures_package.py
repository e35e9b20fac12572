"""What is built once for the whole test run: the service's package and the consumer's zip."""

from pathlib import Path

import pytest

from infra.consumer import package_consumer
from infra.package import Package, package

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def built_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The real zip and the finished template, made of this tree."""
    return package(ROOT, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="session")
def consumer_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example consumer's zip: handler, wheel and locked dependencies."""
    return package_consumer(ROOT, tmp_path_factory.mktemp("consumer"))
