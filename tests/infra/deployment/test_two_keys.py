"""`make deploy` says how consumers are walked over while two API keys are side by side."""

from infra.deployment import release
from infra.deployment.change_set import Change
from infra.deployment.two_keys import advise
from infra.stage import parse

LIMITS = {"rate": 1, "burst": 1}
STAGE = parse({"stack": "s", "reader": LIMITS, "groups": [{"name": "team-a", **LIMITS}]})


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


def test_a_change_set_that_deletes_a_key_says_what_that_does() -> None:
    said = list[str]()
    release.show([Change("Remove", "ReaderKey", "AWS::ApiGateway::ApiKey")], said.append)
    assert "403" in said[-1]
    release.show([Change("Add", "ReaderKey2", "AWS::ApiGateway::ApiKey")], said.append)
    assert "403" not in said[-1]
