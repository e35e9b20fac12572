"""The stack's KMS key: multi-Region or not, who administers it, which other accounts open values, who hears of changes.

References: KMS developer guide, "Multi-Region keys in AWS KMS", "Allowing users in other accounts to use a KMS key",
"Logging AWS KMS API calls with AWS CloudTrail"; CloudFormation user guide, AWS::KMS::Key.
"""

from __future__ import annotations

from typing import Any

from infra.cloudformation.access import OWN_KEY, USES, Statement
from infra.cloudformation.template import Template
from infra.stage import Stage, StageError

_NAMED = {"Null": {"kms:EncryptionContext:configsvc:namespace": "false"}}
_MULTI_REGION_ID = "mrk-"
_OWN_ID = {"Ref": "NamespacesKey"}
_MOST_KEYS = 6  # an event pattern has 2,048 characters at most ("Amazon EventBridge quotas")
ELSEWHERE = {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
"""The condition that a caller is of another account than the stack's."""


def keep(stage: Stage, key: str | None) -> Stage:
    """Return the stage with what its KMS key is: `multi_region` of the stage file is for new keys only.

    It cannot be changed. CloudFormation fails an update that asks for it, and a new key in the place of the old one
    could not open what the old one wrapped.

    Args:
        stage: what the stage file says.
        key: the id of the key that the stack made; None if the key is still to be made, or is not the stack's.
    """
    return stage if key is None else stage.model_copy(update={"multi_region": key.startswith(_MULTI_REGION_ID)})


def explain(wanted: Stage, kept: Stage) -> str | None:
    """Say that the key stays what it is, if the stage file asks for something else."""
    if wanted.multi_region == kept.multi_region:
        return None
    kind = "multi-Region" if kept.multi_region else "single-Region"
    return (
        f"The KMS key of {wanted.stack} stays a {kind} key. KMS cannot change that: multi_region applies to new keys "
        f"only. Set multi_region = {str(kept.multi_region).lower()} in the stage file, or move to another key "
        "(docs/OPERATIONS.md, Move to another KMS key)."
    )


def add(template: Template, stage: Stage) -> None:
    """Write what the stage says of the key into the template.

    Raises:
        StageError: it names more keys than the rule that watches them has room for.
    """
    key = template["Resources"]["NamespacesKey"]["Properties"]
    if stage.multi_region:
        key["MultiRegion"] = True
    statements = key["KeyPolicy"]["Statement"]
    if stage.key_administrators:
        _separate(statements, list(stage.key_administrators))
    statements += consumers(stage)
    _watch(template, stage)


def consumers(stage: Stage) -> list[Statement]:
    """Return the statements that let other accounts open values, for a namespace that they name, and nothing else."""
    opens = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "*"}
    found: list[Statement] = []
    if stage.consumer_accounts:
        principal = {"AWS": name_accounts(stage)}
        found.append({"Sid": "ConsumerAccountsOpen", **opens, "Principal": principal, "Condition": _NAMED})
    if stage.consumer_org:
        # `*` names the identities of the own account, too: without ELSEWHERE they would need no policy of their own.
        where = _NAMED | ELSEWHERE | in_org(stage.consumer_org)
        found.append({"Sid": "ConsumerOrganizationOpens", **opens, "Principal": {"AWS": "*"}, "Condition": where})
    return found


def advise_consumers(stage: Stage, key: str) -> list[str]:
    """Say what consumers in other accounts need that this stack cannot give them."""
    if not (stage.consumer_accounts or stage.consumer_org):
        return []
    lines = [
        "\nConsumers in other accounts use the same settings. Print their policy, and attach it to the role there:",
        f"  configsvc iam-policy --for reader -n NAMESPACE --kms-key {key}",
    ]
    if stage.table.kms_key:
        lines.append(
            "The stack did not make this KMS key, so it does not change the key's policy. Let the other accounts call "
            "kms:Decrypt in it (docs/OPERATIONS.md, Consumers in other accounts)."
        )
    return lines


def name_accounts(stage: Stage) -> list[dict[str, str]]:
    """Return the consumer accounts as principals."""
    return [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{each}:root"} for each in sorted(set(stage.consumer_accounts))]


def in_org(organization: str) -> dict[str, Any]:
    """The condition that a caller's account is of an organization. AWS services and unsigned requests are of none."""
    return {"StringEquals": {"aws:PrincipalOrgID": organization}}


def _separate(statements: list[Statement], administrators: list[str]) -> None:
    """Let only these manage the key, and deny them its use, until one of them changes the policy."""
    statements[0]["Principal"] = {"AWS": administrators}
    denied = {"Sid": "AdministratorsOpenNothing", "Effect": "Deny", "Principal": {"AWS": administrators}}
    statements.append({**denied, "Action": USES, "Resource": "*"})


def _watch(template: Template, stage: Stage) -> None:
    """Let the rule of the template watch every key in use: the stack's or the one in its place, and further ones.

    CloudTrail names the key in `resources`, and in a refused request perhaps only in `requestParameters`, as an id or
    an ARN: none of the watched calls takes an alias.
    """
    arns: list[Any] = [stage.table.kms_key or OWN_KEY, *stage.further_kms_keys]
    if len(arns) > _MOST_KEYS:
        raise StageError(f"further_kms_keys: the rule that reports changes has room for {_MOST_KEYS - 1} further keys.")
    ids = [_OWN_ID if arn == OWN_KEY else arn.rpartition("/")[2] for arn in arns]
    detail = template["Resources"]["KmsKeyRule"]["Properties"]["EventPattern"]["detail"]
    detail["$or"] = [{"resources": {"ARN": arns}}, {"requestParameters": {"keyId": [*ids, *arns]}}]
