"""A central config account and its consumers, decided by an evaluator that is not ours.

References: KMS developer guide, "Allowing users in other accounts to use a KMS key"; API Gateway developer guide, "How
API Gateway resource policies affect authorization workflow", tables A (own account) and B (another account).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from configsvc.bootstrap import app
from configsvc.model.grants import is_administrator, normalize_arn, parse_principal
from configsvc_client.cli.commands.iam_policy import make_policy
from infra.cloudformation import options, template
from infra.packaging.service_zip import Package
from infra.stage import parse
from local.emulator.launcher import PYTHON
from tests.support.infra.policy_evaluator import ANONYMOUS, Asked, Document, decide, resolve

pytestmark = pytest.mark.emulator  # it needs the emulator's environment, and starts nothing

OWN, LISTED, IN_ORG, STRANGER = "111111111111", "222222222222", "333333333333", "444444444444"
ORG = "o-exampleorg1"
KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/mrk-1234abcd12ab34cd56ef1234567890ab"
API = f"arn:aws:execute-api:eu-west-1:{OWN}:abcde12345/api"
VALUES = {"AWS::AccountId": OWN, "AWS::Partition": "aws", "AWS::Region": "eu-west-1"}
CONTEXT = "kms:EncryptionContext:configsvc:namespace"
USES = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
ADDRESS = "203.0.113.7"
NETWORK: dict[str, Any] = {"network": {"addresses": [f"{ADDRESS}/32"]}, "probe": {"enabled": False}}
STAGE: dict[str, object] = {"stack": "s", "consumer_accounts": [LISTED], "consumer_org": ORG}
ANYTHING = {"Statement": [{"Effect": "Allow", "Action": ["kms:*", "execute-api:*"], "Resource": "*"}]}


class Policies(NamedTuple):
    """The policies of the key and of the API in the template of a stage."""

    key: Document
    api: Document | None


Read = Callable[..., Policies]


@pytest.fixture
def read(built_package: Package) -> Read:
    def policies(**stage: object) -> Policies:
        sam = options.with_options(built_package.template, parse({"stack": "s", **stage}))
        found = template.expand(template.locate(sam, "bucket", "key", "0" * 64))["Resources"]
        api = found["RestAPI"]["Properties"]["Body"].get("x-amazon-apigateway-policy")
        return Policies(
            resolve(found["NamespacesKey"]["Properties"]["KeyPolicy"], VALUES),
            api and _expand(resolve(api, VALUES)),
        )

    return policies


def _expand(policy: Document) -> Document:
    """As API Gateway keeps it: `execute-api:/` stands for the API's ARN."""
    found = []
    for each in policy["Statement"]:
        named = [one.replace("execute-api:/", API.removesuffix("api"), 1) for one in each["Resource"]]
        found.append(each | {"Resource": named})
    return policy | {"Statement": found}


def caller(account: str, role: str = "app") -> str:
    return f"arn:aws:sts::{account}:assumed-role/{role}/session"


def org_of(account: str) -> dict[str, str]:
    """The own account and its consumers are of the organization, as is usual; listed ones need not be."""
    return {"aws:PrincipalOrgID": ORG} if account in {OWN, IN_ORG} else {}


def reader(namespace: str = "payments.prod") -> Document:
    """The policy that `configsvc iam-policy --for reader` prints, in whichever account it is attached."""
    found: Document = make_policy("reader", [namespace], [KEY], None)
    return found


def writer(namespace: str = "payments.prod") -> Document:
    found: Document = make_policy("writer", [namespace], [KEY], API)
    return found


def of_key(policies: Policies, who: str, identity: Document | None, action: str, namespace: str | None) -> Asked:
    named = {CONTEXT: namespace} if namespace else {}
    account = who.split(":")[4]
    return {
        "caller": who, "identity": [identity] if identity else [], "resource": policies.key, "owner": OWN,
        "required": True, "action": action, "arn": KEY, "keys": named | org_of(account),
    }  # fmt: skip


def of_api(policies: Policies, who: str, identity: Document | None, route: str, address: str = ADDRESS) -> Asked:
    """A request: `route` is METHOD/path."""
    account = "" if who == ANONYMOUS else who.split(":")[4]
    return {
        "caller": who, "identity": [identity] if identity else [],
        "resource": policies.api or {}, "owner": OWN, "required": False, "action": "execute-api:Invoke",
        "arn": f"{API}/{route}", "keys": {"aws:SourceIp": address} | org_of(account),
    }  # fmt: skip


