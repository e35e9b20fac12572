"""iam-policy prints the same policies as the stack's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.commands.iam_policy import find_api_arn, make_policy
from infra.cloudformation import access
from tests.support.cli.shell import Shell

KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
API = "arn:aws:execute-api:eu-central-1:111122223333:abcde12345/api"


def _of_the_stack(name: str, pattern: str) -> Any:  # noqa: ANN401  # JSON
    """Fills in the references of a stack's policy."""
    statements = {
        "reader": lambda: access.reader([access.OWN_KEY], pattern),
        "writer": lambda: access.writer([access.OWN_KEY], pattern),
        "administrator": lambda: access.administrator([access.OWN_KEY]),
    }[name]()
    text = json.dumps(statements).replace('{"Fn::GetAtt": ["NamespacesKey", "Arn"]}', json.dumps(KMS_KEY))
    return json.loads(text, object_hook=lambda found: _filled(found) if "Fn::Sub" in found else found)


def _filled(found: dict[str, str]) -> str:
    return API + found["Fn::Sub"].partition("${RestAPI}/api")[2]


_CASES = [(role, pattern) for role in ("reader", "writer") for pattern in ("payments.prod", "payments.*", "*")]


@pytest.mark.parametrize(("role", "pattern"), [*_CASES, ("administrator", "*")])
def test_iam_policy_equals_that_of_the_stack(role: Any, pattern: str) -> None:  # noqa: ANN401  # one of three words
    found = make_policy(role, [pattern], [KMS_KEY], API)
    assert found == {"Version": "2012-10-17", "Statement": _of_the_stack(role, pattern)}


def test_several_namespaces_and_keys_share_one_statement() -> None:
    (statement,) = make_policy("reader", ["a.prod", "b.*"], [KMS_KEY, "arn:other"], None)["Statement"]
    assert statement["Resource"] == [KMS_KEY, "arn:other"]
    assert statement["Condition"] == {"StringLike": {"kms:EncryptionContext:configsvc:namespace": ["a.prod", "b.*"]}}


def test_an_administrator_of_some_namespaces_may_call_nothing_else() -> None:
    calls, opens = make_policy("administrator", ["a.*"], [KMS_KEY], API)["Statement"]
    assert all("/v1/namespaces/a.*" in each or each.endswith("POST/v1/whoami") for each in calls["Resource"])
    assert "kms:ReEncryptTo" in opens["Action"]


@pytest.mark.parametrize(
    ("given", "url", "expected"),
    [
        (API, "", API),
        (None, "https://abc1.execute-api.eu-west-1.amazonaws.com/api", "arn:aws:execute-api:eu-west-1:*:abc1/api"),
        (None, "http://127.0.0.1:4580/_aws/execute-api/abc1/api", "arn:aws:execute-api:*:*:abc1/api"),
        (None, "https://abc1.execute-api.cn-north-1.amazonaws.com.cn/p", "arn:aws-cn:execute-api:cn-north-1:*:abc1/p"),
        (None, "https://a.execute-api.us-gov-west-1.amazonaws.com/p", "arn:aws-us-gov:execute-api:us-gov-west-1:*:a/p"),
        (None, "https://a.execute-api.eusc-de-east-1.amazonaws.eu/p", "arn:aws-eusc:execute-api:eusc-de-east-1:*:a/p"),
        (None, "https://a.execute-api.us-iso-west-1.c2s.ic.gov/p", "arn:aws-iso:execute-api:us-iso-west-1:*:a/p"),
    ],
)
def test_api_arn_is_passed_or_read_from_the_url(given: str | None, url: str, expected: str) -> None:
    assert find_api_arn(given, url) == expected


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("arn:aws:s3:::x", ""),
        (None, "https://config.example.com/api"),
        (None, "https://config.example.com.execute-api.eu-west-1.amazonaws.com/api"),
        (None, "https://config.execute-api.eu-west-1.amazonaws.com.cn/api"),
    ],
)
def test_unknown_api_arn_is_requested(given: str | None, url: str) -> None:
    says = "--api-arn takes" if given else "--api-arn arn.*--domain-name config"
    with pytest.raises(Misconfigured, match=says):
        find_api_arn(given, url)


def test_the_command_needs_no_service_and_no_credentials() -> None:
    nobody = Shell({})
    text = nobody.ok("iam-policy", "--for", "writer", "-n", "payments.*", "--kms-key", KMS_KEY, "--api-arn", API)
    assert json.loads(text) == make_policy("writer", ["payments.*"], [KMS_KEY], API)
    assert nobody.run("iam-policy", "--for", "reader", "-n", "payments.*").code == 2
    assert nobody.run("iam-policy", "--for", "reader", "-n", "*.prod", "--kms-key", KMS_KEY).code == 2


@pytest.mark.parametrize("wide", [KMS_KEY[:-36] + "*", KMS_KEY.replace("eu-central-1", "*"), "arn:aws:kms:x:1:key/a b"])
def test_iam_policy_never_contains_a_wildcard_kms_key(wide: str) -> None:
    """In a policy, `*` matches any key; in a pin it would match none."""
    asked = ("iam-policy", "--for", "reader", "-n", "payments.prod")
    assert Shell({}).run(*asked, "--kms-key", wide).code == 2
    assert Shell({"CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{wide}"}).run(*asked).code == 2
