"""Advice about AWS's messages. A message that no rule knows gets no advice, because a wrong one costs more.

Each rule matches the words of one message, not a topic: an IAM error that mentions CodeDeploy is still an IAM error.
The tests hold every rule to a true message with its public source, and to messages that it must leave alone.
"""

from __future__ import annotations

import re

_DENIALS: tuple[tuple[str, str], ...] = (
    (
        "service control policy",
        (
            "A service control policy (SCP) of your organization blocks {action}. No policy in this account can "
            "allow it. Ask whoever manages the organization's policies for an exception, or deploy to an account or "
            "region where it is allowed."
        ),
    ),
    (
        "resource control policy",
        (
            "A resource control policy (RCP) of your organization blocks {action} on the resource. No policy in this "
            "account can allow it. Ask whoever manages the organization's policies for an exception."
        ),
    ),
    (
        "permissions boundary",
        (
            "The permissions boundary of the identity in the message blocks {action}. More permissions do not help. "
            "Ask whoever manages the boundary. If it demands that new roles have a boundary too, set "
            "permissions_boundary in the stage file."
        ),
    ),
    (
        "session policy",
        (
            "The session policy of the credentials in the message blocks {action}. It was passed when the role was "
            "assumed (a CI job, SSO or a credential broker): change it there, or sign in without it."
        ),
    ),
    (
        "VPC endpoint policy",
        (
            "The policy of the VPC endpoint that the request went through blocks {action}. Ask whoever manages the "
            "VPC, or deploy from a network without that endpoint."
        ),
    ),
    (
        "role trust policy",
        ("The role's trust policy blocks {action}. Ask whoever manages the role to trust the identity in the message."),
    ),
    (
        "resource-based policy",
        (
            "The policy of the resource (a KMS key, a bucket, a role's trust policy) blocks {action}. Ask whoever "
            "manages the resource named in the message."
        ),
    ),
)
"""The names that IAM gives the reason, after "with an explicit deny in a(n)" or "because no … allows"."""
_DENIED = re.compile(r"not authorized to perform:? ?(?P<action>[a-z0-9-]+:\w+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_BY_KIND = re.compile(
    r"explicit deny in (?:an? |the )?(?P<denying>[\w -]+)|because no (?P<missing>[\w -]+?) allows", re.IGNORECASE
)
_EXPLICIT = re.compile(r"explicit deny", re.IGNORECASE)

