"""Requests go where botocore would send them, in every region of every partition."""

from __future__ import annotations

from collections.abc import Mapping

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import InvalidRegionError, NoRegionError

from configsvc.adapters.dynamo_endpoint import locate_dynamodb

LOADER = botocore.session.Session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
RULES = EndpointProvider(LOADER.load_service_model("dynamodb", "endpoint-rule-set-1"), PARTITIONS)
REGIONS = sorted(
    region for each in PARTITIONS["partitions"] for region in each["regions"] if not region.endswith("-global")
)
NEW = ["eu-new-9", "us-gov-new-1", "cn-new-1", "us-iso-new-1", "us-isob-new-1", "eu-isoe-new-1", "us-isof-new-1",
       "eusc-de-new-2"]  # fmt: skip


@pytest.mark.parametrize("region", [*REGIONS, *NEW])
@pytest.mark.parametrize("fips", [False, True])
@pytest.mark.parametrize("dual_stack", [False, True])
def test_every_region_is_asked_where_botocores_rules_say(region: str, *, fips: bool, dual_stack: bool) -> None:
    expected = RULES.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack).url

    found = locate_dynamodb(
        {
            "AWS_DEFAULT_REGION": region,
            "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).lower(),
        }
    )

    assert found == (expected, region)


URL = "http://localhost:8000"
ENVIRONMENTS: list[Mapping[str, str]] = [
    {"AWS_ENDPOINT_URL": URL},
    {"AWS_ENDPOINT_URL": f"{URL}/"},
    {"AWS_ENDPOINT_URL": "http://localhost:1", "AWS_ENDPOINT_URL_DYNAMODB": URL},
    {"AWS_ENDPOINT_URL": URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    {"AWS_ENDPOINT_URL": URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
    {"AWS_ENDPOINT_URL": URL, "AWS_USE_FIPS_ENDPOINT": "false"},
    {"AWS_USE_FIPS_ENDPOINT": "TRUE"},
    {"AWS_USE_FIPS_ENDPOINT": "1"},
    {},
]


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=str)
def test_the_environment_is_read_as_botocore_reads_it(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]
) -> None:
    given = {"AWS_DEFAULT_REGION": "eu-north-1", **environ}
    for name, text in {**given, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, text)
    client = botocore.session.Session().create_client("dynamodb")

    assert locate_dynamodb(given).url == client.meta.endpoint_url.rstrip("/")
    assert locate_dynamodb(given).region == client.meta.region_name


def test_lambdas_own_name_for_the_region_counts_too() -> None:
    assert locate_dynamodb({"AWS_REGION": "eu-west-3"}).region == "eu-west-3"


def test_without_a_region_there_is_no_endpoint() -> None:
    with pytest.raises(NoRegionError):
        locate_dynamodb({"AWS_ENDPOINT_URL": URL})


@pytest.mark.parametrize("region", ["evil.example/", "eu west", "-eu", "x" * 64, "eu-west-1\n"])
def test_a_region_that_is_no_part_of_a_host_is_refused(region: str) -> None:
    with pytest.raises(InvalidRegionError):
        locate_dynamodb({"AWS_DEFAULT_REGION": region})


UNREACHABLE = [
    "localhost:8000", "dynamodb.eu-north-1.amazonaws.com", "http://", "https://a host", "http://a_b:1", "/", "http:///x",
]  # fmt: skip


@pytest.mark.parametrize("url", UNREACHABLE)
def test_an_endpoint_that_botocore_refuses_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    given = {"AWS_DEFAULT_REGION": "eu-north-1", "AWS_ENDPOINT_URL_DYNAMODB": url}
    for name, text in {**given, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match="Invalid endpoint"):
        botocore.session.Session().create_client("dynamodb")

    with pytest.raises(ValueError, match="AWS_ENDPOINT_URL"):
        locate_dynamodb(given)


@pytest.mark.parametrize("url", ["ftp://localhost", "ws://localhost:1"])
def test_an_endpoint_of_another_protocol_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="AWS_ENDPOINT_URL"):
        locate_dynamodb({"AWS_DEFAULT_REGION": "eu-north-1", "AWS_ENDPOINT_URL": url})
