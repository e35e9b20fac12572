from __future__ import annotations

import pytest

from infra.escaping import escape


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("payments.prod lifted to 1000041", "payments.prod lifted to 1000041"),
        ("a\nConfirmed: everything", "a\\nConfirmed: everything"),
        ("\x1b]0;x\x07\x9b2J\u202e\u2028", "\\x1b]0;x\\x07\\x9b2J\\u202e\\u2028"),
    ],
)
def test_what_aws_or_a_table_says_is_one_line_that_no_terminal_obeys(text: str, line: str) -> None:
    assert escape(text) == line
    assert escape(ValueError(text)) == line
