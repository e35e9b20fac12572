import hashlib
import json
import pickle

import pytest
from cryptography.hazmat.primitives.ciphers import aead
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.encoding import from_base64url, to_base64url, to_canonical_json
from configsvc.model.envelope import Header
from configsvc_client import CannotOpen
from configsvc_client._opening import cipher as _cipher
from tests.support.client.sealing import DATA_KEY, NS


def test_values_are_opened_by_the_cipher_that_cryptography_documents() -> None:
    assert _cipher.AESGCM is aead.AESGCM


@given(key=st.text(max_size=40), cty=st.text(max_size=20), version=st.integers(1, 10**9))
def test_the_header_is_canonical_json_whatever_stands_in_it(key: str, cty: str, version: int) -> None:
    header = Header(NS, names.Key(key), version, cty, _cipher.derive_kid(DATA_KEY))
    members = {
        "alg": "dir", "enc": "A256GCM", "cty": cty, "kid": header.kid,
        "configsvc": {"key": key, "namespace": NS, "version": version},
    }  # fmt: skip
    assert header.protected() == to_base64url(to_canonical_json(members)).encode()


@given(key=st.from_regex(names.KEY, fullmatch=True), text=st.text(max_size=40))
def test_an_envelope_names_its_data_key_however_long_its_header_is(key: str, text: str) -> None:
    header = Header(NS, names.Key(key), 1, "text/plain", _cipher.derive_kid(DATA_KEY))
    sealed = _cipher.seal(DATA_KEY, header, json.dumps(text).encode(), bytes(12))
    assert _cipher.read_kid(sealed) == header.kid


HEADER = Header(NS, names.Key("db.password"), 7, "text/plain", _cipher.derive_kid(DATA_KEY))
SEALED = _cipher.seal(DATA_KEY, HEADER, b"hunter2", bytes(range(12)))
OTHER = hashlib.sha256(b"another data key").digest()


def flipped(envelope: str, part: int) -> str:
    """With one bit of that part changed."""
    parts = envelope.split(".")
    raw = from_base64url(parts[part])
    parts[part] = to_base64url(bytes([raw[0] ^ 1]) + raw[1:])
    return ".".join(parts)


@pytest.mark.parametrize(
    ("data_key", "header", "envelope", "reason"),
    [
        (
            DATA_KEY,
            HEADER._replace(key=names.Key("db.user")),
            SEALED,
            "sealed for a different key, namespace or version",
        ),
        (DATA_KEY, HEADER._replace(version=8), SEALED, "sealed for a different key, namespace or version"),
        (
            DATA_KEY,
            HEADER._replace(content_type="application/json"),
            SEALED,
            "sealed for a different key, namespace or version",
        ),
        (
            DATA_KEY,
            HEADER._replace(namespace=names.Namespace("payments.test")),
            SEALED,
            "sealed for a different key, namespace or version",
        ),
        (OTHER, HEADER, SEALED, "sealed for a different key, namespace or version"),
        (
            OTHER,
            HEADER._replace(kid=_cipher.derive_kid(OTHER)),
            SEALED,
            "sealed for a different key, namespace or version",
        ),
        (DATA_KEY, HEADER, flipped(SEALED, 2), "altered"),
        (DATA_KEY, HEADER, flipped(SEALED, 3), "altered"),
        (DATA_KEY, HEADER, flipped(SEALED, 4), "altered"),
        (DATA_KEY, HEADER, SEALED + "AAAA", "nonce of 12 bytes and a tag of 16"),
        (DATA_KEY, HEADER, "hunter2", "five parts"),
    ],
)
def test_a_refusal_says_which_key_and_why(data_key: bytes, header: Header, envelope: str, reason: str) -> None:
    with pytest.raises(CannotOpen, match=reason) as refused:
        _cipher.open(data_key, header, envelope)
    assert refused.value.members["key"] == header.key
    assert _cipher.open(DATA_KEY, HEADER, SEALED) == b"hunter2"


@pytest.mark.parametrize("nonce", [b"", bytes(11), bytes(13)])
def test_a_nonce_of_another_size_seals_nothing(nonce: bytes) -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        _cipher.seal(DATA_KEY, HEADER, b"hunter2", nonce)


def test_a_data_key_seals_under_its_own_name_only() -> None:
    with pytest.raises(ValueError, match="must name this data key"):
        _cipher.seal(OTHER, HEADER, b"hunter2", bytes(12))


@pytest.mark.parametrize(
    "envelope", ["", "hunter2", "....", "A" * 64, f"{to_base64url(b'x' * 99)}....", f"{to_base64url(b'short')}...."]
)
def test_an_envelope_that_names_no_data_key_does_not_open(envelope: str) -> None:
    with pytest.raises(CannotOpen, match="names no data key"):
        _cipher.read_kid(envelope)


def test_only_the_header_names_the_data_key() -> None:
    other = _cipher.seal(OTHER, HEADER._replace(kid=_cipher.derive_kid(OTHER)), b"hunter2", bytes(12))
    assert _cipher.read_kid(f"{SEALED.partition('.')[0]}.{other.partition('.')[0]}") == HEADER.kid


def test_a_cipher_knows_its_name_and_shows_no_data_key() -> None:
    cipher = _cipher.Cipher(DATA_KEY)
    assert cipher.is_named(HEADER.kid) is True
    assert cipher.is_named(_cipher.derive_kid(OTHER)) is False
    assert repr(cipher) == f"Cipher(kid={HEADER.kid!r})"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(cipher)
