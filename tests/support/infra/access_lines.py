"""Lines of the access log as API Gateway writes them from the format of the stage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from infra.cloudformation import access_log

_NAMES = """
accountId apiId authenticate.error authenticate.latency authenticate.status authorize.error authorize.latency
authorize.status authorizer.error authorizer.integrationLatency authorizer.integrationStatus authorizer.latency
authorizer.principalId authorizer.requestId authorizer.status awsEndpointRequestId cipherSuite
customDomain.basePathMatched deploymentId domainName domainPrefix endpointType error.message error.messageString
error.responseType error.validationErrorString extendedRequestId httpMethod identity.accountId identity.apiKey
identity.apiKeyId identity.caller identity.clientCert.clientCertPem identity.clientCert.issuerDN
identity.clientCert.serialNumber identity.clientCert.subjectDN identity.clientCert.validity.notAfter
identity.clientCert.validity.notBefore identity.cognitoAuthenticationProvider identity.cognitoAuthenticationType
identity.cognitoIdentityId identity.cognitoIdentityPoolId identity.principalOrgId identity.sourceIp identity.user
identity.userAgent identity.userArn identity.vpcId identity.vpceId integration.error integration.integrationStatus
integration.latency integration.requestId integration.status integrationLatency integrationStatus isCanaryRequest path
protocol requestId requestTime requestTimeEpoch resourceId resourcePath responseLatency responseLength
responseOverride.status stage status tlsVersion waf.error waf.latency waf.status wafResponseCode webaclArn xrayTraceId
"""
VARIABLES = frozenset(_NAMES.split())
"""API Gateway developer guide, "Variables for access logging for API Gateway" (REST APIs)."""


def render(values: Mapping[str, str], *, escape: bool = True) -> str:
    """Writes a line: - for what is not given, as API Gateway does.

    Args:
        values: by variable, without `$context.`.
        escape: whether quotes and the like in values are escaped, which API Gateway does but does not document.

    Raises:
        ValueError: a value for what the format does not log.
    """
    asked = re.findall(r"\$context\.([\w.]+)", access_log.FORMAT)
    if unknown := values.keys() - set(asked):
        raise ValueError(f"the format does not log {sorted(unknown)}")

    def fill(found: re.Match[str]) -> str:
        text = values.get(found[1], "-")
        return json.dumps(text, ensure_ascii=False)[1:-1] if escape else text

    return re.sub(r"\$context\.([\w.]+)", fill, access_log.FORMAT)
