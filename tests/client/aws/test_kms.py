import json
import time

import pytest

from configsvc.model.encoding import to_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError, Misconfigured, Unavailable
from configsvc_client._aws.kms import AwsKms, resolve_endpoint
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._pin import move_to_region
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.error_texts import collect_texts
from tests.support.client.fakes import KMS_KEY
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_stub

MRK = "arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"


def kms(server: Stub) -> AwsKms:
    connection = Connection(parse_url(server.url), {})
    return AwsKms(connection, "us-east-1", lambda _: Credentials("AKID", "s", "t"), time.time)


def decrypt(server: Stub, key_id: str | None = None) -> bytes:
    adapter = kms(server)
    try:
        opened = adapter.decrypt(b"blob", {"configsvc:namespace": "n"}, key_id, time.monotonic() + 20)
        return bytes(opened.plaintext.reveal())
    finally:
        adapter.close()


def test_decrypt_is_one_signed_post_that_names_the_key() -> None:
    answer = make_json_answer(200, {"Plaintext": to_base64std(b"canary"), "KeyId": KMS_KEY, "EncryptionAlgorithm": "x"})
    with run_stub(lambda *_: answer) as server:
        assert decrypt(server, KMS_KEY) == b"canary"
    ((method, path, headers, body),) = server.requests
    assert (method, path, headers["x-amz-target"]) == ("POST", "/", "TrentService.Decrypt")
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amz-security-token"] == "t"
    assert "/us-east-1/kms/aws4_request" in headers["authorization"]
    assert json.loads(body) == {
        "CiphertextBlob": to_base64std(b"blob"), "EncryptionContext": {"configsvc:namespace": "n"}, "KeyId": KMS_KEY,
    }  # fmt: skip


def test_decrypt_without_a_key_names_none() -> None:
    with run_stub(lambda *_: make_json_answer(200, {"Plaintext": "", "KeyId": KMS_KEY})) as server:
        assert decrypt(server) == b""
    assert "KeyId" not in json.loads(server.requests[0][3])


def test_multi_region_key_is_moved_to_our_own_region() -> None:
    assert move_to_region(MRK, "us-east-1") == MRK.replace("eu-central-1", "us-east-1")
    assert move_to_region(KMS_KEY, "us-east-1") == KMS_KEY


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (make_json_answer(400, {"__type": "AccessDeniedException", "Message": "not authorized"}), CannotOpen),
        (make_json_answer(400, {"__type": "com.amazonaws.kms#IncorrectKeyException"}), CannotOpen),
        (make_json_answer(400, {"__type": "InvalidCiphertextException"}), CannotOpen),
        (make_json_answer(400, {"__type": "DisabledException"}), CannotOpen),
        (make_json_answer(400, {"__type": "ThrottlingException"}), Unavailable),
        (make_json_answer(400, {"__type": "LimitExceededException"}), Unavailable),
        (make_json_answer(500, {"__type": "KMSInternalException"}), Unavailable),
        ((503, {}, b"<html>"), Unavailable),
        ((403, {}, b"[" * 100_000), CannotOpen),
        (make_json_answer(200, {}), Unavailable),
        (make_json_answer(200, {"Plaintext": "!", "KeyId": KMS_KEY}), Unavailable),
        ((200, {}, b"not json"), Unavailable),
    ],
)
def test_kms_refusal_is_cannot_open_and_other_failures_unavailable(answer: Answer, error: type[ConfigsvcError]) -> None:
    with run_stub(lambda *_: answer) as server, pytest.raises(error):
        decrypt(server)


@pytest.mark.parametrize(
    "refusal",
    [
        {"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"},
        {"__type": "InvalidSignatureException", "message": "Signature expired: 20260101T000000Z is now earlier than"},
    ],
)
def test_expired_request_is_signed_again_with_new_credentials_and_time(
    refusal: dict[str, str],
) -> None:
    sound = make_json_answer(200, {"Plaintext": to_base64std(b"x"), "KeyId": KMS_KEY})
    answers = [make_json_answer(400, refusal), sound]
    forgotten: list[int] = []
    times = iter([1_700_000_000.0, 1_700_003_600.0])
    with run_stub(lambda *_: answers.pop(0)) as server:
        adapter = AwsKms(
            Connection(parse_url(server.url), {}),
            "us-east-1",
            lambda _: Credentials(f"AKID{len(forgotten)}", "s"),
            lambda: next(times),
            lambda: forgotten.append(1),
        )
        assert adapter.decrypt(b"blob", {}, None, time.monotonic() + 20).plaintext.reveal() == b"x"
        adapter.close()
    first, second = (headers for _, _, headers, _ in server.requests)
    assert ("AKID0/2023" in first["authorization"], "AKID1/2023" in second["authorization"]) == (True, True)
    assert first["x-amz-date"] != second["x-amz-date"]


def test_request_expired_twice_is_refused() -> None:
    with (
        run_stub(lambda *_: make_json_answer(400, {"__type": "ExpiredTokenException"})) as server,
        pytest.raises(CannotOpen),
    ):
        decrypt(server)
    assert len(server.requests) == 2


def test_error_for_an_invalid_plaintext_does_not_contain_it() -> None:
    answer = make_json_answer(200, {"Plaintext": "canary\u00e9", "KeyId": KMS_KEY})
    with run_stub(lambda *_: answer) as server, pytest.raises(Unavailable) as caught:
        decrypt(server)
    assert "canary" not in collect_texts(caught.value)


def test_kms_refusal_includes_its_message() -> None:
    answer = make_json_answer(400, {"__type": "AccessDeniedException", "Message": "User u is not authorized to k"})
    with (
        run_stub(lambda *_: answer) as server,
        pytest.raises(CannotOpen, match=r"AccessDeniedException\. User u is not"),
    ):
        decrypt(server)


def test_kms_message_is_cut_and_has_no_control_characters() -> None:
    hostile = {"__type": "Odd\x1b[2J\n" + "x" * 100_000, "message": "a\nforged: line\x1b]0;" + "y" * 100_000}
    with run_stub(lambda *_: make_json_answer(400, hostile)) as server, pytest.raises(CannotOpen) as caught:
        decrypt(server)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()
    assert str(caught.value.members["reason"]).isprintable()


def test_kms_endpoint_is_the_configured_one_or_the_regions() -> None:
    assert resolve_endpoint("eu-central-1", {}).origin == "https://kms.eu-central-1.amazonaws.com"
    assert resolve_endpoint("cn-north-1", {}).origin == "https://kms.cn-north-1.amazonaws.com.cn"
    both = {"AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2"}
    assert resolve_endpoint("r", both).port == 1
    assert resolve_endpoint("r", {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}).port == 2
    for region, environ in (("a.b/c", {}), ("a\r\nb", both), ("r", {"AWS_ENDPOINT_URL": "http://elsewhere.example"})):
        with pytest.raises(Misconfigured):
            resolve_endpoint(region, environ)
