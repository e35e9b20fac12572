"""Ready-made policies allow exactly the routes of their role, as IAM reads them: `*` matches slashes too."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from configsvc.bootstrap import app
from configsvc.web.description import Route
from configsvc_client.cli.commands.iam_policy import make_policy
from infra.cloudformation import access

API = "arn:aws:execute-api:eu-central-1:111122223333:abcde12345/api"
KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SIGNED = [route for route in app.described if route.access == "signed"]
NAMES = {"namespace": "payments.prod", "key": "db.url", "version": "7", "kid": "a" * 43}


def arn(route: Route, **names: str) -> str:
    """Return the resource that IAM checks for a request of the route."""
    return f"{API}/{route.method}{route.path.format_map(NAMES | names)}"


def is_allowed(statements: Sequence[dict[str, Any]], resource: str) -> bool:
    """Decide as IAM does: a matching Deny wins, then a matching Allow."""
    effects = {each["Effect"] for each in statements if any(matches(one, resource) for one in resources(each))}
    return effects == {"Allow"}


def resources(statement: dict[str, Any]) -> list[str]:
    if statement["Action"] != ["execute-api:Invoke"]:
        return []
    named = statement["Resource"]
    return [each if isinstance(each, str) else API + each["Fn::Sub"].partition("/api")[2] for each in named]


def matches(pattern: str, resource: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), resource) is not None


def writers(pattern: str) -> list[list[dict[str, Any]]]:
    """The stack's policy, and the one that the command line prints."""
    return [access.writer([KMS_KEY], pattern), make_policy("writer", [pattern], [KMS_KEY], API)["Statement"]]


@pytest.mark.parametrize("pattern", ["payments.prod", "payments.*", "*"])
@pytest.mark.parametrize("route", SIGNED, ids=lambda route: f"{route.method} {route.path}")
def test_a_writer_may_call_what_asks_for_write_and_nothing_else(route: Route, pattern: str) -> None:
    for statements in writers(pattern):
        assert is_allowed(statements, arn(route)) is (route.description.right in {"write", "any"}), json.dumps(
            statements
        )


@pytest.mark.parametrize("namespace", ["orders.prod", "payments", "payments.prod2", "xpayments.prod"])
@pytest.mark.parametrize("route", SIGNED, ids=lambda route: f"{route.method} {route.path}")
def test_a_writer_of_one_namespace_may_call_nothing_of_another(route: Route, namespace: str) -> None:
    for statements in writers("payments.prod"):
        assert is_allowed(statements, arn(route, namespace=namespace)) is (route.description.right == "any")


@pytest.mark.parametrize("route", SIGNED, ids=lambda route: f"{route.method} {route.path}")
def test_a_namespace_administrator_may_call_their_routes_and_no_grants(route: Route) -> None:
    statements = make_policy("administrator", ["payments.*"], [KMS_KEY], API)["Statement"]
    assert is_allowed(statements, arn(route)) is (route.description.right != "admin on *")
    assert not is_allowed(statements, arn(route, namespace="orders.prod")) or "{namespace}" not in route.path


@pytest.mark.parametrize("route", SIGNED, ids=lambda route: f"{route.method} {route.path}")
def test_an_administrator_of_everything_may_call_only_this_stage(route: Route) -> None:
    for statements in (
        access.administrator([KMS_KEY]),
        make_policy("administrator", ["*"], [KMS_KEY], API)["Statement"],
    ):
        assert is_allowed(statements, arn(route))
        assert not is_allowed(statements, arn(route).replace("/api/", "/other/", 1))


def test_a_reader_calls_nothing_that_is_signed() -> None:
    statements = [*access.reader([KMS_KEY], "*"), *make_policy("reader", ["*"], [KMS_KEY], API)["Statement"]]
    assert not [route for route in SIGNED if is_allowed(statements, arn(route))]
