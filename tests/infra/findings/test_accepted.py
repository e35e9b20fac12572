"""A finding is fixed or listed with a reason, and the list never holds more than there is."""

import pytest

from infra.findings.__main__ import ACCEPTED
from infra.findings.accepted import Accepted, Finding, ListError, compare, parse

QUEUE = Finding("CKV_AWS_116", "prod", "APIHandler", "no queue")
ENTRY = Accepted("CKV_AWS_116", ("APIHandler",), ("prod",), "Nobody invokes it asynchronously.")


def test_what_is_found_and_accepted_is_nothing_to_report() -> None:
    assert compare([QUEUE], [ENTRY], {"prod"}) == []


@pytest.mark.parametrize(
    "other",
    [
        QUEUE._replace(check="CKV_AWS_117"),
        QUEUE._replace(template="dev"),
        QUEUE._replace(resource="Function"),
    ],
)
def test_a_finding_of_another_check_template_or_resource_is_reported(other: Finding) -> None:
    assert compare([QUEUE, other], [ENTRY], {"prod", "dev"}) == [f"not accepted: {other}"]


def test_an_accepted_finding_that_no_longer_occurs_is_reported() -> None:
    both = ENTRY._replace(templates=("prod", "dev"))
    assert compare([QUEUE], [both], {"prod", "dev"}) == ["no longer found: CKV_AWS_116  dev  APIHandler"]
    assert compare([], [ENTRY], {"prod"}) == ["no longer found: CKV_AWS_116  prod  APIHandler"]


def test_a_template_that_was_not_checked_is_not_missed() -> None:
    assert compare([], [ENTRY], {"dev"}) == []


def test_a_star_accepts_any_and_must_be_found_once() -> None:
    anywhere = ENTRY._replace(templates=("*",))
    assert compare([QUEUE], [anywhere], {"prod", "dev"}) == []
    assert compare([], [anywhere], {"prod"}) == ["no longer found: CKV_AWS_116  *  APIHandler"]


@pytest.mark.parametrize(
    "entry",
    [
        'check = "C"\nresources = ["R"]\ntemplates = ["*"]',
        'check = "C"\nresources = ["R"]\ntemplates = ["*"]\nreason = ""',
        'check = "C"\nresources = ["R"]\ntemplates = ["*"]\nreason = "   todo            "',
        'check = "C"\nresources = "R"\ntemplates = ["*"]\nreason = "Because it is a good one."',
        'check = "C"\nresources = []\ntemplates = ["*"]\nreason = "Because it is a good one."',
        'check = "C"\nresources = ["R"]\nreason = "Because it is a good one."',
        'check = "C"\nresources = ["R"]\ntemplates = ["*"]\nreason = "Because it is a good one."\nuntil = "May"',
        "check =",
    ],
)
def test_an_entry_without_reason_or_not_as_it_should_be_is_refused(entry: str) -> None:
    with pytest.raises(ListError):
        parse(f"[[accepted]]\n{entry}\n")


def test_the_list_of_this_project_can_be_read() -> None:
    assert {each.check for each in parse(ACCEPTED.read_text())} >= {"CKV_AWS_116", "CKV_AWS_158"}
