"""Public reports about settings with the quotes or line ends of a file that docker, systemd or a shell read."""

from __future__ import annotations

from itertools import product

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client._aws.kms import resolve_endpoint
from configsvc_client._settings import Given, parse_settings
from configsvc_client._transport.url import parse_url
from configsvc_client.admin.compose import find_region
from tests.support.client.configs import ENVIRON


def test_a_setting_in_quotes_is_refused_with_the_quotes_as_the_reason() -> None:
    for name, quote in product(("CONFIGSVC_URL", "CONFIGSVC_API_KEY"), "'\""):
        with pytest.raises(Misconfigured) as raised:
            parse_settings(Given(), {**ENVIRON, name: f"{quote}{ENVIRON[name]}{quote}"})
        assert name in raised.value.detail
        assert "begins with a quote" in raised.value.detail
        assert ENVIRON["CONFIGSVC_API_KEY"] not in raised.value.detail


def test_line_ends_and_spaces_around_a_setting_do_not_count() -> None:
    names = ("CONFIGSVC_URL", "CONFIGSVC_API_KEY", "CONFIGSVC_NAMESPACES", "CONFIGSVC_KMS_KEYS")
    as_meant = parse_settings(Given(), ENVIRON)
    found = parse_settings(Given(), {**ENVIRON, **{name: f" {ENVIRON[name]}\r\n" for name in names}})
    assert (found.url, found.namespaces, found.pin.arns) == (as_meant.url, as_meant.namespaces, as_meant.pin.arns)
    assert [each.reveal() for each in found.api_keys] == [each.reveal() for each in as_meant.api_keys]


@pytest.mark.parametrize("region", ['"us-east-1"', "us-east-1\r", "us-east-1 ", "US-EAST-1", "us_east_1"])
def test_an_invalid_region_is_shown_with_invisible_characters(region: str) -> None:
    with pytest.raises(Misconfigured, match="AWS_REGION is ") as of_the_person:
        find_region({"AWS_REGION": region}, parse_url("https://api.example.com/v1"))
    with pytest.raises(Misconfigured, match="AWS_REGION is ") as of_a_function:
        resolve_endpoint(region, {})
    assert repr(region) in of_the_person.value.detail
    assert repr(region) in of_a_function.value.detail
