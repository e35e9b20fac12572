import json

from cryptography.hazmat.primitives.ciphers import aead
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.encoding import base64url, canonical_json
from configsvc.model.envelope import Header
from configsvc_client import _cipher
from tests.client.sealing import DATA_KEY, NS


def test_values_are_opened_by_the_cipher_that_cryptography_documents() -> None:
    assert _cipher.AESGCM is aead.AESGCM


@given(key=st.text(max_size=40), cty=st.text(max_size=20), version=st.integers(1, 10**9))
def test_the_header_is_canonical_json_whatever_stands_in_it(key: str, cty: str, version: int) -> None:
    header = Header(NS, names.Key(key), version, cty, _cipher.kid_of(DATA_KEY))
    members = {
        "alg": "dir", "enc": "A256GCM", "cty": cty, "kid": header.kid,
        "configsvc": {"key": key, "namespace": NS, "version": version},
    }  # fmt: skip
    assert header.protected() == base64url(canonical_json(members)).encode()


@given(key=st.from_regex(names.KEY, fullmatch=True), text=st.text(max_size=40))
def test_an_envelope_names_its_data_key_however_long_its_header_is(key: str, text: str) -> None:
    header = Header(NS, names.Key(key), 1, "text/plain", _cipher.kid_of(DATA_KEY))
    sealed = _cipher.seal(DATA_KEY, header, json.dumps(text).encode(), bytes(12))
    assert _cipher.kid_in(sealed) == header.kid
