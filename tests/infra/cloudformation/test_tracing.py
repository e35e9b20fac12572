"""X-Ray traces no polls, and everything else as before; its own SDK says what the rules match."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from configsvc.model.names import Namespace
from configsvc_client._service.many import build_target
from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import parse
from tests.infra.cloudformation.test_options import expanded
from tests.support.infra.policy_evaluator import resolve
from tests.support.infra.sampling import Request, list_matches
from tests.support.infra.schemas import schema_of

PYTHON = str(ROOT / ".venvs/linters/bin/python")
STACK = "configsvc-prod"
SEVERAL = build_target("/api", [Namespace("payments.prod"), Namespace("shop.prod")])
POLLS = (
    SEVERAL,
    SEVERAL.partition("?")[0],
    "/v1/namespaces/payments.prod/snapshot",
    "/api/v1/namespaces/payments.prod/snapshot",  # with the stage
    "/config/v1/namespaces/payments.prod/snapshot",  # with a base path of a custom domain
    "/api/v1/namespaces/configsvc.probe/snapshot",
)
OTHERS = (
    ("GET", "/v1/health"),
    ("GET", "/v1/namespaces"),
    ("GET", "/v1/namespaces/payments.prod"),
    ("GET", "/v1/namespaces/payments.prod/keys"),
    ("GET", "/api/v1/namespaces/payments.prod/keys/db.url"),
    ("GET", "/v1/namespaces/payments.prod/keys/db.snapshot"),
    ("GET", "/v1/namespaces/snapshot"),
    ("GET", "/v1/namespaces/payments.prod/log"),
    ("PUT", "/v1/namespaces/payments.prod/keys/snapshot"),
    ("POST", "/v1/namespaces/payments.prod/changes"),
    ("POST", "/v1/whoami"),
)


@pytest.fixture(scope="module")
def template(built_package: Package) -> Template:
    return expanded(built_package, parse({"stack": STACK}))


def list_rules(template: Template) -> list[dict[str, Any]]:
    rules = [each for each in template["Resources"].values() if each["Type"] == "AWS::XRay::SamplingRule"]
    return [each["Properties"]["SamplingRule"] for each in rules]


@pytest.fixture(scope="module")
def rules(template: Template) -> list[dict[str, Any]]:
    return [
        {**found, "RuleName": "rule", "ServiceName": resolve(found["ServiceName"], {"AWS::StackName": STACK})}
        for found in list_rules(template)
    ]


def list_untraced(rules: list[dict[str, Any]], requests: list[Request]) -> list[bool]:
    return [any(found) for found in zip(*(list_matches(PYTHON, rule, requests) for rule in rules), strict=True)]


def request(method: str, path: str, service: str = f"{STACK}/api") -> Request:
    return {
        "host": "a1b2c3.execute-api.eu-west-1.amazonaws.com", "method": method, "path": path, "service": service,
        "service_type": "AWS::ApiGateway::Stage",
    }  # fmt: skip


@pytest.mark.slow  # it needs the environment of the linters
def test_every_poll_matches_and_nothing_else_does(rules: list[dict[str, Any]]) -> None:
    polls = [request("GET", path) for path in POLLS]
    others = [request(*each) for each in OTHERS]
    foreign = [request("GET", POLLS[0], service) for service in ("configsvc-dev/api", f"{STACK}/other", "pets/api")]
    function: list[Request] = [{**request("GET", POLLS[0]), "service_type": "AWS::Lambda::Function"}]
    found = list_untraced(rules, [*polls, *others, *foreign, *function])
    assert found == [True] * len(polls) + [False] * (len(found) - len(polls))


@pytest.mark.slow  # it needs the environment of the linters
def test_every_route_that_serves_snapshots_is_untraced(template: Template, rules: list[dict[str, Any]]) -> None:
    routes = template["Resources"]["RestAPI"]["Properties"]["Body"]["paths"]
    paths = [re.sub(r"\{\w+\}", "payments.prod", path) for path in routes if re.search(r"/snapshots?$", path)]
    assert len(paths) == 2
    assert list_untraced(rules, [request("GET", f"/api{path}") for path in paths]) == [True, True]


def test_a_match_is_never_traced_and_wins_over_the_default_rule(rules: list[dict[str, Any]]) -> None:
    assert rules
    for rule in rules:
        assert (rule["ReservoirSize"], rule["FixedRate"]) == (0, 0)
        assert rule["Priority"] < 10_000  # of X-Ray's default rule


def test_the_api_and_its_stage_are_called_as_the_rules_say(template: Template, rules: list[dict[str, Any]]) -> None:
    resources = template["Resources"]
    assert resources["RestAPI"]["Properties"]["Name"] == {"Ref": "AWS::StackName"}
    for rule in rules:
        assert rule["ServiceName"] == f"{STACK}/{resources['RestAPIapiStage']['Properties']['StageName']}"
        text, names = rule["ResourceARN"]["Fn::Sub"]
        assert text.endswith("::/restapis/${RestAPI}/stages/${Stage}")
        assert names == {"Stage": {"Ref": "RestAPIapiStage"}}


def test_the_names_fit_for_every_stack_and_differ(rules: list[dict[str, Any]], template: Template) -> None:
    """The longest name of a stack has 60 characters, and its id is a UUID."""
    limits = schema_of("AWS::XRay::SamplingRule")["definitions"]
    longest = limits["SamplingRule"]["properties"]["ServiceName"]["maxLength"]
    assert all(len("s" * 60 + rule["ServiceName"].removeprefix(STACK)) <= longest for rule in rules)
    split = str(uuid4()).split("-")
    names = set()
    for text, parts in (rule["RuleName"]["Fn::Sub"] for rule in list_rules(template)):
        assert [part["Fn::Select"][0] for part in parts.values()] == [0, 4]
        names.add(text.replace("${Time}", split[0]).replace("${Maker}", split[4]))
    assert len(names) == len(rules)
    assert all(len(name) <= limits["RuleName"]["maxLength"] for name in names)
    assert all(name.startswith("configsvc-") for name in names)  # what the deployer may create


def test_a_stage_that_traces_polls_takes_nothing_of_the_quota_of_rules(built_package: Package) -> None:
    assert list_rules(expanded(built_package, parse({"stack": STACK, "trace_polls": True}))) == []
