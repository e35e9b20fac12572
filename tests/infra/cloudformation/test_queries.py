"""The queries of the runbooks are saved in the stack, beside the logs that they ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloudformation import queries
from infra.cloudformation.queries import QUERIES, Query
from infra.packaging.service_zip import Package
from infra.stage import parse
from tests.infra.cloudformation.test_options import expanded
from tests.support.infra.schemas import schema_of


def saved(built: Package, **stage: object) -> dict[str, dict[str, Any]]:
    """The saved queries of a stage by name, without the stack."""
    found = expanded(built, parse({"stack": "s", **stage}))["Resources"].values()
    properties = [each["Properties"] for each in found if each["Type"] == "AWS::Logs::QueryDefinition"]
    return {each["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/"): each for each in properties}


def test_each_query_is_saved_with_its_log_and_its_text(built_package: Package) -> None:
    found = saved(built_package, access_log=True)
    groups = expanded(built_package, parse({"stack": "s", "access_log": True}))["Resources"]
    assert {name: each["QueryString"] for name, each in found.items()} == {
        each.name: each.text for each in QUERIES if each.log in groups
    }
    assert all(groups[each["LogGroupNames"][0]["Ref"]]["Type"] == "AWS::Logs::LogGroup" for each in found.values())


def test_without_an_access_log_its_queries_are_left_out(built_package: Package) -> None:
    of_access = {each.name for each in QUERIES if each.log == queries.ACCESS}
    assert saved(built_package, access_log=True).keys() - saved(built_package).keys() == of_access


def test_names_are_unique_and_texts_fit() -> None:
    limits = schema_of("AWS::Logs::QueryDefinition")["properties"]
    assert len({each.name for each in QUERIES}) == len(QUERIES)
    assert max(len(each.text) for each in QUERIES) <= limits["QueryString"]["maxLength"]
    assert max(len(each.name) for each in QUERIES) + 129 <= limits["Name"]["maxLength"]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_dashboard_can_show_each_query(query: Query) -> None:
    text = queries.for_dashboard(query.name)
    assert text == f"SOURCE '${{{query.log}}}' | {query.text}"
    assert "${" not in query.text  # Fn::Sub would look for it
    assert json.loads(json.dumps(text)) == text


def test_an_unknown_query_is_an_error() -> None:
    with pytest.raises(KeyError):
        queries.for_dashboard("nothing")
