"""A change set commits whole or not at all."""

from __future__ import annotations

from tests.support.journeys.sealing import kms, plain, seal_body
from tests.support.journeys.story import Story


def test_all_operations_are_one_revision(story: Story) -> None:
    data_key = story.add_data_key()
    before = story.revision
    made = story.change(
        [
            {"op": "put", "key": "a", **plain("1")},
            {"op": "put", "key": "b", **seal_body(data_key, story.namespace, "b", 1, b"2")},
            {"op": "put", "key": "c", **kms()},
        ]
    )
    answer = made.json()
    assert answer["revision"] == before + 1
    assert made.headers["etag"] == f'"{before + 1}"'
    assert [(each["key"], each["version"], each["active"]) for each in answer["results"]] == [
        ("a", 1, 1), ("b", 1, 1), ("c", 1, 1),
    ]  # fmt: skip
    assert story.entries().keys() == {"a", "b", "c"}


def test_one_bad_operation_leaves_everything_as_it_was(story: Story) -> None:
    story.put("a", plain("1"))
    before, etag = story.revision, story.snapshot().headers["etag"]
    bad = {"op": "put", "key": "b", **seal_body(story.add_data_key(), story.namespace, "other", 1, b"2")}
    after_data_key = story.revision
    refused = story.change([{"op": "put", "key": "a", **plain("2")}, bad, {"op": "put", "key": "c", **plain("3")}])
    assert refused.code == "invalid_envelope"
    assert story.revision == after_data_key == before + 1
    assert story.snapshot(etag).status == 304
    assert story.get("c").status == 404


def test_activating_an_older_version_serves_it_again(story: Story) -> None:
    story.put("k", plain("one"))
    story.put("k", plain("two"))
    story.change([{"op": "activate", "key": "k", "version": 1}]).json()
    found = story.get("k").json()
    assert (found["version"], found["value"], found["latest"]) == (1, "one", 2)


def test_a_deleted_key_is_not_served_and_its_number_not_reused(story: Story) -> None:
    story.put("k", plain("one"))
    story.change([{"op": "delete", "key": "k"}]).json()
    assert story.entries() == {}
    assert story.get("k").status == 404
    assert story.put("k", plain("two")).json()["version"] == 2


def test_forty_operations_fit_and_forty_one_do_not(story: Story) -> None:
    operations: list[dict[str, object]] = [{"op": "put", "key": f"k{number}", **plain("v")} for number in range(41)]
    assert story.change(operations).code == "too_large"
    assert story.change(operations[:40]).status == 200
    assert len(story.entries()) == 40


def test_a_change_set_takes_each_key_once(story: Story) -> None:
    twice: list[dict[str, object]] = [{"op": "put", "key": "k", **plain("1")}, {"op": "delete", "key": "k"}]
    assert story.change(twice).code == "invalid_request"
