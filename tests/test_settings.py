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
