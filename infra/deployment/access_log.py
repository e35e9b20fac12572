"""The role that API Gateway logs with: one account and region share it, and a stage with an access log needs it.

Reference: API Gateway developer guide, "Set up CloudWatch logging for REST APIs in API Gateway".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.stage import Stage, StageError

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

_DENIED = {"AccessDenied", "AccessDeniedException"}
_NO_ROLE = """\
{stack} has access_log = true, and API Gateway has no role to write logs with in {region}: the deployment would fail.
Create that role once for the account and region, with the credentials that you deploy with, and deploy again:

  aws cloudformation deploy --region {region} --stack-name api-gateway-logging \\
      --template-file infra/account.yaml --capabilities CAPABILITY_IAM

Or set access_log = false in the stage file."""


def check(stage: Stage, gateway: APIGatewayClient, region: str, tell: Callable[[str], None]) -> None:
    """Check that API Gateway can write the access log that the stage asks for, before anything is uploaded.

    Raises:
        StageError: it has no role for that; the message has the command that makes one.
    """
    if not stage.access_log:
        return
    try:
        role = gateway.get_account().get("cloudwatchRoleArn")
    except ClientError as error:
        if error.response["Error"].get("Code") not in _DENIED:
            raise
        tell(
            "You may not read the account's settings of API Gateway (apigateway:GET on /account), so it was not "
            "checked whether it can write the access log."
        )
        return
    if not role:
        raise StageError(_NO_ROLE.format(stack=stage.stack, region=region))
