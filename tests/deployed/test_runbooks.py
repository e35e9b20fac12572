"""docs/OPERATIONS.md played by an operator on a local AWS: the blocks as they are, in bash, with the rights it names.

What no test runs is marked in the document, with its reason (tests/docs/test_runbooks.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.runbooks.stand import Stand, raise_stand

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Shared by the runbooks: each leaves it in order."""
    with raise_stand(tmp_path_factory.mktemp("stand")) as made:
        yield made


def test_the_first_five_minutes(stand: Stand) -> None:
    printed = stand.play("The first five minutes", {})
    assert '"table":"readable"' in printed.replace(" ", "")
    assert "\n200\n" in printed
