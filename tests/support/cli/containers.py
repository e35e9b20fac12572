"""Output of other tools, each with the keys and values in it."""

from __future__ import annotations

import base64
from typing import Any


def _encode(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop-AbCdEf"
_FUNCTION = {
    "FunctionName": "shop",
    "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:shop",
    "Runtime": "python3.12",
    "Environment": {"Variables": {"A": "1", "B": "two\nlines"}},
}
PARAMETER = {"Name": "/shop/prod/db/url", "Type": "SecureString", "Value": "x", "Version": 1, "ARN": "arn:aws:ssm:x"}
_CONTAINER = {"name": "web", "image": "shop", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}]}
_TASK = {"family": "shop", "containerDefinitions": [{"name": "side", "environment": []}, _CONTAINER]}
_CONSUL = [
    {"key": "shop/prod/", "flags": 0, "value": ""},
    {"key": "shop/prod/db/url", "flags": 0, "value": _encode("x\ny")},
    {"key": "shop/prod/raw", "flags": 0, "value": _encode(b"\x00\xff")},
    {"key": "shop/prod/empty", "flags": 0, "value": ""},
]
_AB = {"A": "1", "B": "2"}

JSON_FILES: dict[str, tuple[Any, dict[str, Any]]] = {
    "vault-kv2": (
        {
            "request_id": "1",
            "lease_id": "",
            "lease_duration": 0,
            "renewable": False,
            "warnings": None,
            "data": {
                "data": {"A": "1", "data": "2"},
                "metadata": {"created_time": "2026-01-01T00:00:00Z", "version": 3},
            },
        },
        {"A": "1", "data": "2"},
    ),
    "vault-kv2-inner": (
        {
            "data": _AB,
            "metadata": {"created_time": "2026-01-01", "deletion_time": "", "destroyed": False, "version": 3},
        },
        _AB,
    ),
    "vault-kv1": ({"request_id": "1", "lease_id": "", "lease_duration": 0, "renewable": False, "data": _AB}, _AB),
    "ssm-by-path": (
        {"Parameters": [PARAMETER, {**PARAMETER, "Name": "/shop/prod/pool", "Type": "String", "Value": "5"}]},
        {"db.url": "x", "pool": "5"},
    ),
    "ssm-no-path": ({"Parameters": [{**PARAMETER, "Name": "pool"}], "InvalidParameters": []}, {"pool": "x"}),
    "ssm-two-roots": (
        {"Parameters": [PARAMETER, {**PARAMETER, "Name": "/cart/pool"}]},
        {"shop.prod.db.url": "x", "cart.pool": "x"},
    ),
    "ssm-parameter": ({"Parameter": PARAMETER}, {"url": "x"}),
    "secrets-manager": (
        {"ARN": _ARN, "Name": "shop", "VersionId": "1", "SecretString": '{"A":"1","n":1.10}'},
        {"A": "1", "n": "1.10"},
    ),
    "secrets-manager-text": ({"ARN": _ARN, "Name": "shop", "SecretString": "x\n"}, {"put": "x\n"}),
    "secrets-manager-bytes": ({"ARN": _ARN, "Name": "shop", "SecretBinary": _encode("\u00e9")}, {"put": "\u00e9"}),
    "secrets-manager-batch": (
        {
            "SecretValues": [
                {"ARN": _ARN, "Name": "prod/a", "SecretString": ""},
                {"ARN": _ARN, "Name": "prod/b/c", "SecretBinary": _encode("x")},
            ],
            "Errors": [],
        },
        {"a": "", "b.c": b"x"},
    ),
    "lambda": (_FUNCTION, {"A": "1", "B": "two\nlines"}),
    "lambda-get-function": ({"Configuration": _FUNCTION, "Code": {}}, {"A": "1", "B": "two\nlines"}),
    "lambda-environment": ({"Environment": {"Variables": _AB}}, _AB),
    "lambda-variables": ({"Variables": _AB}, _AB),
    "ecs": ({"taskDefinition": _TASK, "tags": []}, {"A": "1", "B": ""}),
    "ecs-file": (_TASK, {"A": "1", "B": ""}),
    "consul": (_CONSUL, {"db.url": "x\ny", "raw": b"\x00\xff", "empty": ""}),
    "consul-http": (
        [{"LockIndex": 0, "Key": "a/b", "Flags": 0, "Value": _encode("x"), "CreateIndex": 1, "ModifyIndex": 2}],
        {"b": "x"},
    ),
    "etcd": (
        {
            "header": {"revision": 5},
            "count": 1,
            "kvs": [
                {"key": _encode("/a/b"), "mod_revision": 2, "value": _encode("x")},
                {"key": _encode("c"), "mod_revision": 2},
            ],
        },
        {"a.b": "x", "c": ""},
    ),
    "doppler": (
        {"A": {"computed": "1", "raw": "${B}", "note": ""}, "B": {"computed": "2", "raw": "2", "note": ""}},
        _AB,
    ),
    "terraform-output": (
        {
            "A": {"sensitive": False, "type": "string", "value": "1"},
            "B": {"sensitive": True, "type": "string", "value": "2"},
        },
        _AB,
    ),
    "terraform-state": (
        {
            "version": 4,
            "terraform_version": "1.9",
            "serial": 1,
            "lineage": "x",
            "resources": [],
            "outputs": {"A": {"value": "1", "type": "string"}, "B": {"value": "2", "type": "string"}},
        },
        _AB,
    ),
    "terraform-show": (
        {
            "format_version": "1.0",
            "terraform_version": "1.9",
            "values": {"outputs": {"A": {"sensitive": False, "value": "1"}}},
        },
        {"A": "1"},
    ),
    "op": (
        {
            "id": "1",
            "title": "shop",
            "category": "LOGIN",
            "fields": [
                {"id": "username", "type": "STRING", "label": "A", "value": "1"},
                {"id": "notesPlain", "type": "STRING", "label": "n"},
            ],
        },
        {"A": "1"},
    ),
    "azure-secret": (
        {"id": "https://x.vault.azure.net/secrets/a/1", "value": "x\n", "attributes": {"enabled": True}},
        {"put": "x\n"},
    ),
    "google-secret": (
        {
            "name": "projects/1/secrets/a/versions/1",
            "payload": {"data": base64.urlsafe_b64encode("ü?>~\n".encode()).decode()},
        },
        {"put": "ü?>~\n"},
    ),
    "azure-functions": ({"IsEncrypted": False, "Values": _AB}, _AB),
    "azure-parameters": (
        {
            "$schema": "https://x",
            "contentVersion": "1.0.0.0",
            "parameters": {"A": {"value": "1"}, "B": {"reference": {}}},
        },
        {"A": "1"},
    ),
    "spring-config": (
        {
            "name": "shop",
            "profiles": ["prod"],
            "label": None,
            "propertySources": [
                {"name": "prod", "source": {"A": "1"}},
                {"name": "default", "source": {"A": "0", "B": "2"}},
            ],
        },
        _AB,
    ),
    "postman": (
        {
            "id": "1",
            "name": "x",
            "_postman_variable_scope": "environment",
            "values": [
                {"key": "A", "value": "1", "enabled": True},
                {"key": "C", "value": "3", "enabled": False},
            ],
        },
        {"A": "1"},
    ),
    "stack-outputs": (
        {"Stacks": [{"StackId": "arn", "StackName": "x", "Outputs": [{"OutputKey": "A", "OutputValue": "1"}]}]},
        {"A": "1"},
    ),
    "stack-parameters": (
        [{"ParameterKey": "A", "ParameterValue": "1"}, {"ParameterKey": "B", "ParameterValue": "2"}],
        _AB,
    ),
    "docker-inspect": ([{"Id": "1", "Config": {"Env": ["A=1", "B=2\n=3", "C="]}}], {"A": "1", "B": "2\n=3", "C": ""}),
    "infisical": ([{"key": "A", "value": "1", "type": "shared"}, {"key": "B", "value": "2", "type": "shared"}], _AB),
    "azure-appsettings": ([{"name": "A", "slotSetting": False, "value": "1"}, {"name": "B", "value": "2"}], _AB),
    "docker-inspect-one": ({"Id": "1", "Config": {"Env": ["A=1", "B=2"]}}, _AB),
    "docker-inspect-none": ([{"Id": "1", "Config": {"Env": None}}], {}),
    "github-variables": (
        {"total_count": 2, "variables": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        _AB,
    ),
    "infisical-answer": (
        {"secrets": [{"secretKey": "A", "secretValue": "1", "version": 1}], "imports": []},
        {"A": "1"},
    ),
    "stack-exports": ({"Exports": [{"ExportingStackId": "arn", "Name": "A", "Value": "1"}]}, {"A": "1"}),
    "doppler-answer": ({"secrets": {"A": {"raw": "x", "computed": "1"}}, "success": True}, {"A": "1"}),
    "pulumi-config": (
        {
            "aws:region": {"value": "eu", "secret": False},
            "shop:db": {"value": '{"a":"b"}', "objectValue": {"a": "b"}, "secret": False},
            "shop:url": {"secret": True},
        },
        {"aws.region": "eu", "shop.db": '{"a":"b"}'},
    ),
    "nomad": ({"Namespace": "default", "Path": "shop", "Items": _AB, "CreateIndex": 1, "ModifyIndex": 2}, _AB),
    "bitwarden": (
        {
            "encrypted": False,
            "folders": [],
            "items": [
                {"id": "1", "type": 1, "name": "A", "login": {"username": "u", "password": "1"}},
                {"id": "2", "type": 2, "name": "B", "notes": "x"},
            ],
        },
        {"A": "1"},
    ),
    "tags": ([{"Key": "A", "Value": "1"}], {"A": "1"}),
}
