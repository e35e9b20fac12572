"""The addition that IAM conditions see a KMS request's encryption context: needed, and working."""

import pytest
from botocore.exceptions import ClientError

from local.emulator.launcher import Emulator
from tests.support.local.aws_people import assume_role, kms, make_wrapped_data_key, may_decrypt, new_role, new_user

pytestmark = pytest.mark.emulator


def _refusal(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def test_a_role_opens_the_namespace_that_its_condition_names(emulator: Emulator) -> None:
    data_key = make_wrapped_data_key(emulator.url, "payments.prod")
    role = assume_role(emulator.url, new_role(emulator.url, may_decrypt("payments.prod")))

    answer = kms(emulator.url, role).decrypt(CiphertextBlob=data_key.blob, EncryptionContext=data_key.context)

    assert len(answer["Plaintext"]) == 32


def test_a_role_of_another_namespace_is_denied(emulator: Emulator) -> None:
    data_key = make_wrapped_data_key(emulator.url, "payments.prod")
    role = assume_role(emulator.url, new_role(emulator.url, may_decrypt("orders.prod")))

    with pytest.raises(ClientError) as refused:
        kms(emulator.url, role).decrypt(CiphertextBlob=data_key.blob, EncryptionContext=data_key.context)

    assert _refusal(refused.value) == "AccessDeniedException"


def test_a_request_without_encryption_context_is_denied(emulator: Emulator) -> None:
    data_key = make_wrapped_data_key(emulator.url, "payments.prod")
    role = assume_role(emulator.url, new_role(emulator.url, may_decrypt("payments.prod")))

    with pytest.raises(ClientError) as refused:
        kms(emulator.url, role).decrypt(CiphertextBlob=data_key.blob)

    assert _refusal(refused.value) == "AccessDeniedException"


def test_a_user_generates_data_keys_for_its_own_namespace_only(emulator: Emulator) -> None:
    key = make_wrapped_data_key(emulator.url, "payments.prod").key
    client = kms(emulator.url, new_user(emulator.url, may_decrypt("payments.prod")))
    mine, other = {"configsvc:namespace": "payments.prod"}, {"configsvc:namespace": "orders.prod"}

    assert client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=mine)["CiphertextBlob"]
    with pytest.raises(ClientError) as refused:
        client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=other)
    assert _refusal(refused.value) == "AccessDeniedException"


def test_a_user_encrypts_for_its_own_namespace_only(emulator: Emulator) -> None:
    key = make_wrapped_data_key(emulator.url, "payments.prod").key
    client = kms(emulator.url, new_user(emulator.url, may_decrypt("payments.prod")))
    mine = {"configsvc:namespace": "payments.prod", "configsvc:key": "db.url"}
    other = {"configsvc:namespace": "orders.prod", "configsvc:key": "db.url"}

    assert client.encrypt(KeyId=key, Plaintext=b"value", EncryptionContext=mine)["CiphertextBlob"]
    with pytest.raises(ClientError) as refused:
        client.encrypt(KeyId=key, Plaintext=b"value", EncryptionContext=other)
    assert _refusal(refused.value) == "AccessDeniedException"


def test_without_the_addition_even_the_matching_namespace_is_denied(stock_emulator: Emulator) -> None:
    data_key = make_wrapped_data_key(stock_emulator.url, "payments.prod")
    role = assume_role(stock_emulator.url, new_role(stock_emulator.url, may_decrypt("payments.prod")))

    with pytest.raises(ClientError) as refused:
        kms(stock_emulator.url, role).decrypt(CiphertextBlob=data_key.blob, EncryptionContext=data_key.context)

    assert _refusal(refused.value) == "AccessDeniedException"