def ask(*requests: Asked) -> list[str]:
    return decide(str(PYTHON), requests)


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
def test_a_reader_opens_the_namespace_that_its_own_policy_names(read: Read, account: str) -> None:
    asked = [
        of_key(read(**STAGE), caller(account), reader(), "kms:Decrypt", each)
        for each in ("payments.prod", "orders.prod", None)
    ]
    assert ask(*asked) == ["Allow", "ImplicitDeny", "ImplicitDeny"]


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
def test_whatever_iam_allows_nothing_opens_without_naming_a_namespace(read: Read, account: str) -> None:
    policies = read(**STAGE)
    asked = [of_key(policies, caller(account), ANYTHING, "kms:Decrypt", each) for each in ("orders.prod", None)]
    assert ask(*asked) == ["Allow", "ImplicitDeny"]


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
def test_the_key_policy_alone_opens_nothing(read: Read, account: str) -> None:
    """In the own account `*` would: there, a key policy that names an identity needs no IAM policy."""
    assert ask(of_key(read(**STAGE), caller(account), None, "kms:Decrypt", "payments.prod")) == ["ImplicitDeny"]


@pytest.mark.parametrize("account", [LISTED, IN_ORG])
def test_another_account_opens_and_does_nothing_else_with_the_key(read: Read, account: str) -> None:
    policies = read(**STAGE)
    rest = [*USES[1:], "kms:CreateGrant", "kms:DescribeKey", "kms:PutKeyPolicy", "kms:ReplicateKey"]
    asked = [of_key(policies, caller(account), ANYTHING, each, "payments.prod") for each in rest]
    assert set(ask(*asked)) == {"ImplicitDeny"}


def test_the_own_writer_makes_data_keys_as_before(read: Read) -> None:
    asked = of_key(read(**STAGE), caller(OWN), writer(), "kms:GenerateDataKey", "payments.prod")
    assert ask(asked) == ["Allow"]


def test_an_account_that_is_neither_listed_nor_in_the_organization_opens_nothing(read: Read) -> None:
    asked = of_key(read(**STAGE), caller(STRANGER), ANYTHING, "kms:Decrypt", "payments.prod")
    assert ask(asked) == ["ImplicitDeny"]


@pytest.mark.parametrize(
    ("stage", "opens"),
    [
        ({}, []),
        ({"consumer_accounts": [LISTED]}, [LISTED]),
        ({"consumer_org": ORG}, [IN_ORG]),
        ({"consumer_org": "o-anotherorg1"}, []),
    ],
)
def test_each_setting_lets_in_whom_it_names(read: Read, stage: dict[str, object], opens: list[str]) -> None:
    accounts = (LISTED, IN_ORG, STRANGER)
    asked = [of_key(read(**stage), caller(each), ANYTHING, "kms:Decrypt", "payments.prod") for each in accounts]
    assert [account for account, said in zip(accounts, ask(*asked), strict=True) if said == "Allow"] == opens


def test_an_administrator_of_the_key_may_replicate_it_and_not_open(read: Read) -> None:
    administrator = f"arn:aws:iam::{OWN}:role/KeyAdmin"
    policies = read(**STAGE, key_administrators=[administrator])
    may = [caller(OWN, "KeyAdmin"), caller(OWN, "other")]
    asked = [
        of_key(policies, who, ANYTHING, action, "payments.prod")
        for who in may
        for action in ("kms:ReplicateKey", "kms:UpdatePrimaryRegion", "kms:PutKeyPolicy", "kms:Decrypt")
    ]
    assert ask(*asked) == ["Allow", "Allow", "Allow", "Deny", *["ImplicitDeny"] * 3, "Allow"]


NAMES = {"namespace": "payments.prod", "key": "db.url", "version": "7", "kid": "k"}
ROUTES = {
    access: [
        f"{each.method}{each.path.format_map(NAMES)}"
        for each in app.described
        if (each.access == "signed") is (access == "signed")
    ]
    for access in ("signed", "unsigned")
}


