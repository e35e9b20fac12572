"""What makes the run fail, on results that are made up; the run itself is nightly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import report, trial
from tests.mutants.core import CORE
from tests.mutants.mutant import Mutant
from tests.mutants.report import Explanation, Result

PATH = "configsvc/model/envelope.py"
SURVIVOR = Mutant(3, None, "a = 1", "a = 2", "a = 2\n")
WHY = Explanation(PATH, "a = 1", "a = 2", "nobody reads it")


def result(mutants: int = 100, *survived: Mutant) -> Result:
    return Result(PATH, mutants, survived, 1.0, "2026-11-30", report.digest_of(PATH))


def test_all_killed_or_explained_is_no_fault() -> None:
    assert report.faults([result()], []) == []
    assert report.faults([result(100, SURVIVOR)], [WHY]) == []


def test_a_survivor_that_is_not_explained_is_named_with_its_place_and_change() -> None:
    assert report.faults([result(100, SURVIVOR)], []) == [f"Not explained: {PATH}:3: a = 1  =>  a = 2"]
    other = WHY._replace(after="a = 3")
    assert f"Not explained: {PATH}:3: a = 1  =>  a = 2" in report.faults([result(100, SURVIVOR)], [other])


def test_an_explanation_of_what_is_killed_by_now_is_a_fault_where_its_module_was_tried() -> None:
    assert report.faults([result()], [WHY]) == [f"Explained, but killed or gone: {PATH} | a = 1 | a = 2"]
    assert report.faults([result()], [WHY._replace(path="app.py")]) == []


@pytest.mark.parametrize(("mutants", "fault"), [(20, []), (19, ["1 of 19 survived."])])
def test_less_than_95_percent_killed_is_a_fault(mutants: int, fault: list[str]) -> None:
    assert report.faults([result(mutants, SURVIVOR)], [WHY]) == fault


def test_more_than_twenty_explanations_are_a_fault() -> None:
    many = [WHY._replace(path="app.py", after=f"a = {number}") for number in range(21)]
    assert report.faults([result()], many[:20]) == []
    assert report.faults([result()], many) == ["21 are explained, at most 20 may be."]


def test_the_last_result_of_a_module_counts_until_its_source_changes(tmp_path: Path) -> None:
    report.keep(result(100, SURVIVOR), tmp_path)
    assert report.last_of([PATH, "app.py"], tmp_path) == [result(100, SURVIVOR._replace(source=""))]
    report.keep(result()._replace(digest="of another source"), tmp_path)
    assert report.last_of([PATH], tmp_path) == []


def test_each_explanation_is_of_a_line_that_is_there_in_a_module_of_the_core() -> None:
    for each in report.explained():
        assert each.path in CORE
        assert each.before in Path(each.path).read_text()
        assert each.why


@pytest.mark.parametrize("path", CORE)
def test_the_modules_of_the_core_and_their_tests_are_there(path: str) -> None:
    assert Path(path).is_file()
    assert all([*Path().glob(pattern)] for pattern in CORE[path])
    assert trial.module_of(path).startswith("configsvc")
