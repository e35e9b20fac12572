"""How the service identifies people, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.journeys.api import Api, Reply
from tests.support.journeys.sealing import new_data_key, plain
from tests.support.journeys.stage import Stage, api_key_principal, iam_principal
from tests.support.journeys.story import Story
from tests.support.journeys.waiting import until

GRANTS = "/v1/grants"


def grant(story: Story, principal: str, actions: list[str]) -> Reply:
    body = {"grants": [{"actions": actions, "namespaces": [story.namespace]}]}
    return story.api.send("PUT", GRANTS, story.stage.admin, body, query={"principal": principal})


@pytest.fixture
def stranger(story: Story) -> Iterator[Callable[[list[str], list[str]], None]]:
    """Gives the stranger's API key and IAM identity these actions; takes them back at the end."""
    principals = (api_key_principal(story.stage.stranger), iam_principal(story.stage.stranger))

    def give(key: list[str], iam: list[str]) -> None:
        for principal, actions in zip(principals, (key, iam), strict=True):
            if actions:
                grant(story, principal, actions).json()

    yield give
    for principal in principals:
        story.api.send("DELETE", GRANTS, story.stage.admin, query={"principal": principal})


def test_whoami_by_key_tells_the_key_and_what_it_may(story: Story) -> None:
    found = story.api.send("GET", "/v1/whoami", story.stage.reader).json()
    assert found["iam"] is None
    assert found["api_key"]["principal"] == api_key_principal(story.stage.reader)
    assert [each["actions"] for each in found["api_key"]["grants"]] == [["read"]]


def test_whoami_signed_tells_both(story: Story) -> None:
    found = story.api.send("POST", "/v1/whoami", story.stage.writer).json()
    assert found["api_key"]["principal"] == api_key_principal(story.stage.writer)
    assert found["iam"]["principal"] == iam_principal(story.stage.writer)
    assert found["iam"]["administrator"] is False
    assert story.api.send("POST", "/v1/whoami", story.stage.admin).json()["iam"]["administrator"] is True


def test_health_is_open(api: Api) -> None:
    assert api.send("GET", "/v1/health", None).json()["status"] == "ok"


def test_without_an_api_key_nothing_is_read(story: Story) -> None:
    assert story.api.send("GET", f"{story.path}/snapshot", None).status == 403


def test_a_readers_key_writes_nothing(story: Story) -> None:
    before = story.revision
    for method, path, body in (
        ("PUT", f"{story.path}/keys/k", plain("x")),
        ("POST", f"{story.path}/changes", {"operations": [{"op": "put", "key": "k", **plain("x")}]}),
        ("POST", f"{story.path}/data-keys", new_data_key().body),
        ("PUT", story.path, {}),
        ("PUT", f"{GRANTS}?principal=api-key:a", {"grants": []}),
        ("GET", GRANTS, None),
    ):
        assert story.api.send(method, path, story.stage.reader, body).status == 403, (method, path)
    assert story.revision == before


def test_a_signature_without_an_api_key_is_refused(story: Story) -> None:
    keyless = story.stage.writer._replace(api_key="no-such-key")
    assert story.put("k", plain("x"), who=keyless).status == 403


def test_a_wrong_secret_is_refused(story: Story) -> None:
    liar = story.stage.writer._replace(secret_key="wrong-" + "x" * 30)
    assert story.put("k", plain("x"), who=liar).status == 403


def test_a_stranger_cannot_tell_a_namespace_from_one_that_is_not_there(story: Story) -> None:
    absent = f"{story.namespace}-not"
    for method, rest, body in (
        ("GET", "/snapshot", None),
        ("GET", "/keys", None),
        ("GET", "/keys/k", None),
        ("GET", "/data-keys", None),
        ("GET", "", None),
        ("PUT", "/keys/k", plain("x")),
        ("POST", "/changes", {"operations": [{"op": "delete", "key": "k"}]}),
        ("POST", "/data-keys", new_data_key().body),
        ("PUT", "", {}),
    ):
        there = story.api.send(method, f"{story.path}{rest}", story.stage.stranger, body)
        nowhere = story.api.send(method, f"/v1/namespaces/{absent}{rest}", story.stage.stranger, body)
        assert there.status == nowhere.status == 404, (method, rest)
        one, other = there.problem(), nowhere.problem()
        assert {**one, "instance": ""} == {
            **other, "instance": "", "namespace": story.namespace,
            "detail": other["detail"].replace(absent, story.namespace),
        }  # fmt: skip


def test_who_may_read_and_not_write_is_told_so(story: Story, stranger: Callable[[list[str], list[str]], None]) -> None:
    stranger(["read"], [])
    until(lambda: story.put("k", plain("x"), who=story.stage.stranger).status == 403)
    assert story.put("k", plain("x"), who=story.stage.stranger).code == "forbidden"


def test_a_grant_opens_and_its_end_closes(story: Story, stranger: Callable[[list[str], list[str]], None]) -> None:
    def read() -> int:
        return story.api.send("GET", f"{story.path}/snapshot", story.stage.stranger).status

    stranger(["read"], ["write"])
    until(lambda: read() == 200)
    until(lambda: story.put("k", plain("x"), who=story.stage.stranger).status == 201)
    principal = api_key_principal(story.stage.stranger)
    assert story.api.send("DELETE", GRANTS, story.stage.admin, query={"principal": principal}).status in {200, 204}
    until(lambda: read() == 404)


def test_write_does_not_imply_admin(story: Story) -> None:
    posted = story.api.send("POST", f"{story.path}/data-keys", story.stage.writer, new_data_key().body)
    assert posted.code == "forbidden"


def test_grants_are_told_as_they_were_given(story: Story, stranger: Callable[[list[str], list[str]], None]) -> None:
    stranger(["read"], [])
    principal = api_key_principal(story.stage.stranger)
    found = story.api.send("GET", GRANTS, story.stage.admin, query={"principal": principal}).json()
    assert found["principal"] == principal
    assert found["grants"] == [{"actions": ["read"], "namespaces": [story.namespace]}]


def test_only_an_administrator_sees_or_sets_grants(story: Story, stage: Stage) -> None:
    principal = iam_principal(stage.stranger)
    body = {"grants": [{"actions": ["admin"], "namespaces": ["*"]}]}
    for method, sent in (("GET", None), ("PUT", body), ("DELETE", None)):
        for who in (stage.writer, stage.stranger):
            assert story.api.send(method, GRANTS, who, sent, query={"principal": principal}).status == 403
    found = story.api.send("POST", "/v1/whoami", stage.stranger).json()
    assert found["iam"]["grants"] == []


def test_one_lists_only_the_namespaces_that_one_may_read(story: Story, run: str) -> None:
    def listed(who: object) -> list[str]:
        query = {"prefix": run}
        found = story.api.send("GET", "/v1/namespaces", who, query=query).json()  # type: ignore[arg-type]
        return [each["namespace"] for each in found["namespaces"]]

    assert story.namespace in listed(story.stage.reader)
    assert listed(story.stage.stranger) == []
