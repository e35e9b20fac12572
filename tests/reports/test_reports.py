"""The table of public reports: each line names a report, what went wrong, and existing tests."""

from __future__ import annotations

import re
from collections import Counter

from tests.reports.reports import REPORTS
from tests.support.named import find_missing

_REPORT = re.compile(r"[\w.-]+/[\w.-]+#[1-9]\d*")


def test_every_report_is_a_repository_and_a_number_and_is_listed_once() -> None:
    assert [each.report for each in REPORTS if not _REPORT.fullmatch(each.report)] == []
    assert [report for report, count in Counter(each.report for each in REPORTS).items() if count > 1] == []


def test_every_kind_is_one_plain_sentence() -> None:
    odd = [each for each in REPORTS if not 20 <= len(each.kind) <= 160 or "\n" in each.kind or each.kind.endswith(".")]
    assert odd == []


def test_every_report_names_tests_that_exist() -> None:
    assert [each.report for each in REPORTS if not each.tests or any("::" not in test for test in each.tests)] == []
    assert {each.report: lost for each in REPORTS if (lost := find_missing(each.tests))} == {}


def test_a_name_of_no_test_is_found() -> None:
    wrong = ["tests/reports/test_reports.py::test_not_here", "tests/reports/not_here.py"]
    assert find_missing([*wrong, "tests/reports/test_reports.py::test_a_name_of_no_test_is_found"]) == wrong
