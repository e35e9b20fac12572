"""The rights that deploying needs in IAM, as data: calls of the commands, and of CloudFormation for each resource type.

A rule with a placeholder that the stage does not fill is left out. `{made}` begins the names that CloudFormation makes
up, `{stack}` those that the template gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """A statement before the place is filled in."""

    sid: str
    actions: str
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, object]] | None = None


_STACK = "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"
_FUNCTION = "arn:{partition}:lambda:{region}:{account}:function:{stack}-api"
# Upkeep and the probe, which have no versions and no alias.
_SCHEDULED = tuple(
    f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{each}"
    for name in ("{upkeep}", "{probe}")
    for each in (name, f"{name}:$LATEST")  # with the qualifier of an event invoke config
)
_TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/{made}*"
_KEY = "arn:{partition}:kms:{region}:{account}:key/*"
_ALIAS = "alias/{stack}/namespaces"
_HAS_THE_ALIAS = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": _ALIAS}}
# Also true of a new key, which has none. No other key may get the alias: it gives the rights of the rule Key.
_HAS_NO_OTHER_ALIAS = {"ForAllValues:StringEquals": {"kms:ResourceAliases": _ALIAS}}
# Only what the template makes: the deployer's own role and policies, or the boundary, may begin with the stack's name.
_ROLES = tuple(
    f"arn:{{partition}}:iam::{{account}}:role{{path}}{{made}}{each}-*"
    for each in ("ApiHandlerRole", "CanaryRole", "ProbeRole", "UpkeepRole")
)
_POLICIES = tuple(
    f"arn:{{partition}}:iam::{{account}}:policy{{path}}{{made}}{each}*"
    for each in ("AdministratorPolicy-", "ReaderOf", "WriterOf", "ReaderByTag-", "WriterByTag-")
)
_BUCKET = "arn:{partition}:s3:::configsvc-deployments-{account}-{region}"
_APPLICATION = "arn:{partition}:codedeploy:{region}:{account}:application:{made}*"
_GROUP = "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:{made}*/*"
_LOGS = (
    "arn:{partition}:logs:{region}:{account}:log-group:{made}*",
    # Those of stacks that were made before the names were generated.
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{stack}-api",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{stack}-api:*",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/apigateway/{stack}",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/apigateway/{stack}:*",
)
_GATEWAY = tuple(
    f"arn:{{partition}}:apigateway:{{region}}::/{each}"
    for kind in ("restapis", "usageplans", "apikeys", "domainnames")
    for each in (kind, f"{kind}/*")
)

READS = (
    Rule("ReadTheStack", "cloudformation:DescribeChangeSet DescribeEvents DescribeStackEvents DescribeStacks "
         "GetTemplate ListChangeSets ListStackResources", (_STACK,)),
    Rule("ReadTheDeployments", "s3:GetObject", (f"{_BUCKET}/{{stack}}/*",)),
    Rule("FindTheBucket", "s3:ListBucket", (_BUCKET,)),
    Rule("ReadTheVersions", "lambda:GetAlias GetFunctionConfiguration ListVersionsByFunction",
         (_FUNCTION, f"{_FUNCTION}:*")),
    Rule("ReadTheCanary", "codedeploy:BatchGetDeployments GetDeployment ListDeployments", (_GROUP,)),
    Rule("FindTheLoggingRole", "apigateway:GET", ("arn:{partition}:apigateway:{region}::/account",)),
    Rule("ReadTheAlarms", "cloudwatch:DescribeAlarms", ("*",)),  # IAM knows no resource for a list of alarms
)  # fmt: skip
PLANS = (
    Rule("ProposeChanges", "cloudformation:CreateChangeSet DeleteChangeSet TagResource", (_STACK,)),
    Rule("MakeTheBucket", "s3:CreateBucket PutBucketTagging TagResource", (_BUCKET,)),
)
# A plan runs code that nobody has reviewed. It may add code and templates, by their SHA-256, and replace none: a
# deployment under way reads them. It may not record a deployment, to which `make rollback` would go back.
ADDS = (
    Rule("AddCodeAndTemplate", "s3:PutObject",
         tuple(f"{_BUCKET}/{{stack}}/{'?' * 64}.{each}" for each in ("json", "zip")),
         {"Null": {"s3:if-none-match": "false"}}),
)  # fmt: skip
DEPLOYS = (
    Rule("UploadAndRecord", "s3:PutObject", (f"{_BUCKET}/{{stack}}/*",)),
    Rule("ChangeTheStack", "cloudformation:CancelUpdateStack ContinueUpdateRollback DeleteStack ExecuteChangeSet "
         "UntagResource UpdateTerminationProtection", (_STACK,)),
    Rule("FindWhoGetsTheAlarms", "sns:ListSubscriptionsByTopic", ("{topic}",)),
    Rule("RetireVersions", "lambda:DeleteFunction", (f"{_FUNCTION}:*",)),
    Rule("MoveTheAlias", "lambda:UpdateAlias", (_FUNCTION,)),
    Rule("StopTheCanary", "codedeploy:StopDeployment", ("*",)),  # IAM knows no resource for it
)  # fmt: skip
DESTROYS = (
    Rule("DestroyTheTable", "dynamodb:DeleteTable DescribeTable UpdateTable", (_TABLE,)),
    Rule("DestroyTheKey", "kms:DescribeKey ScheduleKeyDeletion", (_KEY,),
         _HAS_THE_ALIAS),
)  # fmt: skip
FUNCTION_RESOURCES = (
    Rule("Table", "dynamodb:CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights "
         "DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy ListTagsOfResource "
         "TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive", (_TABLE,)),
    Rule("MakeTheKey", "kms:CreateKey", ("*",)),  # it has no ARN before
    # The first multi-Region key of an account makes the role with which KMS keeps rotations the same everywhere.
    Rule("RoleOfMultiRegionKeys", "iam:CreateServiceLinkedRole",
         ("arn:{partition}:iam::{account}:role/aws-service-role/mrk.kms.amazonaws.com/*",),
         {"StringEquals": {"iam:AWSServiceName": "mrk.kms.amazonaws.com"}}),
    Rule("ReadKeys", "kms:DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags", (_KEY,)),
    Rule("Key", "kms:DeleteAlias DisableKey DisableKeyRotation EnableKey EnableKeyRotation PutKeyPolicy TagResource "
         "UntagResource UpdateAlias UpdateKeyDescription", (_KEY,), _HAS_THE_ALIAS),
    # KMS may take five minutes to see an alias that was made or removed.
    Rule("KeyWithoutAlias", "kms:CreateAlias DeleteAlias EnableKeyRotation TagResource", (_KEY,), _HAS_NO_OTHER_ALIAS),
    # A rollback of the first deployment removes the alias before the key.
    Rule("KeyOfAFailedCreation", "kms:ScheduleKeyDeletion", (_KEY,),
         {"NumericEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}, **_HAS_NO_OTHER_ALIAS}),
    Rule("KeyAlias", "kms:CreateAlias DeleteAlias UpdateAlias",
         (f"arn:{{partition}}:kms:{{region}}:{{account}}:{_ALIAS}",)),
    Rule("Function", "lambda:AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction "
         "DeleteFunctionConcurrency DeleteProvisionedConcurrencyConfig DeleteResourcePolicy GetAlias GetFunction "
         "GetFunctionCodeSigningConfig GetFunctionConfiguration GetFunctionRecursionConfig GetFunctionScalingConfig "
         "GetPolicy GetProvisionedConcurrencyConfig GetResourcePolicy GetRuntimeManagementConfig ListAliases "
         "ListVersionsByFunction PublishVersion PutFunctionConcurrency PutProvisionedConcurrencyConfig "
         "PutResourcePolicy RemovePermission TagResource UntagResource UpdateAlias UpdateFunctionCode "
         "UpdateFunctionConfiguration", (_FUNCTION, f"{_FUNCTION}:*")),
    Rule("Code", "s3:GetObject GetObjectVersion", (f"{_BUCKET}/{{stack}}/*",)),
    Rule("ListTables", "dynamodb:ListTables", ("*",)),
    Rule("ListKeys", "kms:ListAliases ListKeys", ("*",)),
    Rule("ListFunctions", "lambda:ListFunctions", ("*",)),
)  # fmt: skip
# Apart from the functions, because IAM limits a policy's length, and each role and policy has the path.
ROLE_RESOURCES = (
    Rule("Roles", "iam:DeleteRole GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies TagRole UntagRole "
         "UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription", _ROLES),
    Rule("RolesWithinTheBoundary", "iam:AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy "
         "PutRolePermissionsBoundary PutRolePolicy", _ROLES,
         {"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}}),
    Rule("PassRoles", "iam:PassRole", _ROLES,
         {"StringEquals": {"iam:PassedToService": ["codedeploy.amazonaws.com", "lambda.amazonaws.com"]}}),
    Rule("Policies", "iam:CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy "
         "GetPolicyVersion ListEntitiesForPolicy ListPolicyVersions",
         _POLICIES),
)  # fmt: skip
# Upkeep and the probe, their schedules and the rule that watches the KMS key, and what is traced.
SCHEDULED_RESOURCES = (
    Rule("ScheduledFunctions", "lambda:AddPermission CreateFunction DeleteFunction DeleteFunctionEventInvokeConfig "
         "GetFunction GetFunctionCodeSigningConfig GetFunctionConfiguration GetFunctionEventInvokeConfig "
         "GetFunctionRecursionConfig GetFunctionScalingConfig GetPolicy GetRuntimeManagementConfig "
         "ListFunctionEventInvokeConfigs PutFunctionEventInvokeConfig RemovePermission TagResource UntagResource "
         "UpdateFunctionCode UpdateFunctionConfiguration UpdateFunctionEventInvokeConfig", _SCHEDULED),
    Rule("NetworkOfTheProbe", "ec2:DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs",
         ("{vpc}",)),
    Rule("Schedules", "events:DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets "
         "RemoveTargets TagResource UntagResource", ("arn:{partition}:events:{region}:{account}:rule/{made}*",)),
    Rule("Tracing", "xray:CreateSamplingRule DeleteSamplingRule ListTagsForResource TagResource UntagResource "
         "UpdateSamplingRule", ("arn:{partition}:xray:{region}:{account}:sampling-rule/configsvc-*",)),
    Rule("ListTracing", "xray:GetSamplingRules", ("*",)),
    Rule("ListRules", "events:ListRules", ("*",)),
)  # fmt: skip
API_RESOURCES = (
    Rule("Gateway", "apigateway:DELETE GET PATCH POST PUT SetWebACL UpdateRestApiPolicy",
         (*_GATEWAY, "arn:{partition}:apigateway:{region}::/tags/*")),
    Rule("Alarms", "cloudwatch:DeleteAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource",
         ("arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-*",)),
    Rule("Dashboard", "cloudwatch:DeleteDashboards GetDashboard ListTagsForResource PutDashboard TagResource "
         "UntagResource", ("arn:{partition}:cloudwatch::{account}:dashboard/{stack}*",)),
    Rule("Canary", "codedeploy:CreateApplication CreateDeployment CreateDeploymentGroup DeleteApplication "
         "DeleteDeploymentGroup GetApplication GetApplicationRevision GetDeployment GetDeploymentConfig "
         "GetDeploymentGroup ListDeploymentGroups ListDeployments ListTagsForResource RegisterApplicationRevision "
         "TagResource UntagResource UpdateDeploymentGroup",
         (_APPLICATION, _GROUP, "arn:{partition}:codedeploy:{region}:{account}:deploymentconfig:CodeDeployDefault.*")),
    Rule("Logs", "logs:CreateLogGroup DeleteLogGroup DeleteMetricFilter DeleteRetentionPolicy "
         "DescribeMetricFilters GetDataProtectionPolicy ListTagsForResource PutMetricFilter PutRetentionPolicy "
         "TagResource UntagResource", _LOGS),
    Rule("Parameters", "ssm:AddTagsToResource DeleteParameter GetParameters ListTagsForResource PutParameter "
         "RemoveTagsFromResource", ("arn:{partition}:ssm:{region}:{account}:parameter/configsvc/{stack}/*",)),
    Rule("Records", "route53:ChangeResourceRecordSets GetHostedZone ListResourceRecordSets",
         ("arn:{partition}:route53:::hostedzone/{zone}",)),
    Rule("RecordChanges", "route53:GetChange", ("arn:{partition}:route53:::change/*",)),
    Rule("Topic", "sns:CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic "
         "ListTagsForResource SetTopicAttributes Subscribe TagResource UntagResource",
         ("arn:{partition}:sns:{region}:{account}:{made}*",)),
    Rule("Firewall", "wafv2:AssociateWebACL DisassociateWebACL GetWebACL GetWebACLForResource",
         ("{waf}",
          "arn:{partition}:apigateway:{region}::/restapis/*/stages/*")),
    Rule("Lists", "cloudwatch:DescribeAlarms ListDashboards", ("*",)),  # the lists of this account name no resource
    Rule("ListApplications", "codedeploy:ListApplications", ("*",)),
    Rule("ListLogs", "logs:DescribeIndexPolicies DescribeLogGroups DescribeQueryDefinitions DescribeResourcePolicies",
         ("*",)),
    Rule("Queries", "logs:DeleteQueryDefinition PutQueryDefinition", ("*",)),  # IAM knows no resource for a saved query
    Rule("ListParameters", "ssm:DescribeParameters", ("*",)),
    Rule("ListZones", "route53:ListHostedZones", ("*",)),
    Rule("Subscriptions", "sns:GetSubscriptionAttributes ListSubscriptions ListTopics SetSubscriptionAttributes "
         "Unsubscribe", ("*",)),
)  # fmt: skip
