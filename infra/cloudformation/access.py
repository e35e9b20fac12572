"""Ready-made IAM policies: readers, writers and administrators."""

from __future__ import annotations

from typing import Any

from infra.cloudformation.template import Template
from infra.stage import Stage
from infra.stage_rules import name_pattern

NAMESPACE_TAG = "configsvc-namespace"
"""The tag of a principal that names its namespace, for the policies by tag."""
_CONTEXT = "kms:EncryptionContext:configsvc:namespace"
_API = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestAPI}/api"
OWN_KEY = {"Fn::GetAtt": ["NamespacesKey", "Arn"]}
"""The ARN of the KMS key that the stack makes."""
USES = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
"""The actions that use a KMS key."""
# A writer's routes below a namespace; destroying, data keys and settings are an administrator's. In a resource of
# execute-api, `*` matches slashes, so a right to delete a key would also destroy its versions: that is denied.
_WRITES = ("POST {}/changes", "PUT {}/keys/*", "POST {}/keys/*/activate", "DELETE {}/keys/*")
_TAG = f"aws:PrincipalTag/{NAMESPACE_TAG}"
_ESCAPED_TAG = f"${{!{_TAG}}}"  # for Fn::Sub, which leaves `${aws:PrincipalTag/…}` to IAM
_HAS_TAG = {"Null": {_TAG: "false"}, "StringLike": {_TAG: "?*"}}  # neither missing nor empty
# In a resource, the tag must not become a pattern or a longer path. `${*}` and `${?}` are these characters themselves
# (IAM User Guide, "Policy elements: Variables and tags").
_NO_NAMESPACE = ("*${*}*", "*${?}*", "*${$}*", "*/*")
_DESTROYS = "DELETE {}/keys/*/versions/*"

Statement = dict[str, Any]


def add(template: Template, stage: Stage) -> None:
    """Write it into the template."""
    keys: list[object] = [OWN_KEY, *stage.further_kms_keys]
    _add_policy(template, "AdministratorPolicy", "administers every namespace: grants, data keys", administrator(keys))
    for pattern in stage.policies:
        name = name_pattern(pattern)
        _add_policy(template, f"ReaderOf{name}", f"reader of {pattern}", reader(keys, pattern))
        _add_policy(template, f"WriterOf{name}", f"writer of {pattern}", writer(keys, pattern))
    tagged = f"the namespace that the tag {NAMESPACE_TAG} of the principal names"
    _add_policy(template, "ReaderByTag", f"reader of {tagged}", tagged_reader(keys))
    _add_policy(template, "WriterByTag", f"writer of {tagged}", tagged_writer(keys))


def allow(sid: str, actions: list[str], resources: object) -> Statement:
    """An IAM statement."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _opens(keys: list[object], pattern: str, *actions: str) -> Statement:
    """A statement that allows KMS actions under the encryption context of the namespaces, and no other."""
    statement = allow("OnlyTheseNamespaces", list(actions), _one_or_all(keys))
    if pattern == "*":
        return statement | {"Condition": {"Null": {_CONTEXT: "false"}}}
    operator = "StringLike" if "*" in pattern else "StringEquals"
    return statement | {"Condition": {operator: {_CONTEXT: pattern}}}


def _one_or_all(keys: list[object]) -> object:
    return keys[0] if len(keys) == 1 else keys


def role(service: str, policy: str, statements: list[Statement]) -> dict[str, Any]:
    """A role for an AWS service with one policy."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": _make_document([trust]),
            "Policies": [{"PolicyName": policy, "PolicyDocument": _make_document(statements)}],
        },
    }


def reader(keys: list[object], pattern: str) -> list[Statement]:
    """Make the statements of the ready-made reader policy for the namespaces and KMS keys."""
    return [_opens(keys, pattern, "kms:Decrypt")]


def writer(keys: list[object], pattern: str) -> list[Statement]:
    """Make the statements of the ready-made writer policy for the namespaces and KMS keys."""
    namespaces = f"/v1/namespaces/{pattern}"
    routes = [_route(each.format(namespaces)) for each in _WRITES]
    destroys = allow("DestroyNothing", ["execute-api:Invoke"], [_route(_DESTROYS.format(namespaces))])
    return [
        allow("CallTheWrites", ["execute-api:Invoke"], [_route("POST /v1/whoami"), *routes]),
        destroys | {"Effect": "Deny"},
        _opens(keys, pattern, "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    ]


def tagged_reader(keys: list[object]) -> list[Statement]:
    """Make the statements of the reader policy for the namespace in the principal's tag."""
    return [_opens_tagged(keys, "kms:Decrypt")]


def tagged_writer(keys: list[object]) -> list[Statement]:
    """Make the statements of the writer policy for the namespace in the principal's tag.

    It denies destroying everywhere, so no value of the tag can widen what it allows.
    """
    routes = [_route(each.format(f"/v1/namespaces/{_ESCAPED_TAG}")) for each in _WRITES]
    writes = allow("CallTheWritesOfTheTag", ["execute-api:Invoke"], routes)
    destroys = allow("DestroyNothing", ["execute-api:Invoke"], [_route(_DESTROYS.format("/v1/namespaces/*"))])
    return [
        allow("CallWhoami", ["execute-api:Invoke"], [_route("POST /v1/whoami")]),
        writes | {"Condition": {**_HAS_TAG, "StringNotLike": {_TAG: list(_NO_NAMESPACE)}}},
        destroys | {"Effect": "Deny"},
        _opens_tagged(keys, "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    ]


def _opens_tagged(keys: list[object], *actions: str) -> Statement:
    """`StringEquals` compares a tag `*` with the namespace as text; `StringLike` would let it match all namespaces."""
    statement = allow("OnlyTheNamespaceOfTheTag", list(actions), _one_or_all(keys))
    return statement | {"Condition": {**_HAS_TAG, "StringEquals": {_CONTEXT: f"${{{_TAG}}}"}}}


def administrator(keys: list[object]) -> list[Statement]:
    """Make the statements of the ready-made administrator policy for the KMS keys."""
    return [allow("CallEverything", ["execute-api:Invoke"], [{"Fn::Sub": f"{_API}/*"}]), _opens(keys, "*", *USES)]


def _route(route: str) -> dict[str, str]:
    method, path = route.split(" ")
    return {"Fn::Sub": f"{_API}/{method}{path}"}


def _add_policy(template: Template, name: str, about: str, statements: list[Statement]) -> None:
    template["Resources"][name] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": {"Fn::Sub": "${AWS::StackName}: " + about},
            "PolicyDocument": _make_document(statements),
        },
    }
    template["Outputs"][name] = {"Value": {"Ref": name}}


def _make_document(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
