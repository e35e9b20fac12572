"""The saved queries of a deployed stack, asked as the operations guide says, about requests that were really made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from infra.cloudformation.queries import QUERIES, REQUESTS
from infra.paths import ROOT as REPOSITORY
from local.clients import REGION, ROOT, make_client_arguments
from local.logs import lines
from tests.support.deployed.without_our_tools import walk
from tests.support.fixtures.deployed import STACK, Deployed
from tests.support.journeys.api import Api

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

SCRIPT = REPOSITORY / "scripts" / "on-call.sh"


def run(deployed: Deployed, folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Runs a saved query with the shell function of the runbooks."""
    settings = {
        "AWS_ENDPOINT_URL": deployed.stack.endpoint, "AWS_DEFAULT_REGION": REGION, "NO_PROXY": "*",
        "AWS_ACCESS_KEY_ID": ROOT.access_key_id, "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
    }  # fmt: skip
    return walk(f"STACK={STACK}\nsource {SCRIPT}\nsaved_query {words}", settings, folder)


def ask(deployed: Deployed, folder: Path, words: str) -> list[dict[str, str]]:
    """The rows of a saved query that is answered."""
    done = run(deployed, folder, words)
    assert done.returncode == 0, done.stderr
    rows = [[member.split("=", 1) for member in line.split("\t")] for line in done.stdout.splitlines()]
    return [{name: json.loads(value) for name, value in row} for row in rows]


def find(deployed: Deployed, folder: Path, words: str) -> list[dict[str, str]]:
    """The rows, as soon as there are any: the emulator writes a function's log after its response."""
    return next(rows for rows in (ask(deployed, folder, words) for _ in range(10)) if rows)


def test_the_stack_has_every_query_whose_log_it_has(deployed: Deployed) -> None:
    arguments = make_client_arguments(deployed.stack.endpoint)
    pages = boto3.client("cloudformation", **arguments).get_paginator("list_stack_resources").paginate(StackName=STACK)
    resources = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    logs = boto3.client("logs", **arguments)
    found = logs.describe_query_definitions(queryDefinitionNamePrefix=f"{STACK}/")["queryDefinitions"]
    assert {each["name"].partition("/")[2]: each["queryString"] for each in found} == {
        query.name: query.text for query in QUERIES if query.log in resources
    }
    assert REQUESTS in resources


def test_who_asked_is_found_with_the_runbooks_function(deployed: Deployed, tmp_path: Path) -> None:
    namespace = f"payments.{uuid4().hex[:8]}"
    api, person = Api(deployed.stack.url, REGION), deployed.people.administrator
    made = api.send("PUT", f"/v1/namespaces/{namespace}", person, {}, headers={"user-agent": "tool/1"})
    assert made.status == 201
    [row] = find(deployed, tmp_path, f"who-wrote NAMESPACE={namespace}")
    assert (row["status"], row["method"], row["route"]) == ("201", "PUT", "/v1/namespaces/{namespace}")
    assert (row["principal"], row["user_agent"], row["source_ip"]) == (person.arn, "tool/1", "127.0.0.1")
    assert [each["correlation_id"] for each in ask(deployed, tmp_path, "changes") if each.get("namespace") == namespace]
    assert ask(deployed, tmp_path, f"who-read NAMESPACE={namespace}") == []


def test_a_user_agent_cannot_pretend_to_be_another_member(deployed: Deployed, tmp_path: Path) -> None:
    namespace, agent = f"payments.{uuid4().hex[:8]}", 'x"]\\  principal="root"  status=["200"] \x1b[31m'
    api, person = Api(deployed.stack.url, REGION), deployed.people.administrator
    api.send("PUT", f"/v1/namespaces/{namespace}", person, {}, headers={"user-agent": agent})
    [row] = find(deployed, tmp_path, f"who-wrote NAMESPACE={namespace}")
    assert (row["principal"], row["status"]) == (person.arn, "201")
    assert row["user_agent"] == agent.replace("\x1b", "\ufffd")


def test_a_namespace_that_differs_by_its_dot_is_another(deployed: Deployed, tmp_path: Path) -> None:
    unique = uuid4().hex[:8]
    api, person = Api(deployed.stack.url, REGION), deployed.people.administrator
    for namespace in (f"a.{unique}", f"a-{unique}"):
        api.send("PUT", f"/v1/namespaces/{namespace}", person, {})
    assert find(deployed, tmp_path, f"who-wrote NAMESPACE=a-{unique}")
    assert len(find(deployed, tmp_path, f"who-wrote NAMESPACE=a.{unique}")) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("who-read", "Say what replaces the word in capitals"),
        ("who-read NAMESPACE", "Say what replaces"),
        ("who-read NAMESPACE=", "Give NAMESPACE a value"),
        ("who-read 'NAMESPACE=x\" or status > \"0'", "Give NAMESPACE a value"),
        ("who-read namespace=payments.prod", "no placeholder named namespace"),
        ("changes NAMESPACE=payments.prod", "no placeholder named NAMESPACE"),
        ("who-red NAMESPACE=payments.prod", "no saved query named 'who-red'"),
        ("", "no saved query named ''"),
    ],
)
def test_what_would_find_nothing_by_mistake_is_refused(
    deployed: Deployed, tmp_path: Path, words: str, why: str
) -> None:
    done = run(deployed, tmp_path, words)
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr


def test_the_scheduled_functions_are_in_make_logs_and_have_queries(deployed: Deployed, tmp_path: Path) -> None:
    function = f"{STACK}-upkeep"
    client = boto3.client("lambda", **make_client_arguments(deployed.stack.endpoint))
    answered = client.invoke(FunctionName=function, Payload=b'{"task": "heartbeat"}')
    assert not answered.get("FunctionError")
    shown = (lines(deployed.stack.endpoint) for _ in range(50))
    assert any('"task":"heartbeat"' in line.text for each in shown for line in each if line.function == function)
    assert ask(deployed, tmp_path, "upkeep-failures") == []
