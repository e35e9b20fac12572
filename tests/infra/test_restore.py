"""The revisions that a restore lifts to."""

from configsvc.model import limits
from infra.restore import find_believed


def test_what_no_lift_reaches_was_written_by_hand_and_is_not_believed() -> None:
    given_out = {"honest.prod": 42, "raised.prod": 10**15, "new.prod": 10**15}
    half = limits.REVISION_JUMP // 2
    assert find_believed(given_out, {"honest.prod": 40, "raised.prod": 7}) == {
        "honest.prod": 42,
        "raised.prod": 7 + half,
        "new.prod": half,
    }
