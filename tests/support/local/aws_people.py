"""IAM users, roles and KMS keys for tests on the emulator, each with a unique name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import boto3
from mypy_boto3_iam import IAMClient
from mypy_boto3_kms import KMSClient

from local.clients import ROOT, Credentials, make_client_arguments

Statement = Mapping[str, object]


def iam(url: str) -> IAMClient:
    return boto3.client("iam", **make_client_arguments(url))


def kms(url: str, credentials: Credentials = ROOT) -> KMSClient:
    return boto3.client("kms", **make_client_arguments(url, credentials))


def new_user(url: str, *statements: Statement) -> Credentials:
    """A user with these statements as its only policy, and its access key."""
    name = f"user-{uuid4().hex[:12]}"
    iam(url).create_user(UserName=name)
    iam(url).put_user_policy(UserName=name, PolicyName="only", PolicyDocument=_policy(*statements))
    key = iam(url).create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def new_role(url: str, *statements: Statement) -> str:
    """The ARN of a role that anyone may assume, with these statements as its only permissions."""
    name = f"role-{uuid4().hex[:12]}"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam(url).create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    if statements:
        iam(url).put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=_policy(*statements))
    return role["Role"]["Arn"]


def assume_role(url: str, role_arn: str) -> Credentials:
    """Temporary credentials of the role."""
    sts = boto3.client("sts", **make_client_arguments(url))
    key = sts.assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])


def may_decrypt(namespace: str) -> Statement:
    """The statement that lets a reader open one namespace and no other."""
    condition = {"StringEquals": {"kms:EncryptionContext:configsvc:namespace": namespace}}
    actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    return {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition}


@dataclass(frozen=True)
class Wrapped:
    """A data key under a KMS key, bound to a namespace."""

    key: str
    blob: bytes
    namespace: str

    @property
    def context(self) -> dict[str, str]:
        return {"configsvc:namespace": self.namespace}


def make_wrapped_data_key(url: str, namespace: str) -> Wrapped:
    client = kms(url)
    key = client.create_key()["KeyMetadata"]["Arn"]
    context = {"configsvc:namespace": namespace}
    answer = client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    return Wrapped(key, answer["CiphertextBlob"], namespace)


def _policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
