"""Settings come from the environment, and all their faults are told at once."""

from __future__ import annotations

import pytest

from configsvc.model.errors import Misconfigured
from configsvc.settings import Settings, read

ROLE = "arn:aws:iam::123456789012:role/Admin*"
USER = "arn:aws:iam::123456789012:user/ann"


def test_the_table_is_all_that_is_needed_and_nobody_is_administrator() -> None:
    assert read({"CONFIGSVC_TABLE": "config"}) == Settings("config", (), "info")


def test_administrators_are_comma_separated() -> None:
    environ = {"CONFIGSVC_TABLE": "config", "CONFIGSVC_ADMINS": f" {ROLE}, {USER} ,", "CONFIGSVC_LOG_LEVEL": "DEBUG"}
    assert read(environ) == Settings("config", (ROLE, USER), "debug")


def test_every_fault_is_told_at_once() -> None:
    environ = {"CONFIGSVC_ADMINS": f"*,{USER},arn:aws:iam::*:role/x", "CONFIGSVC_LOG_LEVEL": "loud"}
    with pytest.raises(Misconfigured) as refused:
        read(environ)
    told = str(refused.value)
    assert all(each in told for each in ("CONFIGSVC_TABLE", "'*'", "arn:aws:iam::*:role/x", "CONFIGSVC_LOG_LEVEL"))
    assert USER not in told


@pytest.mark.parametrize(("text", "days"), [("", None), ("0", None), ("400", 400)])
def test_a_change_log_is_kept_for_ever_or_so_many_days(text: str, days: int | None) -> None:
    assert read({"CONFIGSVC_TABLE": "config", "CONFIGSVC_CHANGE_LOG_DAYS": text}).change_log_days == days


@pytest.mark.parametrize("text", ["-1", "many", "36501", "\u0664"])
def test_days_that_are_none_are_told(text: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_CHANGE_LOG_DAYS is 0 to 36500"):
        read({"CONFIGSVC_TABLE": "config", "CONFIGSVC_CHANGE_LOG_DAYS": text})
