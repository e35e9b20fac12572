"""Against the real Parameters utility of Powertools for AWS Lambda."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError

from configsvc_client.powertools import ConfigsvcProvider
from configsvc_client.testing import FakeService

CANARY = "canary-91ffab20"


@pytest.fixture
def provider(configsvc_fake: FakeService) -> ConfigsvcProvider:
    """Of a service with values of every type."""
    configsvc_fake.put_all({
        "db.url": "postgres://db", "db.password": CANARY, "db.limits.json": {"a": [1, "é"]}, "blob": b"\x00\xff",
        "encoded.binary": "YWJj", "dbx": "not below db",
    })  # fmt: skip
    return ConfigsvcProvider(configsvc_fake.config())


def test_a_parameter_is_text_bytes_or_the_text_of_json(provider: ConfigsvcProvider) -> None:
    assert provider.get("db.url") == "postgres://db"
    assert provider.get("blob") == b"\x00\xff"
    assert provider.get("db.limits.json") == '{"a":[1,"é"]}'


def test_transforms_are_those_of_powertools(provider: ConfigsvcProvider) -> None:
    assert provider.get("db.limits.json", transform="json") == {"a": [1, "é"]}
    assert provider.get("encoded.binary", transform="binary") == b"abc"
    assert provider.get("db.limits.json", transform="auto") == {"a": [1, "é"]}
    with pytest.raises(TransformParameterError):
        provider.get("db.url", transform="json")


def test_several_are_those_below_a_path_named_without_it(provider: ConfigsvcProvider) -> None:
    below = {"url": "postgres://db", "password": CANARY, "limits.json": '{"a":[1,"é"]}'}
    assert provider.get_multiple("db") == provider.get_multiple("db.") == below
    assert provider.get_multiple("db", transform="auto") == {**below, "limits.json": {"a": [1, "é"]}}
    assert len(provider.get_multiple("")) == 6
    assert provider.get_multiple("nothing") == {}


def test_it_is_kept_for_max_age_and_fetched_on_demand(configsvc_fake: FakeService, provider: ConfigsvcProvider) -> None:
    assert provider.get("db.url", max_age=1_000) == "postgres://db"
    configsvc_fake.put("db.url", "newer")
    assert provider.get("db.url") == "postgres://db"
    assert provider.get("db.url", force_fetch=True) == "newer"
    assert provider.get("db.url") == "newer"
    configsvc_fake.put("db.url", "newest")
    assert provider.get_multiple("db", force_fetch=True)["url"] == "newest"


def test_without_a_cache_of_its_own_the_config_s_freshness_is_what_counts(
    configsvc_fake: FakeService, provider: ConfigsvcProvider
) -> None:
    assert provider.get("db.url", max_age=0) == "postgres://db"
    configsvc_fake.put("db.url", "newer")
    assert provider.get("db.url", max_age=0) == "postgres://db"
    configsvc_fake.clock.advance(61)
    assert provider.get("db.url", max_age=0) == "newer"
    assert len(configsvc_fake.requests) == 2


def test_failures_are_those_of_powertools_and_show_no_value(
    configsvc_fake: FakeService, provider: ConfigsvcProvider
) -> None:
    with pytest.raises(GetParameterError, match=r"no\.such"):
        provider.get("no.such")
    configsvc_fake.fail()
    with pytest.raises(GetParameterError, match="down"):
        provider.get("db.password", force_fetch=True)
    with pytest.raises(TransformParameterError) as caught:
        provider.get("db.password", transform="json")
    assert CANARY not in str(caught.value)