_RULES: tuple[tuple[str, str], ...] = (
    (
        r"The new key policy will not allow you to update the key policy in the future",
        (
            "KMS rejects a key policy that its creator could not change afterwards. The identity that creates the "
            "key (you, or the stage's CloudFormation service role) must be one of key_administrators in the stage "
            "file, if there are any, and needs kms:PutKeyPolicy in IAM."
        ),
    ),
    (
        r"Policy contains a statement with one or more invalid principals|\bInvalid principal in policy\b",
        (
            "A policy names a principal that does not exist. Check key_administrators, consumer_accounts and the other "
            "ARNs and account numbers in the stage file: a role or user that was deleted is one too."
        ),
    ),
    (
        r"alias version does not match the current version in AppSpec",
        (
            "The alias was moved by hand, so CodeDeploy refuses to shift it. Run make deploy again: it offers to set "
            "the alias back to the stack's version before it deploys."
        ),
    ),
    (
        r"A conflicting deployment is in progress",
        (
            "CodeDeploy still shifts an earlier deployment. Wait until it ends, or stop it with make rollback. Then "
            "deploy again."
        ),
    ),
    (
        r"alarms have been activated according to the Amazon CloudWatch metrics",
        (
            "CodeDeploy stopped the canary because an alarm fired, and the previous version serves again. If the "
            "alarm fired before the deployment too, deploy the cure with CANARY=no. Otherwise the alarm and the log "
            "group show what is wrong with the new version."
        ),
    ),
    (
        r"The IAM role \S+ does not give you permission to perform operations in the following AWS service",
        (
            "CodeDeploy's role, not yours, lacks a permission: the stack's CanaryRole. If an SCP or the stage's "
            "permissions boundary restricts it, ask whoever manages that; until then deploy with CANARY=no."
        ),
    ),
    (
        r"The role defined for the function cannot be assumed by Lambda",
        (
            "Lambda cannot assume the function's role. A new role takes a few seconds to propagate: deploy again. If "
            "it stays, somebody changed the role's trust policy, which must name lambda.amazonaws.com."
        ),
    ),
    (
        r"Role (?P<role>arn:\S+) is invalid or cannot be assumed",
        (
            "CloudFormation cannot assume its service role {role}. It must exist in this account and trust "
            "cloudformation.amazonaws.com, and you need iam:PassRole on it. The stage file names it."
        ),
    ),
    (
        r"Cannot assume role provided",
        ("CodeDeploy cannot assume the stack's CanaryRole. A new role takes a few seconds to propagate: deploy again."),
    ),
    (
        r"UPDATE_ROLLBACK_FAILED state and can ?not be updated",
        (
            "An earlier rollback did not finish. Fix what its last events name, then finish it: aws cloudformation "
            "continue-update-rollback --stack-name STACK. make deploy names the resources that can be skipped."
        ),
    ),
    (
        r"(?<!UPDATE_)(?<!IMPORT_)ROLLBACK_COMPLETE state and can ?not be updated",
        "The stack was never complete, so it must be deleted first. make deploy does that.",
    ),
    (
        r"_IN_PROGRESS state and can ?not be updated",
        (
            "CloudFormation still works on an earlier change. Deploy again when it is done, or stop it with make "
            "rollback."
        ),
    ),
    (
        r"TerminationProtection is enabled|because (?:the )?termination protection is enabled",
        ("The stack is protected from deletion. Turn termination_protection off in the stage file and deploy first."),
    ),
    (
        (
            r"permissions error performing a tagging operation|IAM permissions to process tags|"
            r"Unauthorized tagging operation"
        ),
        (
            "The identity that works on the stack (you, or the stage's CloudFormation service role) may not tag the "
            "resource. Allow it the tagging actions of that service; the policies in infra/policies have them."
        ),
    ),
    (
        r"hook\(s\)(?:/validation)? failed: \[(?!AWS::EarlyValidation)",
        (
            "A CloudFormation Hook of this account or organization rejects the change. Its reason is above if it "
            "gives one. Ask whoever manages the hooks."
        ),
    ),
    (
        r"\[AWS::EarlyValidation::",
        (
            "CloudFormation checked the change set against the account and found a fault. Read it with: aws "
            "cloudformation describe-events --stack-name STACK."
        ),
    ),
    (
        r"\(InvalidChangeSetStatus(?:Exception)?\)|cannot be executed in its current status of \[OBSOLETE\]",
        "Somebody else changed the stack in the meantime, so nothing of this change set was done. Deploy again.",
    ),
    (
        r"\(ExpiredToken(?:Exception)?\)|\(RequestExpired\)|security token included in the request is expired",
        (
            "Your credentials expired. What CloudFormation has begun goes on. Sign in, then run the command again: it "
            "waits for what is under way."
        ),
    ),
    (
        (
            r"\(BucketAlreadyExists\)|\(403\) when calling the HeadBucket operation|"
            r"\(AccessDenied\) when calling the (?:CreateBucket|ListObjectsV2|[GP][eu]tObject) operation: Access Denied"
        ),
        (
            "You may not use the bucket for code and templates, configsvc-deployments-ACCOUNT-REGION, or another "
            "account owns it. infra/policies/deployer.json lists the permissions. If the bucket is not yours, nothing "
            "can be deployed to this account and region: report it to AWS."
        ),
    ),
    (
        r"Cannot delete a policy attached to entities",
        (
            "A role, user or group still has this managed policy. Detach it there (aws iam list-entities-for-policy "
            "lists them), then run the command again."
        ),
    ),
    (
        r"CloudWatch Logs role ARN must be set",
        (
            "API Gateway has no role to log with in this account and region. Create it once: aws cloudformation deploy "
            "--stack-name api-gateway-logging --template-file infra/account.yaml --capabilities CAPABILITY_IAM. Or set "
            "access_log = false in the stage file."
        ),
    ),
    (
        r"decreases account's UnreservedConcurrentExecution below its minimum",
        (
            "The account has too little Lambda concurrency left. Lower reserved_concurrency in the stage file, or "
            "have the quota raised."
        ),
    ),
    (
        r"is not supported for SnapStart enabled functions",
        "Lambda has no SnapStart for this runtime here. Choose another one, or remove snapstart from the stage file.",
    ),
    (
        r"version for this Lambda function exists \(|Version already exists: \[arn:\S+:lambda:",
        (
            "The function's code and settings equal its newest version, so Lambda publishes no other one. Deploy "
            "with any change of the function, such as log_level in the stage file."
        ),
    ),
    (
        (
            r"already exists in stack|AlreadyExists\b|with identifier '[^']*' already exists|"
            r"(?<!Version )(?<!ChangeSet )(?<!provided\) )\b(?!provided\b)[\w/:.-]+ already exists(?! with)"
        ),
        (
            "A resource of that name exists outside this stack. Remove it, import it, or give the stack another name "
            "in the stage file. To reuse a table kept by an earlier stack, name it under [table] in the stage file."
        ),
    ),
    (
        (
            r"\bRate exceeded\b|\((?:Throttling|ThrottlingException|TooManyRequestsException|RequestLimitExceeded)\)|"
            r"exceeded the request limit for|\bToo Many Requests\b"
        ),
        "AWS throttled the requests. Deploy again.",
    ),
    (
        (
            r"\b(?:Service)?LimitExceeded(?:Exception)?\b|\bCannot exceed quota for\b|exceeds? the (?:service )?quota|"
            r"\bCode storage limit exceeded\b"
        ),
        "The account reached a quota. Service Quotas shows which.",
    ),
    (
        (
            r"certificate\b.{0,200}(?:does not exist|must be in|not yet issued|is not valid|Invalid certificate)|"
            r"Invalid certificate ARN|rejected the public key"
        ),
        "The domain needs an issued certificate in this region.",
    ),
)


