"""SigV4 signatures match those of botocore's signer."""

import time
from datetime import UTC, datetime
from urllib.parse import quote as percent

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client._aws.sigv4 import Credentials, sign
from configsvc_client._secret import unmask

SEGMENT = st.text("abcXYZ019-._~ /:@!$'()*,;=+&%é", max_size=12).map(lambda text: percent(text, safe="-._~:@!$'()*,;"))
PATH = st.lists(SEGMENT | st.sampled_from(["", ".", ".."]), max_size=5).map(lambda parts: "/" + "/".join(parts))
QUERY_PART = st.text("abcXYZ019-._~ /:=&é", max_size=8).map(lambda text: percent(text, safe="-._~"))
QUERY = st.lists(st.tuples(QUERY_PART, QUERY_PART), max_size=4).map(lambda pairs: "&".join("=".join(p) for p in pairs))
HEADERS = st.dictionaries(
    st.sampled_from(["x-api-key", "Content-Type", "X-Amz-Target", "if-match", "User-Agent", "Idempotency-Key"]),
    st.text('abc 019"=;,  -', max_size=20),
)
HOSTS = st.sampled_from(
    ["https://kms.eu-central-1.amazonaws.com", "http://127.0.0.1:4566", "https://Host:443", "http://h:80"]
)
TOKENS = st.none() | st.text("abcXYZ019+/=", min_size=1, max_size=40)
NOW = 1_750_000_000


class SignedAt(SigV4Auth):
    """botocore's signer with a fixed time; it reads the clock only here."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW))
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]  # missing in the type stubs
        string = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(string, request))  # type: ignore[attr-defined]  # as above


@given(HOSTS, PATH, QUERY, HEADERS, st.binary(max_size=30), TOKENS, st.sampled_from(["GET", "PUT", "POST", "DELETE"]))
def test_the_signature_is_botocores(  # noqa: PLR0917  # hypothesis passes the arguments
    host: str, path: str, query: str, headers: dict[str, str], body: bytes, token: str | None, method: str
) -> None:
    url = f"{host}{path}{'?' if query else ''}{query}"
    theirs = AWSRequest(method, url, headers=headers, data=body)
    SignedAt(BotoCredentials("AKID", "secret", token), "execute-api", "eu-central-1").add_auth(theirs)
    ours = sign(
        method, url, headers, body,
        service="execute-api", region="eu-central-1", credentials=Credentials("AKID", "secret", token), now=NOW,
    )  # fmt: skip
    assert {name: unmask(value) for name, value in ours.items()} == dict(theirs.headers.items())


def test_signed_headers_can_be_signed_again() -> None:
    def sign_at(headers: dict[str, str], now: float) -> dict[str, str]:
        credentials = Credentials("AKID", "secret", "token")
        made = sign("GET", "https://h/", headers, b"", service="kms", region="r", credentials=credentials, now=now)
        return {name: unmask(value) for name, value in made.items()}

    again = sign_at(sign_at({}, 0), NOW)
    assert again == sign_at({}, NOW)
    assert again["X-Amz-Date"] == datetime.fromtimestamp(NOW, UTC).strftime("%Y%m%dT%H%M%SZ")


def test_only_absolute_urls_are_signed() -> None:
    with pytest.raises(ValueError, match="absolute"):
        sign("GET", "/x", {}, b"", service="kms", region="r", credentials=Credentials("a", "b"), now=0)
