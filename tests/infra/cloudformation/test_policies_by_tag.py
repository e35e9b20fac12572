"""A principal reaches the namespace in its tag and no other, whatever the tag is; without the tag, nothing.

The emulator's policy evaluator decides. It does not know policy variables, so they are replaced here, in both ways that
a value with wildcards could be read: as the characters themselves, and as wildcards of the resource.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from configsvc.bootstrap import app
from infra.cloudformation import access
from infra.findings.tools import run_parliament
from infra.paths import ROOT
from tests.support.infra.policy_evaluator import Asked, decide, resolve

pytestmark = pytest.mark.emulator  # it needs the emulator's environment, and starts nothing

KEY = "arn:aws:kms:eu-west-1:111122223333:key/01234567-0123-0123-0123-0123456789ab"
API = "arn:aws:execute-api:eu-west-1:111122223333:abcde12345/api"
CALLER = "arn:aws:sts::111122223333:assumed-role/consumer/session"
PYTHON = str(ROOT / ".venvs/emulator/bin/python")
CONTEXT = "kms:EncryptionContext:configsvc:namespace"
TAG = f"aws:PrincipalTag/{access.NAMESPACE_TAG}"
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "RestAPI": "abcde12345",
}
STAR, MARK, DOLLAR = "\ue000", "\ue001", "\ue002"
"""Stand for characters that are meant literally, which the emulator cannot say."""
HOSTILE = ["*", "?", "payments.*", "?ayments.prod", "payments.pro?", "payments.prod/keys/a", "a/../payments.prod",
           "${aws:PrincipalTag/team}", "orders.prod/*", "/", "$"]  # fmt: skip


def document(statements: list[dict[str, Any]], tag: str | None, *, wildcards: bool) -> dict[str, Any]:
    """The policy as IAM reads it for a principal with that tag; a variable without a value matches nothing."""
    value = None if tag is None else tag if wildcards else literal(tag)
    replaced = {"${*}": STAR, "${?}": MARK, "${$}": DOLLAR}

    def fill(node: Any) -> Any:  # noqa: ANN401  # JSON is any
        if isinstance(node, list):
            return [fill(each) for each in node]
        if isinstance(node, dict):
            return {key: fill(each) for key, each in node.items()}
        if not isinstance(node, str):
            return node
        node = node.replace("${!", "${")
        for written, meant in replaced.items():
            node = node.replace(written, meant)
        return node.replace(f"${{{TAG}}}", "\ue003 no value" if value is None else value)

    return {"Version": "2012-10-17", "Statement": fill(resolve(statements, VALUES))}


def literal(text: str) -> str:
    return text.replace("*", STAR).replace("?", MARK).replace("$", DOLLAR)


def ask(statements: list[dict[str, Any]], tag: str | None, action: str, arn: str, namespace: str | None) -> list[Asked]:
    """The request, for both readings of the tag."""
    keys = {} if tag is None else {TAG: literal(tag)}
    if namespace is not None:
        keys[CONTEXT] = literal(namespace)
    return [
        {
            "caller": CALLER, "identity": [document(statements, tag, wildcards=wildcards)], "resource": {},
            "owner": "111122223333", "required": False, "action": action, "arn": arn, "keys": keys,
        }
        for wildcards in (False, True)
    ]  # fmt: skip


def allowed(
    statements: list[dict[str, Any]], tag: str | None, action: str, arn: str, namespace: str | None = None
) -> list[bool]:
    """The decision for both readings of the tag."""
    return [each == "Allow" for each in decide(PYTHON, ask(statements, tag, action, arn, namespace))]


READER, WRITER = access.tagged_reader([KEY]), access.tagged_writer([KEY])


@pytest.mark.parametrize("statements", [READER, WRITER], ids=["reader", "writer"])
def test_a_principal_opens_the_namespace_in_its_tag(statements: list[dict[str, Any]]) -> None:
    assert all(allowed(statements, "payments.prod", "kms:Decrypt", KEY, namespace="payments.prod"))
    assert not any(allowed(statements, "payments.prod", "kms:Decrypt", KEY, namespace="orders.prod"))
    assert not any(allowed(statements, "payments.prod", "kms:Decrypt", KEY)), "no context"
    assert not any(allowed(statements, "payments.prod", "kms:Decrypt", f"{KEY}0", namespace="payments.prod"))


@pytest.mark.parametrize("statements", [READER, WRITER], ids=["reader", "writer"])
@pytest.mark.parametrize("tag", [None, ""])
def test_without_the_tag_or_with_an_empty_one_nothing_opens(statements: list[dict[str, Any]], tag: str | None) -> None:
    for namespace in ("", "payments.prod", "*"):
        assert not any(allowed(statements, tag, "kms:Decrypt", KEY, namespace=namespace))
    assert not any(allowed(statements, tag, "kms:Decrypt", KEY))


@pytest.mark.parametrize("statements", [READER, WRITER], ids=["reader", "writer"])
@pytest.mark.parametrize("tag", HOSTILE)
def test_a_tag_with_wildcards_opens_nothing(statements: list[dict[str, Any]], tag: str) -> None:
    assert not any(allowed(statements, tag, "kms:Decrypt", KEY, namespace="payments.prod"))


def test_a_reader_neither_seals_nor_calls() -> None:
    assert not any(allowed(READER, "payments.prod", "kms:Encrypt", KEY, namespace="payments.prod"))
    assert not any(allowed(READER, "payments.prod", "execute-api:Invoke", f"{API}/POST/v1/whoami"))


def routes(namespace: str) -> list[tuple[str, str]]:
    """The resource of each signed route, and the right that it asks for."""
    names = {"namespace": namespace, "key": "db.url", "version": "7", "kid": "a" * 43}
    signed = [route for route in app.described if route.access == "signed"]
    return [(f"{API}/{each.method}{each.path.format_map(names)}", str(each.description.right)) for each in signed]


@pytest.mark.parametrize(("arn", "right"), routes("payments.prod"))
def test_a_writer_by_tag_calls_the_writes_of_its_namespace_and_nothing_else(arn: str, right: str) -> None:
    assert set(allowed(WRITER, "payments.prod", "execute-api:Invoke", arn)) == {right in {"write", "any"}}
    others = (None, "", "orders.prod", *HOSTILE)
    asked = [each for tag in others for each in ask(WRITER, tag, "execute-api:Invoke", arn, None)]
    assert {each == "Allow" for each in decide(PYTHON, asked)} == {right == "any"}


def test_both_are_the_same_but_for_the_tag_as_those_of_a_pattern() -> None:
    """Whoever reads one knows the other."""
    by_pattern, by_tag = access.writer([KEY], "payments.prod")[-1], WRITER[-1]
    assert (by_tag["Action"], by_tag["Resource"]) == (by_pattern["Action"], by_pattern["Resource"])


@pytest.mark.slow  # it needs the environment of the linters
@pytest.mark.parametrize("statements", [READER, WRITER], ids=["reader", "writer"])
def test_parliament_finds_nothing(statements: list[dict[str, Any]], tmp_path: Path) -> None:
    text = json.dumps(resolve(statements, VALUES)).replace("${!", "${")
    policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": json.loads(text)}}
    template = {"Resources": {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy}}}
    (tmp_path / "policy.json").write_text(json.dumps(template))
    assert run_parliament([tmp_path / "policy.json"]) == []
