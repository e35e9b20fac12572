"""Texts of AWS, our own and the origin of a setting form separate sentences in one message."""

from __future__ import annotations

import pytest

from configsvc.model.errors import Forbidden
from configsvc.model.names import parse_namespace
from configsvc_client._wording import join_sentences
from configsvc_client.cli import setup_checks

GRANT = "configsvc grant arn:aws:iam::111122223333:user/ann -a write -n a.b"


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (("a", "b"), "a. b."),
        (("a.", "b?", "c!"), "a. b? c!"),
        (("", " ", "a", ""), "a."),
        (("a,", "b;"), "a. b."),
        (("So", "Run: configsvc list -n a.b"), "So. Run: configsvc list -n a.b"),
        (("Run: configsvc list -n a.b", "So"), "Run: `configsvc list -n a.b`. So."),
        (("Expired: configsvc doctor shows it.", "So"), "Expired: configsvc doctor shows it. So."),
        (("Run: aws sso login", "Run: configsvc list"), "Run: `aws sso login`. Run: configsvc list"),
        (("There is", "Listed:"), "There is. Listed:"),
        ((), ""),
    ],
)
def test_texts_are_joined_as_sentences_and_a_command_can_still_be_pasted(texts: tuple[str, ...], joined: str) -> None:
    assert join_sentences(*texts) == joined


def test_a_missing_grant_and_a_missing_iam_right_give_distinct_commands() -> None:
    denied = Forbidden("IAM does not allow it. This prints the policy: configsvc iam-policy --for writer -n a.b")
    principal = {"principal": "arn:aws:iam::111122223333:user/ann", "grants": []}
    advice = setup_checks.check_writes(principal, parse_namespace("a.b"), denied).advice
    assert f"`{GRANT}`. IAM does not allow" in advice
    assert advice.endswith("configsvc iam-policy --for writer -n a.b")
