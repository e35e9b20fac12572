from __future__ import annotations

import pytest

from infra.escaping import escape, escape_lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("payments.prod lifted to 1000041", "payments.prod lifted to 1000041"),
        ("a\nConfirmed: everything", "a\\nConfirmed: everything"),
        ("\x1b]0;x\x07\x9b2J\u202e\u2028", "\\x1b]0;x\\x07\\x9b2J\\u202e\\u2028"),
    ],
)
def test_text_of_aws_or_a_table_is_one_escaped_line(text: str, line: str) -> None:
    assert escape(text) == line
    assert escape(ValueError(text)) == line


def test_lines_of_a_message_stay_lines_and_none_begins_like_a_message_of_ours() -> None:
    assert escape_lines(ValueError("The stack failed.\nR: \x1b[2J\rmake deploy: done")) == (
        "The stack failed.\n  R: \\x1b[2J\\rmake deploy: done"
    )
