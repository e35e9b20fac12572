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
def test_text_of_aws_or_a_table_is_one_escaped_line(text: str, line: str) -> None:
    assert escape(text) == line
    assert escape(ValueError(text)) == line
