"""Names are valid by construction."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.encoding import to_base64url
from configsvc.model.errors import InvalidName

KINDS = [
    (names.parse_namespace, r"[a-z0-9][a-z0-9._-]{0,63}"),
    (names.parse_key, r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}"),
]


def is_taken(make: Callable[[str], str], text: str) -> bool:
    try:
        return make(text) == text
    except InvalidName:
        return False


@pytest.mark.parametrize(("make", "rule"), KINDS)
@given(text=st.text(max_size=300) | st.text("az09AZ._-/%#", max_size=300))
@example(text="a\n")
@example(text="a/b")
@example(text="a%2fb")
@example(text="a#b")
@example(text="..")
@example(text="ａ")  # noqa: RUF001  # a confusable, on purpose
@example(text="a" * 64)
@example(text="a" * 65)
@example(text="a" * 255)
@example(text="a" * 256)
def test_a_name_is_accepted_exactly_when_it_matches_the_rule(make: Callable[[str], str], rule: str, text: str) -> None:
    assert is_taken(make, text) == bool(re.fullmatch(rule, text, re.ASCII) and "\n" not in text)


@given(raw=st.binary(min_size=32, max_size=32))
def test_a_kid_has_one_spelling(raw: bytes) -> None:
    kid = to_base64url(raw)
    assert names.parse_kid(kid) == kid
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [last for last in alphabet if is_taken(names.parse_kid, kid[:-1] + last)]
    assert len(same) == 16


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 42 + "+"])
def test_a_kid_that_is_not_32_bytes_of_base64url_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        names.parse_kid(text)
