"""`make deploy` says how consumers are walked over while two API keys work, and deletes none that is in use."""

import pytest

from infra.deployment import release
from infra.deployment.change_set import Change
from infra.deployment.two_keys import advise, find_lost
from infra.stage import parse

LIMITS = {"rate": 1, "burst": 1}
STAGE = parse(
    {"stack": "s", "reader": LIMITS | {"generation": 2}, "groups": [{"name": "team-a", "generation": 2, **LIMITS}]}
)
MADE = {"ReaderKey2": "newest", "ReaderKey": "older", "TeamAApiKey2": "newest-a", "TeamAApiKey": "older-a"}
OUTPUTS = {"ReaderKeyId": "newest", "ApiKeyIdOfTeamA": "newest-a"}


def test_one_key_needs_no_advice() -> None:
    assert advise(STAGE, {"ReaderKeyId": "new", "ApiKeyIdOfTeamA": "other"}) == []


def test_the_grants_are_copied_before_the_old_key_is_deleted() -> None:
    said = advise(STAGE, {"ReaderKeyId": "new1", "PreviousReaderKeyId": "old1"})
    assert "configsvc grant api-key:new1 --like api-key:old1" in said[1]
    assert "keys = 1 in [reader]" in said[-1]


def test_a_group_is_named_as_in_the_stage_file() -> None:
    said = "\n".join(advise(STAGE, {"ApiKeyIdOfTeamA": "new2", "PreviousApiKeyIdOfTeamA": "old2"}))
    assert "Two API keys of team-a work: the new one is new2, the old one old2." in said
    assert "keys = 1 in the [[groups]] entry team-a" in said


def test_the_second_key_of_generation_1_is_not_called_old() -> None:
    first = parse({"stack": "s", "reader": {**LIMITS, "keys": 2}})
    said = "\n".join(advise(first, {"ReaderKeyId": "used", "PreviousReaderKeyId": "spare"}))
    assert "configsvc grant api-key:spare --like api-key:used" in said
    assert "deletes spare" in said
    assert "keys = 1" not in said


def lose(**reader: int) -> list[str]:
    """The refusals of a stack at generation 2 that is deployed with this `[reader]`."""
    return list(find_lost(parse({"stack": "s", "reader": LIMITS | reader}), OUTPUTS, MADE))


@pytest.mark.parametrize(
    "reader", [{"generation": 2}, {"generation": 2, "keys": 2}, {"generation": 3}, {"generation": 3, "keys": 2}]
)
def test_no_generation_by_one_deletes_the_newest_key(reader: dict[str, int]) -> None:
    assert lose(**reader) == []


@pytest.mark.parametrize(
    "reader", [{"generation": 4}, {"generation": 4, "keys": 2}, {"generation": 1}, {"generation": 1, "keys": 2}]
)
def test_a_generation_that_would_delete_the_newest_key_is_refused(reader: dict[str, int]) -> None:
    (said,) = lose(**reader)
    assert f"With generation = {reader['generation']} in [reader]" in said
    assert "API key newest," in said


@pytest.mark.parametrize("generation", [1, 2, 3, 4])
def test_one_key_that_the_file_asks_for_deletes_the_others(generation: int) -> None:
    assert lose(generation=generation, keys=1) == []


def test_the_keys_of_groups_are_kept_as_well() -> None:
    group = {"name": "team-a", "generation": 4, **LIMITS}
    (said,) = find_lost(parse({"stack": "s", "reader": LIMITS | {"generation": 2}, "groups": [group]}), OUTPUTS, MADE)
    assert "newest-a" in said
    assert "the [[groups]] entry team-a" in said


def test_a_new_stack_has_no_key_to_lose() -> None:
    assert list(find_lost(STAGE, {}, {})) == []


def test_a_change_set_that_deletes_a_key_says_what_that_does() -> None:
    said = list[str]()
    release.show([Change("Remove", "ReaderKey", "AWS::ApiGateway::ApiKey")], said.append)
    assert "403" in said[-1]
    release.show([Change("Add", "ReaderKey2", "AWS::ApiGateway::ApiKey")], said.append)
    assert "403" not in said[-1]
