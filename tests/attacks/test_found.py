"""The table of faults names tests that exist."""

from __future__ import annotations

import pytest

from tests.attacks.found import FOUND, Fault
from tests.support.named import find_missing


@pytest.mark.parametrize("fault", FOUND, ids=lambda fault: fault.kind)
def test_every_fault_names_tests_that_exist(fault: Fault) -> None:
    assert fault.tests
    assert not find_missing(fault.tests)


@pytest.mark.parametrize("fault", FOUND, ids=lambda fault: fault.kind)
def test_every_fault_is_told_in_one_row(fault: Fault) -> None:
    assert not any("|" in text or "\n" in text for text in (fault.kind, fault.fixed))
