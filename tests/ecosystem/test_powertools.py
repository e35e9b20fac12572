"""The provider with the real Parameters utility of Powertools for AWS Lambda."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
from moto import mock_aws

from configsvc_client.powertools import ConfigsvcProvider
from configsvc_client.testing import FakeService
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values

CANARY = "canary-91ffab20"


@pytest.fixture
def provider(configsvc_fake: FakeService) -> ConfigsvcProvider:
    """A provider for a service with values of every type."""
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


def test_without_its_own_cache_the_config_s_freshness_counts(
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


@pytest.fixture
def layers(configsvc_fake: FakeService) -> ConfigsvcProvider:
    """A provider for a service with keys on several levels, one of them the path itself."""
    configsvc_fake.put_all({
        "db": "the path itself", "db.url": "u", "db.limits.json": {"a": 1}, "db.cert.binary": "YWJj",
        "db.replica.url": "r", "db.replica.limits.json": "{", "dbx.url": "x",
    })  # fmt: skip
    return ConfigsvcProvider(configsvc_fake.config())


ONE_LEVEL = {"url": "u", "limits.json": '{"a":1}', "cert.binary": "YWJj"}
ALL_LEVELS = {**ONE_LEVEL, "replica.url": "r", "replica.limits.json": "{"}


def test_one_level_and_all_levels_are_cached_separately(
    layers: ConfigsvcProvider,
) -> None:
    for _ in range(2):
        assert layers.get_multiple("db", recursive=False) == ONE_LEVEL
        assert layers.get_multiple("db", recursive=True) == layers.get_multiple("db") == ALL_LEVELS
        assert layers.get_multiple("", recursive=False) == {"db": "the path itself"}
        assert layers.get_multiple("db.replica", recursive=False, force_fetch=True) == {"url": "r", "limits.json": "{"}


def test_a_level_that_was_not_asked_for_fails_no_transform(layers: ConfigsvcProvider) -> None:
    one = layers.get_multiple("db", transform="auto", raise_on_transform_error=True, recursive=False)
    assert one == {"url": "u", "limits.json": {"a": 1}, "cert.binary": b"abc"}
    assert layers.get_multiple("db", transform="auto", recursive=True)["replica.limits.json"] is None
    with pytest.raises(TransformParameterError):
        layers.get_multiple("db", transform="auto", raise_on_transform_error=True, force_fetch=True)


def test_levels_are_those_of_parameter_store(layers: ConfigsvcProvider) -> None:
    """Powertools' own provider reads the same parameters from the same tree."""
    tree = {"db", *(f"db/{name}" for name in ("url", "limits.json", "cert.binary")), "db/replica/url", "dbx/url"}
    with mock_aws():
        client = boto3.client("ssm", region_name="eu-central-1")
        for name in tree:
            client.put_parameter(Name=f"/{name}", Value="x", Type="String")
        theirs = SSMProvider(boto3_client=client)
        one = theirs.get_multiple("/db", recursive=False)
        every = theirs.get_multiple("/db", force_fetch=True, recursive=True)  # its cache uses only the path
    assert set(layers.get_multiple("db", recursive=False)) == set(one)
    assert set(layers.get_multiple("db")) - {"replica.limits.json"} == {each.replace("/", ".") for each in every}


@pytest.mark.parametrize("decrypt", [True, False, None])
def test_decrypt_is_taken_because_values_come_opened(layers: ConfigsvcProvider, decrypt: bool | None) -> None:  # noqa: FBT001  # a case
    assert layers.get("db.url", decrypt=decrypt) == "u"
    assert layers.get_multiple("db", decrypt=decrypt, recursive=False) == ONE_LEVEL


@pytest.mark.parametrize("option", ["ParameterFilters", "VersionId", "max_fetch"])
def test_an_option_that_would_ask_for_something_else_is_refused(layers: ConfigsvcProvider, option: str) -> None:
    options: dict[str, Any] = {option: 1}
    for read in (layers.get, layers.get_multiple):
        with pytest.raises(GetParameterError, match=f"does not know {option}"):
            read("db.url", None, None, **options)


def test_a_parameter_store_path_is_refused_with_the_key_to_use(layers: ConfigsvcProvider) -> None:
    for path in ("/db/replica", "db/replica/", "/db/replica."):
        with pytest.raises(GetParameterError, match=r"'db\.replica'"):
            layers.get_multiple(path)
    with pytest.raises(GetParameterError, match=r"db\.url"):
        layers.get("/db/url")


@pytest.mark.parametrize("read", [ConfigsvcProvider.get, ConfigsvcProvider.get_multiple])
def test_a_time_limit_during_a_refresh_is_raised_unchanged(read: Callable[..., object]) -> None:
    class TimeLimit(Exception):  # like billiard's SoftTimeLimitExceeded
        pass

    def strikes(number: int, frame: object) -> None:
        raise TimeLimit(number, type(frame))

    stage = Stage(seal_values({"db.url": "postgres://db"}))
    provider, before = ConfigsvcProvider(stage.config), signal.signal(signal.SIGUSR1, strikes)
    read(provider, "db.url")
    stage.gateway.during = lambda: signal.raise_signal(signal.SIGUSR1)
    try:
        with pytest.raises(TimeLimit):
            read(provider, "db.url", force_fetch=True)
    finally:
        signal.signal(signal.SIGUSR1, before)
    stage.gateway.during = lambda: None
    assert provider.get("db.url", force_fetch=True) == "postgres://db"
