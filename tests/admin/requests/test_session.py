from __future__ import annotations

from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._transport.url import parse_url
from configsvc_client.admin.compose import (
    OsRandomness,
    OwnCredentials,
    find_region,
    make_own_credentials,
    read_settings,
)
from tests.support.client.fakes import FakeClock

_API = parse_url("https://a1b2c3.execute-api.eu-central-1.amazonaws.com/api")
_OTHER = parse_url("https://config.example.com/api")


class Chained:
    """Gives other credentials each time that it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def find(self, deadline: float) -> Credentials:
        del deadline
        self.asked += 1
        return Credentials(f"AKIA{self.asked}", "secret")


@pytest.mark.parametrize(
    ("environ", "url", "region"),
    [
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, _API, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "us-west-2"}, _API, "us-west-2"),
        ({"AWS_REGION": "us-gov-west-1-fips"}, _API, "us-gov-west-1"),
        ({}, _API, "eu-central-1"),
    ],
)
def test_the_region_comes_from_the_settings_or_the_host(environ: dict[str, str], url: object, region: str) -> None:
    assert find_region(environ, url) == region  # type: ignore[arg-type]  # parametrised


def test_a_region_that_nothing_tells_is_asked_for() -> None:
    with pytest.raises(Misconfigured, match="AWS_REGION"):
        find_region({}, _OTHER)


def test_credentials_in_variables_are_taken_as_they_are_at_each_signature() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "one"}
    find = make_own_credentials(environ).find
    assert find(0).access_key == "AKIA1"
    environ |= {"AWS_ACCESS_KEY_ID": "ASIA2", "AWS_SECRET_ACCESS_KEY": "two", "AWS_SESSION_TOKEN": "token"}
    assert find(0) == Credentials("ASIA2", "two", "token")


def test_credentials_of_the_chain_are_found_once_a_minute() -> None:
    clock, found = FakeClock(), Chained()
    find = OwnCredentials({}, found.find, lambda: clock.now().monotonic).find
    assert [find(0).access_key for _ in range(3)] == ["AKIA1"] * 3
    clock.pause(61)
    assert find(0).access_key == "AKIA2"


def test_credentials_of_the_chain_that_aws_refused_are_found_again() -> None:
    found = Chained()
    own = OwnCredentials({}, found.find)
    assert own.find(0).access_key == "AKIA1"
    own.forget()
    assert own.find(0).access_key == "AKIA2"
    assert "secret" not in repr(own)


def test_settings_show_no_api_key() -> None:
    found = read_settings({"CONFIGSVC_URL": f"{_API.origin}/api", "CONFIGSVC_API_KEY": "canary-key"})
    assert "canary-key" not in repr(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"CONFIGSVC_URL": "http://config.example.com/api"},
        {"CONFIGSVC_API_KEY": "line\nbreak"},
        {"CONFIGSVC_KMS_KEYS": "alias/mine"},
    ],
)
def test_a_setting_that_is_wrong_is_refused_before_anything_is_sent(wrong: dict[str, str]) -> None:
    right = {"CONFIGSVC_URL": "https://config.example.com/api", "CONFIGSVC_API_KEY": "key", "AWS_REGION": "us-east-1"}
    read_settings(right)
    with pytest.raises(Misconfigured):
        read_settings(right | wrong)


def test_nonces_and_idempotency_keys_do_not_repeat() -> None:
    chance = OsRandomness()
    assert len({chance.nonce() for _ in range(1000)}) == 1000
    assert len({chance.idempotency_key() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("a1b2c3.execute-api.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("a1b2c3-vpce-1.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("a1b2c3.execute-api.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("a1b2c3.execute-api.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
        ("a1b2c3.execute-api.eu-new-9.amazonaws.com.", "eu-new-9"),
    ],
)
def test_the_api_s_own_host_tells_the_region_in_every_partition(host: str, region: str) -> None:
    assert find_region({}, parse_url(f"https://{host}/api")) == region


@pytest.mark.parametrize("host", ["a.execute-api.cn-north-1.amazonaws.com", "a.execute-api.eu-west-1.amazonaws.eu"])
def test_a_host_that_is_of_no_partition_tells_none(host: str) -> None:
    with pytest.raises(Misconfigured, match="Set AWS_REGION"):
        find_region({}, parse_url(f"https://{host}/api"))


def test_the_profile_s_region_is_the_last_resort(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[profile team]\nregion = eu-west-3\n[profile odd]\nregion = Paris\n")
    environ = {"AWS_CONFIG_FILE": str(file), "AWS_PROFILE": "team"}
    assert find_region(environ, _OTHER) == "eu-west-3"
    assert find_region(environ, _API) == "eu-central-1"
    assert find_region({**environ, "AWS_DEFAULT_REGION": "eu-west-1"}, _OTHER) == "eu-west-1"
    with pytest.raises(Misconfigured, match="AWS profile is 'Paris'"):
        find_region({**environ, "AWS_PROFILE": "odd"}, _OTHER)
