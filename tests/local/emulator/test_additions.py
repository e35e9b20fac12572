import pytest

from local.emulator.additions import (
    SeamMissing,
    encryption_context_keys,
    event_source_keys,
    seam,
    with_api_key,
    with_request_keys,
)


def test_a_function_that_is_gone_is_named() -> None:
    with pytest.raises(SeamMissing, match=r"json\.no_such_function is missing"):
        seam("json", "no_such_function", ())


def test_a_function_that_takes_other_parameters_is_named() -> None:
    with pytest.raises(SeamMissing, match=r"json\.loads takes \('s',\)"):
        seam("json", "loads", ("text",))


def test_a_function_as_expected_is_found() -> None:
    assert seam("json", "loads", ("s",))("[1]") == [1]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"EncryptionContext": null}'])
def test_a_request_without_encryption_context_has_no_such_condition_keys(body: bytes) -> None:
    assert encryption_context_keys(body) == {}


def test_each_pair_of_the_encryption_context_is_a_condition_key() -> None:
    body = b'{"EncryptionContext": {"configsvc:namespace": "payments.prod", "configsvc:key": "db.url"}}'

    assert encryption_context_keys(body) == {
        "kms:EncryptionContext:configsvc:namespace": "payments.prod",
        "kms:EncryptionContext:configsvc:key": "db.url",
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"Entries": [{"Source": "configsvc"}, {"Source": "configsvc"}]}', {"events:source": "configsvc"}),
        (b'{"Entries": [{"Source": "configsvc"}, {"Source": "other"}]}', {}),
        (b'{"Entries": []}', {}),
        (b'{"Entries": null}', {}),
        (b"[]", {}),
        (b"\xff", {}),
    ],
)
def test_the_one_source_of_events_is_a_condition_key(body: bytes, found: dict[str, str]) -> None:
    assert event_source_keys(body) == found


def test_condition_keys_are_added_for_their_service_only_and_drop_nothing() -> None:
    def request_keys(*_arguments: object) -> dict[str, str]:
        return {"aws:TagKeys": "a"}

    keys = with_request_keys(request_keys)
    body = b'{"EncryptionContext": {"a": "1"}}'

    assert keys("kms", "kms:Decrypt", body, {}) == {"aws:TagKeys": "a", "kms:EncryptionContext:a": "1"}
    assert keys("s3", "s3:PutObject", body, {}) == {"aws:TagKeys": "a"}
    sent = b'{"Entries": [{"Source": "configsvc"}], "EncryptionContext": {"a": "1"}}'
    assert keys("events", "events:PutEvents", sent, {}) == {"aws:TagKeys": "a", "events:source": "configsvc"}


def test_the_key_that_the_gateway_found_is_put_into_the_event() -> None:
    method = {"apiKeyRequired": True}

    def build(
        api_id: str, stage_name: str, resource: object, method: str, headers: object
    ) -> dict[str, dict[str, dict[str, str]]]:
        del api_id, stage_name, resource, method, headers
        return {"requestContext": {"identity": {"sourceIp": "127.0.0.1"}}}

    def check(found: object, *_where: object) -> tuple[None, dict[str, str]]:
        assert found is method
        return None, {"id": "a1b2", "value": "open sesame"}

    event = with_api_key(build, check)("api", "stage", {"resourceMethods": {"ANY": method}}, "GET", headers={})

    assert event["requestContext"]["identity"] == {
        "sourceIp": "127.0.0.1",
        "apiKey": "open sesame",
        "apiKeyId": "a1b2",
    }
