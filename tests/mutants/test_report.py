"""Tests what makes the run fail, on made-up results; the real run is nightly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import report, trial
from tests.mutants.core import CORE
from tests.mutants.mutant import Mutant
from tests.mutants.report import Explanation, ModuleResult

PATH = "configsvc/model/envelope.py"
SURVIVOR = Mutant(3, None, "a = 1", "a = 2", "a = 2\n")
WHY = Explanation(PATH, "a = 1", "a = 2", "nothing reads it")


def result(mutants: int = 100, *survived: Mutant) -> ModuleResult:
    return ModuleResult(PATH, mutants, survived, 1.0, "2026-11-30", report.hash_module(PATH))


def core(mutants: int = 100, *survived: Mutant) -> list[ModuleResult]:
    """Makes a result for each module of the core; only the first has mutants."""
    return [result(mutants, *survived), *(result(0)._replace(path=path) for path in CORE if path != PATH)]


def test_killed_and_explained_mutants_are_no_fault() -> None:
    assert report.find_faults(core(), []) == []
    assert report.find_faults(core(100, SURVIVOR), [WHY]) == []


def test_an_unexplained_survivor_is_listed_and_is_no_fault() -> None:
    line = f"`{PATH}`, line 3: `a = 1` → `a = 2`"
    assert report.find_faults(core(100, SURVIVOR), []) == []
    assert report.list_unexplained(core(100, SURVIVOR), []) == [line]
    assert report.list_unexplained(core(100, SURVIVOR), [WHY._replace(after="a = 3")]) == [line]
    assert report.list_unexplained(core(100, SURVIVOR), [WHY]) == []


def test_the_document_lists_each_open_survivor(tmp_path: Path) -> None:
    document = tmp_path / "MUTANTS.md"
    report.write_document(core(100, SURVIVOR), document)
    _, _, opened = document.read_text().partition("## Open\n")
    assert f"- `{PATH}`, line 3: `a = 1` → `a = 2`" in opened.splitlines()


def test_a_module_changed_since_its_last_run_is_a_fault() -> None:
    assert report.find_faults(core()[1:], []) == [f"Changed since its last run: {PATH}"]


def test_an_explanation_of_a_killed_mutant_is_a_fault() -> None:
    assert report.find_faults(core(), [WHY]) == [f"Explained, but killed or gone: {PATH} | a = 1 | a = 2"]


@pytest.mark.parametrize(("mutants", "fault"), [(20, []), (19, ["1 of 19 survived."])])
def test_less_than_95_percent_killed_over_all_modules_is_a_fault(mutants: int, fault: list[str]) -> None:
    assert report.find_faults(core(mutants, SURVIVOR), [WHY]) == fault


def test_more_than_twenty_explanations_are_a_fault() -> None:
    many = [WHY._replace(after=f"a = {number}") for number in range(21)]
    survivors = [SURVIVOR._replace(after=each.after) for each in many]
    assert report.find_faults(core(1000, *survivors), many[:20]) == []
    assert report.find_faults(core(1000, *survivors), many) == ["21 explanations, at most 20 are allowed."]


def test_the_last_result_of_a_module_counts_until_its_source_changes(tmp_path: Path) -> None:
    report.keep_result(result(100, SURVIVOR), tmp_path)
    assert report.read_last_results([PATH, "app.py"], tmp_path) == [result(100, SURVIVOR._replace(source=""))]
    report.keep_result(result()._replace(digest="of another source"), tmp_path)
    assert report.read_last_results([PATH], tmp_path) == []


def test_each_explanation_quotes_a_line_of_a_core_module() -> None:
    for each in report.read_explanations():
        assert each.path in CORE
        assert each.before in Path(each.path).read_text()
        assert each.why


@pytest.mark.parametrize("path", CORE)
def test_the_core_modules_and_their_tests_exist(path: str) -> None:
    assert Path(path).is_file()
    assert all([*Path().glob(pattern)] for pattern in CORE[path])
    assert trial.name_module(path).startswith("configsvc")
