"""The envelope's header has one spelling, and nothing else is accepted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.encoding import from_base64url, to_base64url, to_canonical_json
from configsvc.model.envelope import EnvelopeParts, Header, join, peek, read_header, split
from configsvc.model.errors import InvalidEnvelope
from tests.support.model.strategies import HEADERS
from tests.support.service.sealed import envelope

GOOD = envelope("db.password", 7)
HEADER = json.loads(from_base64url(GOOD.split(".")[0]))


@given(
    header=HEADERS,
    nonce=st.binary(min_size=12, max_size=12),
    ciphertext=st.binary(),
    tag=st.binary(min_size=16, max_size=16),
)
def test_an_envelope_splits_into_its_parts_and_header(
    header: Header, nonce: bytes, ciphertext: bytes, tag: bytes
) -> None:
    parts = EnvelopeParts(header.protected(), nonce, ciphertext, tag)
    assert split(join(parts)) == parts
    assert read_header(join(parts)) == peek(join(parts)) == header


@given(header=HEADERS)
def test_a_header_is_canonical_json_of_exactly_its_members(header: Header) -> None:
    raw = from_base64url(header.protected().decode())
    assert raw == to_canonical_json(json.loads(raw))
    assert json.loads(raw) == {
        "alg": "dir", "enc": "A256GCM", "cty": header.content_type, "kid": header.kid,
        "configsvc": {"key": header.key, "namespace": header.namespace, "version": header.version},
    }  # fmt: skip


def replace_header(raw: bytes) -> str:
    return ".".join([to_base64url(raw), *GOOD.split(".")[1:]])


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "RSA-OAEP"}, {"alg": "none"}, {"enc": "A128GCM"}, {"zip": "DEF"}, {"crit": ["configsvc"]},
        {"cty": "text/html"}, {"cty": None}, {"kid": "short"}, {"kid": 1}, {"configsvc": []}, {"configsvc": None},
        {"configsvc": {"key": "a", "namespace": "b"}}, {"configsvc": {"key": "a/b", "namespace": "b", "version": 1}},
        {"configsvc": {"key": "a", "namespace": "B", "version": 1}},
        {"configsvc": {"key": "a", "namespace": "b", "version": 0}},
        {"configsvc": {"key": "a", "namespace": "b", "version": 1.0}},
        {"configsvc": {"key": "a", "namespace": "b", "version": True}},
        {"configsvc": {"key": "a", "namespace": "b", "version": "1"}},
        {"configsvc": {"key": "a", "namespace": "b", "version": 1, "more": 1}}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_with_other_members_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidEnvelope):
        read_header(replace_header(to_canonical_json(HEADER | change)))


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(HEADER).encode(),
        json.dumps(HEADER, separators=(",", ":"), sort_keys=False).encode()[::-1],
        to_canonical_json(HEADER)[:-1] + b',"alg":"dir"}',
        to_canonical_json(HEADER) + b" ",
        b"[]", b"null", b"", b"\xff", b"[" * 100_000,
    ],
    ids=["spaces", "garbage", "a name twice", "a space after", "list", "null", "empty", "no utf-8", "depth"],
)  # fmt: skip
def test_a_header_in_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        read_header(replace_header(raw))


@given(place=st.integers(0, len(GOOD) - 1), character=st.characters())
def test_an_altered_envelope_is_refused_or_differs(place: int, character: str) -> None:
    altered = GOOD[:place] + character + GOOD[place + 1 :]
    try:
        header, parts = read_header(altered), split(altered)
    except InvalidEnvelope:
        return
    assert (altered == GOOD) == ((header, parts) == (read_header(GOOD), split(GOOD)))


@given(text=st.text(max_size=200) | st.text(".AQg=", max_size=80))
def test_any_other_text_raises_only_our_error(text: str) -> None:
    with pytest.raises(InvalidEnvelope):
        read_header(text)
    with pytest.raises(InvalidEnvelope):
        peek(text)


@pytest.mark.parametrize("nonce", [11, 12, 13])
@pytest.mark.parametrize("tag", [15, 16, 17])
def test_a_nonce_or_a_tag_of_another_size_is_refused(nonce: int, tag: int) -> None:
    parts = EnvelopeParts(GOOD.split(".")[0].encode(), bytes(nonce), b"x", bytes(tag))
    if (nonce, tag) == (12, 16):
        assert split(join(parts)) == parts
        return
    for read in (split, read_header):
        with pytest.raises(InvalidEnvelope, match="nonce of 12 bytes and a tag of 16"):
            read(join(parts))
