"""docs/FAULTS.md says what the tests promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults_client.table import DOCUMENT, collect_tests, count_promises, render


@pytest.fixture(scope="module")
def tests() -> list[str]:
    return collect_tests()


def test_what_is_committed_is_what_the_tests_promise(tests: list[str]) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(tests), "Run `make fault-docs`."


def test_every_row_has_a_promise(tests: list[str]) -> None:
    assert [number for number, counted in count_promises(tests).items() if not counted] == []


def test_a_promise_for_a_row_outside_the_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        count_promises(["test_x.py::test_99_something_holds"])


def test_every_case_counts_and_tests_without_a_row_do_not(tmp_path: Path) -> None:
    (tmp_path / "test_more.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.parametrize('seed', range(3))\ndef test_01_it_holds(seed: int) -> None: ...\n\n"
        "@pytest.mark.slow\ndef test_01_so_does_this() -> None: ...\n\n"
        "@pytest.mark.long\ndef test_01_this_ci_never_runs() -> None: ...\n\n"
        "def test_nothing_of_the_table() -> None: ...\n"
    )
    found = count_promises(collect_tests([tmp_path]))
    assert found["01"] == {"it holds": 3, "so does this": 1}
    assert sum(map(len, found.values())) == 2
