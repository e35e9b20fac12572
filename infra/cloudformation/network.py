"""Access to the API: a resource policy, private endpoints, a firewall, a custom domain.

Where an API has a resource policy, a request without a signature needs its Allow. For a signed one it depends on the
caller's account (API Gateway developer guide, "How API Gateway resource policies affect authorization workflow"):

- of the API's own account, an Allow of either the resource policy or the caller's IAM policy is enough (table A);
- of another account, both must allow it (table B).

So the policy allows everybody the routes that need no signature. The signed routes it allows other accounts only: named
there, every identity of the own account could write. And it denies everybody who comes from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.cloudformation.access import Statement
from infra.cloudformation.kms_key import ELSEWHERE, in_org, name_accounts
from infra.cloudformation.template import Template
from infra.stage import Domain, Stage, StageError

_POLICY = "x-amazon-apigateway-policy"
_STAGE = {"Ref": "RestAPI.Stage"}
_REGIONAL = "AWS::ApiGateway::DomainName"
_LONGEST = 8192  # bytes ("Amazon API Gateway quotas": length of a resource policy)
_EXPANDED = "arn:aws-us-gov:execute-api:us-gov-west-1:111122223333:abcdefghij/"  # how API Gateway keeps `execute-api:/`

Condition = dict[str, Any]


def add(template: Template, stage: Stage) -> None:
    """Write it into the template.

    Raises:
        StageError: more accounts are named than the policy has room for.
    """
    wanted, api = stage.network, template["Resources"]["RestAPI"]["Properties"]
    if wanted.vpc_endpoints:
        api["EndpointConfiguration"] = {"Type": "PRIVATE", "VPCEndpointIds": list(wanted.vpc_endpoints)}
    if statements := _list_statements(stage, api["DefinitionBody"]):
        api["DefinitionBody"][_POLICY] = _policy(statements)
    if wanted.waf_acl:
        where = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}/stages/${Stage}"
        arn = {"Fn::Sub": [where, {"Stage": _STAGE}]}
        properties = {"ResourceArn": arn, "WebACLArn": wanted.waf_acl}
        template["Resources"]["Firewall"] = {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": properties}
    if stage.domain:
        _add_domain(template, stage.domain)


def _policy(statements: list[Statement]) -> dict[str, Any]:
    policy = {"Version": "2012-10-17", "Statement": statements}
    written = json.dumps(policy, separators=(",", ":")).replace("execute-api:/", _EXPANDED)
    if (length := len(written)) > _LONGEST:
        raise StageError(
            f"consumer_accounts, network: the API's resource policy would have {length:,} bytes, and API Gateway takes "
            f"{_LONGEST:,}. Name the organization (consumer_org) instead of its accounts, or fewer addresses."
        )
    return policy


def _list_statements(stage: Stage, body: dict[str, Any]) -> list[Statement]:
    """The statements of the resource policy; none if everybody may reach the API and nobody signs from elsewhere."""
    denied = [_invoke("Deny", "*", "execute-api:/*", each) for each in _come_from_elsewhere(stage)]
    foreign = [_invoke("Allow", *each) for each in _list_foreign(stage, _list_routes(body, signed=True))]
    if not denied and not foreign:
        return []
    return [*denied, _invoke("Allow", "*", _list_routes(body, signed=False)), *foreign]


def _come_from_elsewhere(stage: Stage) -> Iterator[Condition]:
    if stage.network.vpc_endpoints:
        yield {"StringNotEquals": {"aws:SourceVpce": list(stage.network.vpc_endpoints)}}
    if stage.network.addresses:
        yield {"NotIpAddress": {"aws:SourceIp": list(stage.network.addresses)}}


def _list_foreign(stage: Stage, routes: list[str]) -> Iterator[tuple[object, list[str], Condition]]:
    """The consumer accounts and the organization, never with the own account: it may be one of them."""
    if stage.consumer_accounts:
        yield {"AWS": name_accounts(stage)}, routes, ELSEWHERE
    if stage.consumer_org:
        yield "*", routes, ELSEWHERE | in_org(stage.consumer_org)


def _invoke(effect: str, principal: object, routes: str | list[str], condition: Condition | None = None) -> Statement:
    statement = {"Effect": effect, "Principal": principal, "Action": "execute-api:Invoke", "Resource": routes}
    return statement | ({"Condition": condition} if condition else {})


def _list_routes(body: dict[str, Any], *, signed: bool) -> list[str]:
    """The routes that need a signature or need none, as resources of the policy."""
    found = {
        f"execute-api:/api/{method.upper()}{re.sub(r'{[^}]+}', '*', path)}"
        for path, item in body["paths"].items()
        for method, operation in item.items()
        if any("sigv4" in each for each in operation.get("security", [])) is signed
    }
    return sorted(found)


def _add_domain(template: Template, domain: Domain) -> None:
    resources = template["Resources"]
    resources["Domain"] = {
        "Type": _REGIONAL,
        "Properties": {
            "DomainName": domain.name, "RegionalCertificateArn": domain.certificate, "SecurityPolicy": "TLS_1_2",
            "EndpointConfiguration": {"Types": ["REGIONAL"]},
        },
    }  # fmt: skip
    mapping = {"DomainName": {"Ref": "Domain"}, "RestApiId": {"Ref": "RestAPI"}, "Stage": _STAGE}
    resources["DomainMapping"] = {"Type": "AWS::ApiGateway::BasePathMapping", "Properties": mapping}
    if domain.hosted_zone:
        target = {
            "DNSName": {"Fn::GetAtt": ["Domain", "RegionalDomainName"]},
            "HostedZoneId": {"Fn::GetAtt": ["Domain", "RegionalHostedZoneId"]},
        }
        record = {"Name": domain.name, "Type": "A", "HostedZoneId": domain.hosted_zone, "AliasTarget": target}
        resources["DomainRecord"] = {"Type": "AWS::Route53::RecordSet", "Properties": record}
    template["Outputs"]["ApiUrl"] = {"Value": f"https://{domain.name}"}
