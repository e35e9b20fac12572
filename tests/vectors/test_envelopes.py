"""Known answers, and two other implementations: each opens the envelopes of the other."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from jwcrypto.jwe import JWE  # type: ignore[import-untyped]  # it has no types
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # as above

from configsvc.model import names
from configsvc.model.encoding import from_base64url, to_base64url
from configsvc.model.envelope import Header, split
from configsvc.model.snapshot import CONTENT_TYPES
from configsvc_client import CannotOpen
from configsvc_client._opening import cipher

VECTORS = json.loads((Path(__file__).parent / "envelopes.json").read_text())


def is_members(value: object) -> None:
    """A registry in which joserfc knows the private header member and how to check it."""
    if not isinstance(value, dict):
        raise TypeError


REGISTRY = jwe.JWERegistry({"configsvc": HeaderParameter("Where the value belongs", is_members)}, ["dir", "A256GCM"])

FIRST = {"kids": 4, "opens": 9, "refused": 38, "opens_under_two_keys": 1}
FIRST_DIGEST = "57b676e440e463d17301e83695ac5f4241a207e95dd6346c8570fc74f20d7cd6"

HEADERS = st.builds(
    Header,
    st.from_regex(names._NAMESPACE, fullmatch=True).map(names.Namespace),  # noqa: SLF001  # every name there can be
    st.from_regex(names._KEY, fullmatch=True).map(names.Key),  # noqa: SLF001  # every name there can be
    st.integers(1, 2**53),
    st.sampled_from(CONTENT_TYPES),
    st.just(names.Kid("")),
)
DATA_KEYS = st.binary(min_size=32, max_size=32)
NONCES = st.binary(min_size=12, max_size=12)


def build_expected(vector: dict[str, Any], data_key: bytes) -> Header:
    return Header(
        vector["namespace"], vector["key"], vector["version"], vector["content_type"], cipher.derive_kid(data_key)
    )


def test_vectors_are_only_appended_to() -> None:
    first = [VECTORS[part][:count] for part, count in FIRST.items()]
    assert hashlib.sha256(json.dumps(first).encode()).hexdigest() == FIRST_DIGEST


@pytest.mark.parametrize("vector", VECTORS["kids"])
def test_the_kid_is_hkdf_of_the_data_key(vector: dict[str, str]) -> None:
    data_key = from_base64url(vector["data_key"])
    assert cipher.derive_kid(data_key) == vector["kid"]
    derived = HKDF(hashes.SHA256(), 32, salt=b"", info=b"configsvc/kid/1").derive(data_key)
    assert to_base64url(derived) == vector["kid"]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_data_key_of_another_size_has_no_kid(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        cipher.derive_kid(bytes(size))


@pytest.mark.parametrize("vector", VECTORS["opens"], ids=lambda vector: vector["name"])
def test_old_envelopes_still_open_and_seal_identically(vector: dict[str, Any]) -> None:
    data_key, plaintext = from_base64url(vector["data_key"]), from_base64url(vector["plaintext"])
    header = build_expected(vector, data_key)
    assert cipher.open(data_key, header, vector["envelope"]) == plaintext
    assert cipher.seal(data_key, header, plaintext, from_base64url(vector["nonce"])) == vector["envelope"]
    assert cipher.read_kid(vector["envelope"]) == header.kid


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_an_envelope_for_another_header_is_refused(vector: dict[str, Any]) -> None:
    data_key = from_base64url(vector["data_key"])
    with pytest.raises(CannotOpen):
        cipher.open(data_key, build_expected(vector, data_key), vector["envelope"])


@pytest.mark.parametrize("vector", VECTORS["opens_under_two_keys"])
def test_a_crafted_two_key_ciphertext_opens_only_under_the_committed_kid(
    vector: dict[str, Any],
) -> None:
    parts = split(vector["envelope"])
    first, second = (from_base64url(text) for text in vector["data_keys"])
    opened = [
        to_base64url(AESGCM(each).decrypt(parts.nonce, parts.ciphertext + parts.tag, parts.protected))
        for each in (first, second)
    ]
    assert opened == vector["plaintexts"]
    header = build_expected(vector, first)
    assert to_base64url(cipher.open(first, header, vector["envelope"])) == opened[0]
    with pytest.raises(CannotOpen):
        cipher.open(second, header, vector["envelope"])
    with pytest.raises(CannotOpen):
        cipher.open(second, build_expected(vector, second), vector["envelope"])


@given(HEADERS, DATA_KEYS, NONCES, st.binary(max_size=300))
def test_joserfc_and_jwcrypto_open_what_we_seal(
    header: Header, data_key: bytes, nonce: bytes, plaintext: bytes
) -> None:
    header = header._replace(kid=cipher.derive_kid(data_key))
    envelope = cipher.seal(data_key, header, plaintext, nonce)
    assert jwe.decrypt_compact(envelope, OctKey.import_key(data_key), registry=REGISTRY).plaintext == plaintext
    if plaintext:  # jwcrypto 1.6.1 mistakes an empty plaintext for a failure to decrypt
        theirs = JWE()
        theirs.deserialize(envelope, JWK(kty="oct", k=to_base64url(data_key)))
        assert theirs.payload == plaintext
    assert cipher.open(data_key, header, envelope) == plaintext


@given(HEADERS, DATA_KEYS, st.binary(max_size=300))
def test_we_open_what_joserfc_and_jwcrypto_seal(header: Header, data_key: bytes, plaintext: bytes) -> None:
    header = header._replace(kid=cipher.derive_kid(data_key))
    members = from_base64url(header.protected().decode()).decode()
    theirs = JWE(plaintext, protected=members)
    theirs.add_recipient(JWK(kty="oct", k=to_base64url(data_key)))
    assert cipher.open(data_key, header, theirs.serialize(compact=True)) == plaintext
    key = OctKey.import_key(data_key)
    envelope = jwe.encrypt_compact(json.loads(members), plaintext, key, registry=REGISTRY)
    assert cipher.open(data_key, header, envelope) == plaintext


@given(HEADERS, DATA_KEYS, NONCES, HEADERS)
def test_an_envelope_opens_only_with_its_own_header(
    header: Header, data_key: bytes, nonce: bytes, other: Header
) -> None:
    kid = cipher.derive_kid(data_key)
    header, other = header._replace(kid=kid), other._replace(kid=kid)
    envelope = cipher.seal(data_key, header, b"x", nonce)
    if other != header:
        with pytest.raises(CannotOpen):
            cipher.open(data_key, other, envelope)


def test_sealing_needs_a_full_nonce_and_the_data_keys_own_header() -> None:
    data_key = bytes(32)
    header = Header(names.Namespace("n"), names.Key("k"), 1, "text/plain", cipher.derive_kid(data_key))
    for nonce, asked in ((bytes(11), header), (bytes(12), header._replace(kid=cipher.derive_kid(b"\1" * 32)))):
        with pytest.raises(ValueError, match="12 bytes"):
            cipher.seal(data_key, asked, b"", nonce)