@pytest.mark.parametrize("network", [{}, NETWORK])
def test_unsigned_routes_are_open_to_everybody_who_comes_from_here(read: Read, network: dict[str, Any]) -> None:
    policies = read(**STAGE, **network)
    asked = [of_api(policies, ANONYMOUS, None, each) for each in ROUTES["unsigned"]]
    assert set(ask(*asked)) == {"Allow"}
    elsewhere = [of_api(policies, ANONYMOUS, None, each, "198.51.100.9") for each in ROUTES["unsigned"]]
    assert set(ask(*elsewhere)) == ({"Deny"} if network else {"Allow"})


def test_nobody_calls_a_signed_route_without_a_signature(read: Read) -> None:
    policies = read(**STAGE)
    assert set(ask(*[of_api(policies, ANONYMOUS, None, each) for each in ROUTES["signed"]])) == {"ImplicitDeny"}


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
def test_a_writer_calls_the_writes_of_its_namespace(read: Read, account: str) -> None:
    policies = read(**STAGE)
    routes = ["POST/v1/namespaces/payments.prod/changes", "POST/v1/whoami", "POST/v1/namespaces/orders.prod/changes"]
    asked = [of_api(policies, caller(account), writer(), each) for each in routes]
    assert ask(*asked) == ["Allow", "Allow", "ImplicitDeny"]


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
@pytest.mark.parametrize("stage", [STAGE, STAGE | {"consumer_accounts": [LISTED, OWN]}])
def test_the_api_s_policy_alone_lets_nobody_write(read: Read, account: str, stage: dict[str, object]) -> None:
    policies = read(**stage)
    assert set(ask(*[of_api(policies, caller(account), None, each) for each in ROUTES["signed"]])) == {"ImplicitDeny"}


def test_the_api_s_policy_never_names_the_own_account_for_a_signed_route(read: Read) -> None:
    """Table A: in the own account an Allow in the resource policy is enough, so no statement may apply there."""
    policies = read(**STAGE | {"consumer_accounts": [LISTED, OWN]})
    assert policies.api is not None
    foreign = [each for each in policies.api["Statement"] if each["Effect"] == "Allow" and "Condition" in each]
    assert [each["Condition"]["StringNotEquals"] for each in foreign] == [{"aws:PrincipalAccount": OWN}] * 2
    named = {route for each in foreign for route in each["Resource"]}
    assert named.isdisjoint(
        route for each in policies.api["Statement"] if each not in foreign for route in each["Resource"]
    )


def test_a_writer_of_an_account_that_is_not_named_calls_nothing_signed(read: Read) -> None:
    for policies in (read(**STAGE), read(**NETWORK)):
        asked = of_api(policies, caller(STRANGER), ANYTHING, "POST/v1/namespaces/payments.prod/changes")
        assert ask(asked) == ["ImplicitDeny"]


@pytest.mark.parametrize("account", [OWN, LISTED, IN_ORG])
def test_a_writer_who_comes_from_elsewhere_is_denied(read: Read, account: str) -> None:
    policies = read(**STAGE, **NETWORK)
    route = "POST/v1/namespaces/payments.prod/changes"
    asked = [of_api(policies, caller(account), writer(), route, each) for each in (ADDRESS, "198.51.100.9")]
    assert ask(*asked) == ["Allow", "Deny"]


def test_without_consumers_and_network_the_api_has_no_policy(read: Read) -> None:
    assert read().api is None


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:sts::{LISTED}:assumed-role/Admin/session",
        f"arn:aws:sts::{LISTED}:assumed-role/Admin/arn=aws=iam@{OWN}",
        f"arn:aws:iam::{LISTED}:role/{OWN}/role/Admin",
        f"arn:aws:iam::{LISTED}:user/Admin",
        f"arn:aws-cn:iam::{OWN}:role/Admin",
    ],
)
def test_nobody_of_another_account_passes_for_an_identity_of_the_own_one(arn: str) -> None:
    principal = normalize_arn(arn)
    assert principal is not None
    assert parse_principal(principal) == principal, "it can be granted something"
    assert principal.split(":")[1:5] == [arn.split(":")[1], "iam", "", arn.split(":")[4]]
    assert not is_administrator([f"arn:aws:iam::{OWN}:role/Admin*", f"arn:aws:iam::{OWN}:user/*"], principal)


def test_the_root_of_another_account_is_nobody() -> None:
    assert normalize_arn(f"arn:aws:iam::{LISTED}:root") is None