def advise(reason: str) -> str | None:
    """Return what to do, or None if no rule knows the message."""
    if denied := _DENIED.search(reason):
        return _advise_denied(denied["action"], denied["rest"])
    for pattern, advice in _RULES:
        if found := re.search(pattern, reason, re.IGNORECASE | re.DOTALL):
            return advice.format_map(found.groupdict())
    return None


def _advise_denied(action: str, rest: str) -> str:
    """The policy that IAM names decides whom to ask. Allowing the action helps only if none denies it."""
    kind = _BY_KIND.search(rest)
    named = ((kind["denying"] or kind["missing"]) if kind else "").lower()
    for policy, advice in _DENIALS:
        if policy.lower() in named:
            return advice.format(action=action)
    if _EXPLICIT.search(rest):
        return (
            f"A policy denies {action} explicitly, and a Deny wins over every Allow. Ask whoever manages the account: "
            "it may be a policy of the identity in the message, its permissions boundary, or an organization's policy."
        )
    if action == "sts:AssumeRole":
        return (
            "The identity in the message may not assume that role: the role must trust it, and its own policy must "
            "allow sts:AssumeRole."
        )
    return f"The identity in the message lacks {action}. Allow it, or deploy with an identity that has it."


def with_advice(said: str, *reasons: str) -> str:
    """Append the advice for each reason to the message, each once."""
    return "\n".join([said, *dict.fromkeys(found for reason in reasons if (found := advise(reason)))])
