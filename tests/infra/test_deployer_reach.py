"""Whoever deploys cannot raise their own rights by a name or an alias; the emulator's policy evaluator decides.

A deployer's own role, its policies and the permissions boundary are often called after the stack. And whoever may move
an alias to any KMS key has the rights on that key that follow the alias (KMS developer guide, "Use aliases to control
access to KMS keys").
"""

from __future__ import annotations

import pytest

from infra import deployer
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import Stage
from tests.infra.cloudformation.test_options import EVERYTHING, expanded
from tests.support.infra.policy_evaluator import Asked, decide

pytestmark = pytest.mark.emulator  # it needs the emulator's environment, and starts nothing

ACCOUNT, REGION = "111122223333", "eu-west-1"
PYTHON = str(ROOT / ".venvs/emulator/bin/python")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-0123-0123-0123-0123456789ab"
OWN, FOREIGN = "alias/configsvc/namespaces", "alias/payroll"
STAGE = EVERYTHING.model_copy(update={"stack": "configsvc", "permissions_boundary": None, "iam_path": None})
LONG = STAGE.model_copy(update={"stack": "configuration-service-of-the-platform"})
ROLE_ACTIONS = ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "DeleteRole", "PassRole")
POLICY_ACTIONS = ("CreatePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "DeletePolicy")
KEY_ACTIONS = (
    "CreateAlias", "DeleteAlias", "DisableKey", "EnableKey", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource",
    "UntagResource", "UpdateAlias", "UpdateKeyDescription",
)  # fmt: skip


def allowed(stage: Stage, requests: list[tuple[str, str]], **keys: object) -> set[str]:
    """The actions among these that the policies of a deployer without a service role allow."""
    identity = list(deployer.make_policies(stage, ACCOUNT, REGION).values())
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/configsvc-deployer/session"
    context = {name.replace("_", ":", 1): value for name, value in keys.items()}
    asked = [
        Asked(caller=caller, identity=identity, resource={}, owner=ACCOUNT, required=False, action=action, arn=arn,
              keys=context)  # type: ignore[typeddict-item]  # some have several values
        for action, arn in requests
    ]  # fmt: skip
    return {action for (action, _), said in zip(requests, decide(PYTHON, asked), strict=True) if said == "Allow"}


@pytest.mark.parametrize("name", ["deployer", "planner", "boundary", "CloudFormation", "role", "Admin"])
def test_roles_and_policies_of_people_who_deploy_are_out_of_reach(name: str) -> None:
    roles = [(f"iam:{each}", f"arn:aws:iam::{ACCOUNT}:role/configsvc-{name}") for each in ROLE_ACTIONS]
    policies = [(f"iam:{each}", f"arn:aws:iam::{ACCOUNT}:policy/configsvc-{name}") for each in POLICY_ACTIONS]
    assert allowed(STAGE, roles + policies, iam_PassedToService="lambda.amazonaws.com") == set()


@pytest.mark.parametrize(("stage", "begins"), [(STAGE, "configsvc"), (LONG, "configuration-service-of")])
def test_all_roles_and_policies_of_the_template_can_be_made(built_package: Package, stage: Stage, begins: str) -> None:
    """CloudFormation's names: the stack's, shortened where it must, the logical id, twelve random characters."""
    found = expanded(built_package, stage)["Resources"]
    made = {name: each["Type"] for name, each in found.items() if each["Type"].startswith("AWS::IAM::")}
    assert set(made.values()) == {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    for name, kind in made.items():
        arn = f"arn:aws:iam::{ACCOUNT}:{'role' if kind == 'AWS::IAM::Role' else 'policy'}/{begins}-{name}-1ABCDEFGHIJK"
        actions = ROLE_ACTIONS if kind == "AWS::IAM::Role" else POLICY_ACTIONS
        wanted = [(f"iam:{each}", arn) for each in actions]
        assert allowed(stage, wanted, iam_PassedToService="lambda.amazonaws.com") == {each for each, _ in wanted}, name


def test_the_settings_of_invocations_are_named_with_their_qualifier(built_package: Package) -> None:
    """The template names `$LATEST`, and Lambda's names of functions may have a qualifier."""
    resources = expanded(built_package, STAGE)["Resources"].values()
    [qualifier] = {each["Properties"]["Qualifier"] for each in resources if each["Type"].endswith("EventInvokeConfig")}
    functions = [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:configsvc-{each}" for each in ("upkeep", "probe")]
    for arn in (*functions, *(f"{each}:{qualifier}" for each in functions)):
        wanted = [(f"lambda:{each}FunctionEventInvokeConfig", arn) for each in ("Put", "Get", "Update", "Delete")]
        assert allowed(STAGE, wanted) == {each for each, _ in wanted}, arn


def key_actions(*aliases: str) -> set[str]:
    requests = [(f"kms:{each}", KEY) for each in KEY_ACTIONS]
    keys = {"kms_ResourceAliases": list(aliases)} if aliases else {}
    return allowed(STAGE, requests, kms_ScheduleKeyDeletionPendingWindowInDays="30", **keys)


def test_a_key_with_an_alias_of_others_gets_neither_a_policy_nor_the_stack_s_alias() -> None:
    assert key_actions(FOREIGN) == set()
    assert key_actions(FOREIGN, "alias/configsvc-prod/namespaces") == set()


def test_the_stack_s_key_is_managed_by_its_alias() -> None:
    assert key_actions(OWN) == {f"kms:{each}" for each in KEY_ACTIONS}


def test_a_new_key_gets_tags_and_the_alias_and_is_deleted_if_the_first_deployment_fails() -> None:
    assert key_actions() == {
        f"kms:{each}" for each in ("CreateAlias", "DeleteAlias", "ScheduleKeyDeletion", "TagResource")
    }


def test_no_other_alias_is_moved() -> None:
    aliases = [f"arn:aws:kms:{REGION}:{ACCOUNT}:{each}" for each in (FOREIGN, OWN)]
    requests = [(f"kms:{each}", aliases[0]) for each in ("CreateAlias", "UpdateAlias", "DeleteAlias")]
    assert allowed(STAGE, requests) == set()
    assert len(allowed(STAGE, [(action, aliases[1]) for action, _ in requests])) == len(requests)


def planner_may_put(key: str, **keys: str) -> bool:
    arn = f"arn:aws:s3:::configsvc-deployments-{ACCOUNT}-{REGION}/{key}"
    identity = [deployer.make_policies(STAGE, ACCOUNT, REGION)["planner"]]
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/configsvc-planner/session"
    asked = Asked(
        caller=caller, identity=identity, resource={}, owner=ACCOUNT, required=False, action="s3:PutObject", arn=arn,
        keys={name.replace("_", ":", 1).replace("_", "-"): value for name, value in keys.items()},
    )  # fmt: skip
    return decide(PYTHON, [asked]) == ["Allow"]


def test_a_planner_adds_code_and_templates_and_replaces_and_records_nothing() -> None:
    """`s3:if-none-match` is there if the request must not replace (S3 user guide, "Enforce conditional writes")."""
    code = f"configsvc/{'a' * 64}.zip"
    assert planner_may_put(code, s3_if_none_match="*")
    assert planner_may_put(f"configsvc/{'a' * 64}.json", s3_if_none_match="*")
    assert not planner_may_put(code)
    assert not planner_may_put("configsvc/deployments/00000001.json", s3_if_none_match="*")
    assert not planner_may_put(f"configsvc-prod/{'a' * 64}.zip", s3_if_none_match="*")
