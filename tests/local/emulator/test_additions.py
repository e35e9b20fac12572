import pytest

from local.emulator.additions import SeamMissing, encryption_context_keys, seam, with_api_key, with_encryption_context


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


def test_condition_keys_are_added_for_kms_only_and_drop_nothing() -> None:
    def request_keys(*_arguments: object) -> dict[str, str]:
        return {"aws:TagKeys": "a"}

    keys = with_encryption_context(request_keys)
    body = b'{"EncryptionContext": {"a": "1"}}'

    assert keys("kms", "kms:Decrypt", body, {}) == {"aws:TagKeys": "a", "kms:EncryptionContext:a": "1"}
    assert keys("s3", "s3:PutObject", body, {}) == {"aws:TagKeys": "a"}


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
