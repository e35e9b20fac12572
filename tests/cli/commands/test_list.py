"""`list` shows why a key is not served, and which values are overdue."""

from __future__ import annotations

import json
from datetime import date

import pytest

from configsvc.model import names
from configsvc_client.admin import KeyInfo, make_draft
from configsvc_client.cli.commands.list import is_overdue
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

OVERDUE, FAR = "2026-01-31", "2999-01-31"


@pytest.fixture
def kept(service: Loopback, namespace: str) -> Shell:
    """A served, a staged, a deleted and three dated keys."""
    admin = service.admin()
    admin.values.put(namespace, "served", "1", form="plain")
    admin.values.put(namespace, "deleted", "1", form="plain")
    admin.values.delete(namespace, "deleted")
    dated = {"staged": OVERDUE, "late": OVERDUE, "later": "2025-12-31", "far": FAR, "gone": OVERDUE}
    for key, day in dated.items():
        made = make_draft(key, "1", form="plain")
        admin.values.put_draft(namespace, made._replace(rotate_by=day, activate=key != "staged"))
    admin.values.delete(namespace, "gone")
    return Shell(service.environ("writer", namespace))


def test_the_state_of_each_key_is_listed(kept: Shell) -> None:
    plain = [line.split("\t") for line in kept.ok("list").splitlines()]
    assert {row[0]: (row[3], row[6], row[7]) for row in plain} == {
        "served": ("1", "served", "no"), "staged": ("", "staged", "no"), "deleted": ("", "deleted", "no"),
        "gone": ("", "deleted", "no"), "late": ("1", "served", "yes"), "later": ("1", "served", "yes"),
        "far": ("1", "served", "no"),
    }  # fmt: skip
    found = {each["key"]: each for each in json.loads(kept.ok("list", "-o", "json"))}
    assert {key for key, each in found.items() if each["overdue"]} == {"late", "later"}
    assert (found["gone"]["state"], found["gone"]["rotate_by"], found["gone"]["active"]) == ("deleted", OVERDUE, None)
    shown = kept.on_terminal("list").out
    assert "served, overdue" in shown
    assert OVERDUE not in shown
    assert OVERDUE in kept.on_terminal("list", "--due").out
    assert "deleted" in shown
    assert "staged" in shown


def test_due_lists_overdue_values_and_on_request_those_due_soon(kept: Shell) -> None:
    def keys(*options: str) -> list[str]:
        return [line.split("\t")[0] for line in kept.ok("list", *options).splitlines()]

    assert keys("--due") == ["later", "late"]
    assert keys("late", "--due") == ["later", "late"]
    assert keys("--due", FAR) == ["later", "late", "far"]
    assert kept.ok("list", "--due").splitlines()[0].split("\t")[6:] == ["2025-12-31", "served", "yes"]
    assert kept.run("list", "--due", "soon").code == 2
    assert kept.run("list", "nothing.", "--due") == (0, "", "")
    assert "No value is due" in kept.on_terminal("list", "nothing.", "--due").out


@pytest.mark.parametrize(
    ("state", "rotate_by", "overdue"),
    [
        ("served", "2027-03-09", True), ("served", "2027-03-10", False), ("served", None, False),
        ("staged", "2027-03-09", False), ("deleted", "2027-03-09", False),
    ],
)  # fmt: skip
def test_a_value_is_overdue_from_the_day_after(state: str, rotate_by: str | None, overdue: bool) -> None:  # noqa: FBT001
    key = KeyInfo(names.parse_key("k"), 1, 1, 2, "plain", "text/plain", 1, rotate_by, state)
    assert is_overdue(key, date(2027, 3, 10)) == overdue
