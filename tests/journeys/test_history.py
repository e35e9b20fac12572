"""The past: time travel, the change log, differences."""

from __future__ import annotations

import pytest

from tests.support.journeys.sealing import plain
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.journeys.story import Story


def test_a_snapshot_of_then_is_what_readers_got_then(story: Story) -> None:
    story.put("k", plain("one")).json()
    then = story.snapshot()
    story.put("k", plain("two")).json()
    story.put("other", plain("x")).json()
    story.delete("k").json()
    found = story.read("/snapshot", {"revision": then.json()["revision"]})
    assert found.json() == then.json()
    held = {"If-None-Match": found.headers["etag"]}
    again = story.api.send(
        "GET", f"{story.path}/snapshot", story.stage.reader, headers=held, query={"revision": then.json()["revision"]}
    )
    assert again.status == 304


def test_the_revision_now_is_the_snapshot_itself(story: Story) -> None:
    story.put("k", plain("one")).json()
    now = story.snapshot()
    found = story.read("/snapshot", {"revision": story.revision})
    assert (found.body, found.headers["etag"]) == (now.body, now.headers["etag"])


def test_a_revision_to_come_is_not_found(story: Story) -> None:
    refused = story.read("/snapshot", {"revision": story.revision + 1})
    assert refused.code == "not_found"
    assert refused.problem()["revision"] == story.revision


def test_every_write_is_logged_with_who_and_why_without_value(story: Story) -> None:
    story.put("k", {**plain("canary-value"), "message": "first"}, {"X-Correlation-Id": "of-the-put"}).json()
    story.change([{"op": "put", "key": "a", **plain("canary-value")}, {"op": "delete", "key": "k"}]).json()
    found = story.read("/changes")
    changes = found.json()["changes"]
    assert [each["revision"] for each in changes] == list(range(1, story.revision + 1))
    put, change = changes[-2:]
    assert (put["message"], put["correlation_id"]) == ("first", "of-the-put")
    assert (put["principal"], put["arn"]) == (iam_principal(story.stage.writer), story.stage.writer.arn)
    assert put["api_key"] == api_key_principal(story.stage.writer)
    assert put["keys"] == [{"key": "k", "op": "put", "version": 1, "was": None, "now": 1}]
    assert [(each["key"], each["was"], each["now"]) for each in change["keys"]] == [("a", None, 1), ("k", 1, None)]
    assert b"canary-value" not in found.body


def test_the_log_is_followed_by_pages_and_from_a_revision(story: Story) -> None:
    for number in range(5):
        story.put(f"k{number}", plain("x")).json()
    seen: list[int] = []
    query: dict[str, object] = {"limit": 2, "since": 1}
    while True:
        page = story.read("/changes", query).json()
        seen += [each["revision"] for each in page["changes"]]
        if page["cursor"] is None:
            break
        query = {"limit": 2, "cursor": page["cursor"]}
    assert seen == [2, 3, 4, 5, 6]


def test_the_log_is_filtered_by_key_principal_and_time(story: Story) -> None:
    story.put("a", plain("x")).json()
    story.put("b", plain("x")).json()

    def revisions(**query: object) -> list[int]:
        return [each["revision"] for each in story.read("/changes", query).json()["changes"]]

    assert revisions(key="b") == [3]
    assert revisions(principal=iam_principal(story.stage.admin)) == [1]
    assert revisions(principal=iam_principal(story.stage.writer), key="a") == [2]
    at = story.read("/changes").json()["changes"][-1]["at"]
    assert 3 in revisions(after_time=at)
    assert 3 not in revisions(before_time=at)
    assert revisions(after_time="2999-01-01") == []


def test_what_differs_between_revisions_is_told_by_version(story: Story) -> None:
    story.put("same", plain("x")).json()
    start = story.put("moved", plain("one")).json()["revision"]
    story.put("moved", plain("two")).json()
    end = story.put("new", plain("canary-value")).json()["revision"]
    found = story.read("/diff", {"from": start})
    assert (found.json()["from"], found.json()["to"]) == (start, end)
    side = {"form": "plain", "content_type": "text/plain"}
    assert found.json()["differences"] == [
        {"key": "moved", "was": {"version": 1, **side}, "now": {"version": 2, **side}},
        {"key": "new", "was": None, "now": {"version": 1, **side}},
    ]
    assert b"canary-value" not in found.body
    assert story.read("/diff", {"from": end, "to": end}).json()["differences"] == []


def test_what_differs_from_another_namespace_is_told_without_values(story: Story) -> None:
    other = Story(story.api, story.stage, f"{story.namespace}.b")
    other.create()
    for each, text in ((story, "canary-one"), (other, "canary-two")):
        each.put("k", plain(text)).json()
        each.put("same", plain("x")).json()
    found = story.read("/diff", {"against": other.namespace})
    assert [(each["key"], each["values"]) for each in found.json()["differences"]] == [("k", "different")]
    assert b"canary" not in found.body


def test_a_namespace_that_one_may_not_read_is_not_compared_with(story: Story) -> None:
    for name in ("elsewhere.prod", f"{story.namespace}.absent"):
        assert story.read("/diff", {"against": name}).code == "not_found"


@pytest.mark.parametrize(
    ("rest", "query"),
    [
        ("/snapshot", {"revision": "0"}),
        ("/snapshot", {"revision": "x"}),
        ("/changes", {"since": "-1"}),
        ("/changes", {"after_time": "yesterday"}),
        ("/changes", {"before_time": "2027-01-15T08:00:00"}),
        ("/changes", {"cursor": "not one of ours!"}),
        ("/changes", {"until": "1"}),
        ("/diff", {}),
        ("/diff", {"to": "1"}),
        ("/diff", {"from": "1", "against": "other"}),
        ("/diff", {"from": "0"}),
    ],
    ids=str,
)
def test_history_is_asked_for_properly(story: Story, rest: str, query: dict[str, object]) -> None:
    assert story.read(rest, query).code == "invalid_request"


def test_grants_have_a_change_log_of_their_own(story: Story) -> None:
    found = story.api.send("GET", "/v1/grants/changes", story.stage.admin).json()
    ours = [each for each in found["changes"] if each["subject"] == api_key_principal(story.stage.reader)]
    assert ours[-1]["verb"] == "set_grants"
    assert ours[-1]["principal"] == iam_principal(story.stage.admin)
    assert story.api.send("GET", "/v1/grants/changes", story.stage.stranger).code == "forbidden"
