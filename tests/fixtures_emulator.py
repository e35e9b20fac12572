"""Emulators for the whole test run, each started by the first test that asks for it."""

from collections.abc import Iterator

import pytest

from local.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator with AUTH on and the additions in. It is shared: use names of your own in it."""
    with Emulator(log=tmp_path_factory.mktemp("emulator") / "emulator.log") as running:
        yield running


@pytest.fixture(scope="session")
def stock_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The same without the additions: shows that they are needed."""
    with Emulator(log=tmp_path_factory.mktemp("stock") / "emulator.log", additions=False) as running:
        yield running
