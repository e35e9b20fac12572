"""base64 and JSON each have one canonical form."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.encoding import from_base64std, from_base64url, to_base64std, to_base64url, to_canonical_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(raw=st.binary())
def test_bytes_come_back_and_the_text_is_what_the_standard_library_writes(raw: bytes) -> None:
    assert from_base64url(to_base64url(raw)) == raw
    assert from_base64std(to_base64std(raw)) == raw
    assert to_base64url(raw) == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert to_base64std(raw) == base64.b64encode(raw).decode()


@given(text=st.text("AQgwz059-_+/= \n", max_size=12) | st.text(max_size=12))
def test_a_text_that_decodes_is_canonical(text: str) -> None:
    for encode, decode in ((to_base64url, from_base64url), (to_base64std, from_base64std)):
        try:
            raw = decode(text)
        except ValueError:
            continue
        assert encode(raw) == text


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "AAB", "A+A", "A/A", "AA AA", "AAAA\n", "ä"])
def test_lenient_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any kind of it
        from_base64url(text)


@given(value=JSON)
def test_equal_values_have_equal_bytes_in_any_order(value: object) -> None:
    raw = to_canonical_json(value)
    assert json.loads(raw) == value
    assert to_canonical_json(json.loads(raw)) == raw


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_canonical_json(float("nan"))
