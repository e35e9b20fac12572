"""docs/WALKTHROUGH.md, command by command, as whoever follows it after `make run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packaging.service_zip import Package
from local.emulator.launcher import Emulator
from local.paths import ROOT, Places
from local.run import write_environments
from local.stack import deploy_stack, make_people
from local.story.chapters import NAMESPACE, grant_everyone
from local.story.terminal import Terminal, variables
from tests.support.deployed.walkthrough import blocks, run_blocks

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]


@pytest.fixture
def folder(built_package: Package, tmp_path: Path) -> Iterator[Path]:
    """A folder as `make run` leaves the repository, on a separate local AWS: the document names its stack."""
    with Emulator(log=tmp_path / "emulator.log") as emulator:
        stack = deploy_stack(emulator.url, built_package, lambda _: None)
        people = make_people(stack, "payments.*", "shop.*")
        write_environments(Places(tmp_path / ".local"), stack, people)
        grant_everyone(Terminal(variables(stack, people.administrator, NAMESPACE)), stack, people)
        (tmp_path / ".venvs").symlink_to(ROOT / ".venvs")
        yield tmp_path


@pytest.mark.timeout(300)
def test_every_block_of_the_walk_through_does_what_it_says(folder: Path) -> None:
    played = blocks((ROOT / "docs" / "WALKTHROUGH.md").read_text())
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}

    printed = run_blocks(played, folder, environ)

    assert len(printed) == len(played) > 10
    for block, output in zip(played, printed, strict=True):
        joined = output.replace("\n", "")  # `get` ends with a newline only on a terminal
        assert block.prints in joined, (block.section, output)
    assert "fallback info second-password" in "".join(printed)


def test_the_files_of_the_three_people_are_private(folder: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder / ".local").glob("env*")}

    assert modes == {"env": 0o600, "env.admin": 0o600, "env.reader": 0o600}
