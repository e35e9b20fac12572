"""Network access to the API: a resource policy, private endpoints, a firewall, a custom domain.

A resource policy is OR-ed with the caller's own IAM policy within an account (API Gateway developer guide, "How API
Gateway resource policies affect authorization workflow"). So it allows the routes that need no signature and nothing
else, or it would let every identity of the account write; and it denies everybody who comes from elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

from infra.cloudformation.template import Template
from infra.stage import Domain, Stage

_POLICY = "x-amazon-apigateway-policy"
_STAGE = {"Ref": "RestAPI.Stage"}
_REGIONAL = "AWS::ApiGateway::DomainName"


def add(template: Template, stage: Stage) -> None:
    """Write it into the template."""
    wanted, api = stage.network, template["Resources"]["RestAPI"]["Properties"]
    if wanted.vpc_endpoints:
        api["EndpointConfiguration"] = {"Type": "PRIVATE", "VPCEndpointIds": list(wanted.vpc_endpoints)}
        condition = {"StringNotEquals": {"aws:SourceVpce": list(wanted.vpc_endpoints)}}
        api["DefinitionBody"][_POLICY] = _policy(api["DefinitionBody"], condition)
    if wanted.addresses:
        condition = {"NotIpAddress": {"aws:SourceIp": list(wanted.addresses)}}
        api["DefinitionBody"][_POLICY] = _policy(api["DefinitionBody"], condition)
    if wanted.waf_acl:
        where = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}/stages/${Stage}"
        arn = {"Fn::Sub": [where, {"Stage": _STAGE}]}
        properties = {"ResourceArn": arn, "WebACLArn": wanted.waf_acl}
        template["Resources"]["Firewall"] = {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": properties}
    if stage.domain:
        _add_domain(template, stage.domain)


def _policy(body: dict[str, Any], elsewhere: dict[str, Any]) -> dict[str, Any]:
    statements: list[dict[str, Any]] = [
        {"Effect": "Deny", "Resource": "execute-api:/*", "Condition": elsewhere},
        {"Effect": "Allow", "Resource": sorted(set(_list_unsigned(body)))},
    ]
    shared = {"Principal": "*", "Action": "execute-api:Invoke"}
    return {"Version": "2012-10-17", "Statement": [{**shared, **each} for each in statements]}


def _list_unsigned(body: dict[str, Any]) -> list[str]:
    """The routes that API Gateway lets in without a signature, as resources of the policy."""
    return [
        f"execute-api:/api/{method.upper()}{re.sub(r'{[^}]+}', '*', path)}"
        for path, item in body["paths"].items()
        for method, operation in item.items()
        if not any("sigv4" in each for each in operation.get("security", []))
    ]


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
