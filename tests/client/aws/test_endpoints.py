"""KMS endpoints match botocore: the oracle is the request that its real client would send."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.loaders import Loader

from configsvc.model.errors import Misconfigured
from configsvc_client._aws.kms import find_region, resolve_endpoint, resolve_pseudo_region

FIPS, DUAL_STACK, IGNORE = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
TOMORROW = [
    "us-new-9", "eu-central-17", "mx-east-1", "cn-south-2", "us-gov-west-7", "eusc-de-west-2", "us-iso-north-1",
    "us-isob-south-1", "eu-isoe-new-2", "us-isof-west-3", "xx-new-9", "local", "eusc-fr-west-1", "us-isog-west-1",
]  # fmt: skip
SWITCHES = ["true", "TRUE", "True", "false", "", "1", "0", "yes", "on", " true", "true "]

Asked = tuple[str, str] | None
"""Scheme, host and port, and the region of the signature; None if it is refused."""

UNKNOWN = ("", "the profile does not exist, which we report when looking for credentials")
LOADER = Loader()


class Empty:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


def session() -> botocore.session.Session:
    made = botocore.session.Session()
    made.register_component("data_loader", LOADER)  # cached: it reads its files once
    made.set_credentials("AKID", "secret")
    return made


def theirs(by: botocore.session.Session, region: str | None = None) -> Asked:
    sent: list[tuple[str, str]] = []

    def take(request: AWSRequest, **_: object) -> AWSResponse:
        scope = str(request.headers["Authorization"]).split("/")
        sent.append((str(request.url).rstrip("/"), scope[2]))
        return AWSResponse(str(request.url), 200, {}, Empty())  # type: ignore[arg-type]  # urllib3's type otherwise

    try:
        client = by.create_client("kms", region_name=region)
        client.meta.events.register("before-send.kms", take)  # type: ignore[arg-type]  # the returned value is the response
        client.list_keys()  # type: ignore[attr-defined]  # botocore generates it
    except (BotoCoreError, ValueError) as error:
        return UNKNOWN if isinstance(error, ProfileNotFound) else None
    return sent[0]


def ours(region: str | None, environ: Mapping[str, str]) -> Asked:
    try:
        where = region or find_region(environ) or ""
        url = resolve_endpoint(where, environ)
        return f"{url.origin}{url.path}", resolve_pseudo_region(where)
    except Misconfigured:
        return None


def regions() -> list[str]:
    loader = session().get_component("data_loader")
    known = {region for each in loader.load_data("partitions")["partitions"] for region in each["regions"]}
    found = set(known)
    for partition in loader.load_data("endpoints")["partitions"]:
        found |= set(partition["regions"]) | set(partition["services"].get("kms", {}).get("endpoints", ()))
    found |= {f"fips-{region}" for region in known if region.endswith("-1")}
    return sorted(region for region in found if region.islower())  # `ProdFips` is a name in a table, not a region


@pytest.mark.slow
def test_endpoint_of_every_region_matches_botocore(
    environ: pytest.MonkeyPatch,
) -> None:
    differ, partitions = {}, set()
    for fips, dual_stack in itertools.product(("", "true"), repeat=2):
        environ.setenv(FIPS, fips)
        environ.setenv(DUAL_STACK, dual_stack)
        by = session()
        for region in [*regions(), *TOMORROW]:
            pair = ours(region, os.environ), theirs(by, region)
            if pair[0] != pair[1]:
                differ[fips, dual_stack, region] = pair
            partitions.add(str(pair[0]).rpartition(region)[2])
    assert differ == {}
    assert len(partitions) > 14, "eight partitions, most with two domains"


def test_missing_dual_stack_endpoint_error_says_what_to_unset() -> None:
    for region in ("eu-isoe-west-1", "us-isof-south-1"):
        with pytest.raises(Misconfigured, match=f"dual-stack endpoints in {region}. Unset {DUAL_STACK}"):
            resolve_endpoint(region, {DUAL_STACK: "true"})


@pytest.mark.parametrize("name", [FIPS, DUAL_STACK, IGNORE])
@pytest.mark.parametrize("text", SWITCHES)
def test_switch_is_on_exactly_if_it_is_in_botocore(environ: pytest.MonkeyPatch, name: str, text: str) -> None:
    environ.setenv(name, text)
    environ.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    if name == IGNORE:
        environ.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert ours(None, os.environ) == theirs(session())


URLS = ["", "http://127.0.0.1:1", "http://127.0.0.1:2/base", "https://vpce-1.kms.eu-central-1.vpce.amazonaws.com", " "]


@pytest.mark.parametrize("of_kms", URLS)
@pytest.mark.parametrize("of_all", URLS)
@pytest.mark.parametrize("also", [{}, {IGNORE: "true"}, {FIPS: "true", DUAL_STACK: "true"}])
def test_kms_url_overrides_the_general_url_and_empty_is_unset(
    environ: pytest.MonkeyPatch, of_kms: str, of_all: str, also: dict[str, str]
) -> None:
    for name, text in {"AWS_ENDPOINT_URL_KMS": of_kms, "AWS_ENDPOINT_URL": of_all, **also}.items():
        environ.setenv(name, text)
    environ.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert ours(None, os.environ) == theirs(session())


NESTED = "[profile p]\nregion = eu-west-3\nservices = s\nendpoint_url = https://all\n[services s]\n{}\n"
CONFIGS = {
    "default": "[default]\nregion = eu-west-3\n",
    "named": "[profile p]\nregion=eu-west-3\n[profile q]\nregion=eu-west-2\n[default]\nregion=us-west-2\n",
    "quoted": "[profile 'p']\nregion = eu-west-3\n",
    "badly quoted": "[profile 'p]\nregion = eu-west-3\n",
    "not called profile": "[p]\nregion = eu-west-3\n",
    "default called profile": "[profile default]\nregion = eu-west-3\n",
    "default twice": "[profile default]\nregion = eu-west-3\n[default]\nregion = us-west-2\n",
    "default twice, turned round": "[default]\nregion = us-west-2\n[profile default]\nregion = eu-west-3\n",
    "inherited": "[DEFAULT]\nregion = eu-west-1\n[profile p]\nx = y\n[default]\nx = y\n",
    "upper case": "[profile p]\nREGION = eu-west-3\n[default]\nRegion = eu-west-3\n",
    "fips": "[profile p]\nregion = eu-west-3\nuse_fips_endpoint = true\n",
    "fips off": "[profile p]\nregion = eu-west-3\nuse_fips_endpoint = 1\n",
    "dual stack": "[profile p]\nregion = eu-west-3\nuse_dualstack_endpoint = True\n",
    "pseudo region": "[profile p]\nregion = fips-us-east-1\n",
    "url": "[profile p]\nregion = eu-west-3\nendpoint_url = https://all\n",
    "url ignored": "[profile p]\nregion=eu-west-3\nendpoint_url=https://all\nignore_configured_endpoint_urls=true\n",
    "url of kms": NESTED.format("kms =\n  endpoint_url = https://kms\n  x = y"),
    "url of another service": NESTED.format("sts =\n  endpoint_url = https://sts"),
    "url of kms, empty": NESTED.format("kms =\n  endpoint_url ="),
    "services that are not there": "[profile p]\nregion = eu-west-3\nservices = s\n",
    "no region": "[profile p]\nx = y\n",
    "no such profile": "[profile q]\nregion = eu-west-3\n",
    "role of another profile": "[profile p]\nrole_arn = a\nsource_profile = q\n[profile q]\nregion = eu-west-3\n",
    "comment": "# none\n[profile p]\nregion = eu-west-3 # no comment\n",
    "not of its format": "region = eu-west-3\n",
    "not UTF-8": "[profile p]\nregion = eu-west-3\nname = \xff\n",
    "empty": "",
}
VARIABLES: list[dict[str, str]] = [
    {}, {FIPS: "false"}, {FIPS: "", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, {"AWS_ENDPOINT_URL": "https://given"},
    {"AWS_DEFAULT_REGION": "eu-central-1"}, {IGNORE: "false"}, {IGNORE: "true"},
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize(("profile", "variables"), [(None, {}), *(("p", each) for each in VARIABLES)], ids=str)
def test_profile_provides_region_endpoint_and_switches_without_variables(
    environ: pytest.MonkeyPatch, tmp_path: Path, config: str, variables: dict[str, str], profile: str | None
) -> None:
    (tmp_path / "config").write_text(CONFIGS[config], encoding="latin-1")
    for name, text in {**variables, **({"AWS_PROFILE": profile} if profile else {})}.items():
        environ.setenv(name, text)
    assert theirs(session()) in {ours(None, os.environ), UNKNOWN}


def test_profile_in_the_credentials_file_comes_first(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ.setenv("AWS_PROFILE", "p")
    (tmp_path / "credentials").write_text("[p]\nregion = eu-north-1\n")
    assert ours(None, os.environ) == theirs(session()) != None  # noqa: E711  # a chain
    (tmp_path / "config").write_text("[profile p]\nregion = eu-west-3\nuse_fips_endpoint = true\n")
    assert ours(None, os.environ) == theirs(session()) == ("https://kms-fips.eu-north-1.amazonaws.com", "eu-north-1")


def test_shared_files_are_below_home_by_default(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        environ.delenv(name)
    environ.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-west-3\n")
    assert ours(None, os.environ) == theirs(session()) == ("https://kms.eu-west-3.amazonaws.com", "eu-west-3")
    environ.setenv("AWS_CONFIG_FILE", "$HOME/.aws/config")
    assert ours(None, os.environ) == theirs(session()) == ("https://kms.eu-west-3.amazonaws.com", "eu-west-3")


def test_a_region_that_botocore_refuses_is_refused(environ: pytest.MonkeyPatch) -> None:
    for region in (
        "us_east_1",
        "us-east-1.evil",
        "-x",
        "x-",
        "1",
        "a" * 64,
        "fips-",
        "us-east-1\n",
        "us-éast-1",
        "a/b",
    ):
        environ.setenv("AWS_DEFAULT_REGION", region)
        assert (region, ours(None, os.environ)) == (region, None)
        assert (region, theirs(session())) == (region, None)


def test_aws_region_overrides_the_region_of_botocore(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-3\n")
    environ.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert find_region({**os.environ, "AWS_REGION": "eu-west-1"}) == "eu-west-1"
    assert find_region({**os.environ, "AWS_REGION": ""}) == "eu-west-2"
    assert find_region({**os.environ, "AWS_DEFAULT_REGION": ""}) == "eu-west-3"


def test_pseudo_fips_region_selects_fips_endpoints_in_all_regions() -> None:
    environ = {"AWS_REGION": "fips-us-east-1"}
    assert resolve_endpoint("us-west-2", environ).host == "kms-fips.us-west-2.amazonaws.com"


@pytest.mark.parametrize("what", ["config", "credentials"])
def test_invalid_aws_file_is_named_and_not_shown(tmp_path: Path, what: str) -> None:
    (tmp_path / what).write_text("canary\n")
    with pytest.raises(Misconfigured, match=str(tmp_path / what)) as caught:
        resolve_endpoint("eu-central-1", {})
    assert "canary" not in f"{caught.value!r} {caught.value.__context__!r}"
