"""KMS is called in the region of the pinned key: the host, the ARN, and the region of the signature."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Barrier, Thread

import pytest

from configsvc.model.encoding import to_base64std
from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc_client import Config
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._pin import parse_pin
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import Url, parse_url
from configsvc_client._world import RegionalKms
from tests.client.transport.test_proxy import tunnel_to
from tests.support.client.certificates import make_server_context
from tests.support.client.fakes import KMS_KEY
from tests.support.client.sealing import make_data_key, make_envelope, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_scripted, run_stub
from tests.support.client.stub_service import answer_kms, run_service

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


def arn(region: str, key: str = KEY, partition: str = "aws") -> str:
    return f"arn:{partition}:kms:{region}:111122223333:key/{key}"


def mrk(region: str) -> str:
    return arn(region, "mrk-1234abcd12ab34cd56ef1234567890ab")


class Asking:
    """A RegionalKms whose stub plays all of AWS. Records the hosts it connects to and the content of each request."""

    def __init__(self, server: Stub, pinned: str, environ: Mapping[str, str]) -> None:
        self.server = server
        self.hosts: list[str] = []
        self.kms = RegionalKms(parse_pin(pinned.split()), environ, self._connect, lambda _: Credentials("AKID", "s"))

    def _connect(self, url: Url) -> Connection:
        self.hosts.append(url.host)
        return Connection(parse_url(self.server.url), {})

    def decrypt(self, key: str | None) -> list[tuple[str | None, str]]:
        """Decrypts and returns the key and region of each request."""
        before = len(self.server.requests)
        try:
            self.kms.decrypt(b"blob", {}, key, time.monotonic() + 20)
        finally:
            self.kms.close()
        return [
            (json.loads(body).get("KeyId"), region(headers)) for _, _, headers, body in self.server.requests[before:]
        ]


def region(headers: Mapping[str, str]) -> str:
    return headers["authorization"].split("/")[2]


def opens(*_: object) -> Answer:
    return make_json_answer(200, {"Plaintext": to_base64std(b"x"), "KeyId": "any"})


@pytest.fixture
def server() -> Iterator[Stub]:
    with run_stub(opens) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))


EU, US, CN = arn("eu-central-1"), arn("us-east-1"), arn("cn-north-1", partition="aws-cn")
HERE, NOWHERE = {"AWS_REGION": "eu-central-1"}, dict[str, str]()


@pytest.mark.parametrize(
    ("pinned", "environ", "named", "asked"),
    [
        (EU, HERE, EU, [(EU, "eu-central-1")]),
        (US, HERE, US, [(US, "us-east-1")]),
        (US, NOWHERE, US, [(US, "us-east-1")]),
        (CN, HERE, CN, [(CN, "cn-north-1")]),
        (f"{EU} {US}", HERE, US, [(US, "us-east-1")]),
        # A replica is called by its pinned ARN, whichever replica wrapped the data key.
        (mrk("us-east-1"), HERE, mrk("eu-central-1"), [(mrk("us-east-1"), "us-east-1")]),
        (mrk("eu-central-1"), HERE, mrk("us-east-1"), [(mrk("eu-central-1"), "eu-central-1")]),
        (mrk("us-east-1"), NOWHERE, mrk("eu-west-1"), [(mrk("us-east-1"), "us-east-1")]),
        # Of several replicas: the one in our own region, else the data key's, else the first.
        (f"{mrk('us-east-1')} {mrk('eu-central-1')}", HERE, mrk("us-east-1"), [(mrk("eu-central-1"), "eu-central-1")]),
        (f"{mrk('us-east-1')} {mrk('eu-west-1')}", HERE, mrk("eu-west-1"), [(mrk("eu-west-1"), "eu-west-1")]),
        (f"{mrk('us-east-1')} {mrk('eu-west-1')}", HERE, mrk("eu-west-3"), [(mrk("us-east-1"), "us-east-1")]),
        # With `*`, nobody else can choose the region: KMS is called in our own, if one is set.
        ("*", HERE, EU, [(EU, "eu-central-1")]),
        ("*", HERE, US, [(US, "eu-central-1")]),
        ("*", HERE, mrk("us-east-1"), [(mrk("eu-central-1"), "eu-central-1")]),
        ("*", NOWHERE, US, [(US, "us-east-1")]),
        (f"* {US}", HERE, US, [(US, "us-east-1")]),
        (f"* {US}", HERE, EU, [(EU, "eu-central-1")]),
        # A value in kms form names no key.
        (US, HERE, None, [(US, "us-east-1")]),
        (f"{EU} {arn('eu-central-1', 'other')}", NOWHERE, None, [(None, "eu-central-1")]),
        (f"{US} {EU}", HERE, None, [(EU, "eu-central-1")]),
        (f"{US} {EU}", NOWHERE, None, [(US, "us-east-1")]),
        ("*", HERE, None, [(None, "eu-central-1")]),
        (f"* {US}", NOWHERE, None, [(None, "us-east-1")]),
        # A pseudo region signs for its real region.
        ("*", {"AWS_REGION": "fips-us-east-1"}, mrk("eu-west-1"), [(mrk("us-east-1"), "us-east-1")]),
    ],
)  # fmt: skip
def test_kms_is_called_with_the_pinned_arn_in_its_region(
    server: Stub, pinned: str, environ: dict[str, str], named: str | None, asked: list[tuple[str | None, str]]
) -> None:
    asking = Asking(server, pinned, environ)
    assert asking.decrypt(named) == asked
    assert [host.split(".")[1] for host in asking.hosts] == [region for _, region in asked]


@pytest.mark.parametrize(
    "named",
    [
        arn("us-east-1-evil"), arn("evil"), arn("aws-global"), arn("cn-north-1"), arn("us-east-1", partition="aws-cn"),
        arn("fips-us-east-1"), arn("us-gov-west-1"), arn("-"), arn("1"),
    ],
)  # fmt: skip
def test_data_key_cannot_choose_a_host_outside_aws_regions(server: Stub, named: str) -> None:
    asking = Asking(server, "*", NOWHERE)
    with pytest.raises(Misconfigured, match=r"names no AWS region\. Set AWS_REGION"):
        asking.decrypt(named)
    assert (asking.hosts, server.requests) == ([], [])


def test_without_a_region_the_error_says_what_to_set(server: Stub) -> None:
    with pytest.raises(Misconfigured, match="Set AWS_REGION to the KMS key's region"):
        Asking(server, "*", NOWHERE).decrypt(None)


def test_value_without_a_key_is_tried_in_each_pinned_region() -> None:
    denied = make_json_answer(400, {"__type": "AccessDeniedException", "message": "does not exist in this region"})
    regions = ["eu-central-1", "us-east-1", "eu-west-3"]

    def only_here(_: str, __: str, headers: Mapping[str, str], ___: bytes) -> Answer:
        return opens() if region(headers) == "eu-west-3" else denied

    with run_stub(only_here) as server:
        asking = Asking(server, " ".join(map(arn, regions)), HERE)
        assert [where for _, where in asking.decrypt(None)] == regions
        assert [where for _, where in asking.decrypt(None)] == ["eu-west-3"]
        assert len(asking.hosts) == 3


def test_value_that_no_region_decrypts_reports_the_first_refusal() -> None:
    with run_stub(lambda *_: make_json_answer(400, {"__type": "InvalidCiphertextException"})) as server:
        asking = Asking(server, f"{EU} {US}", HERE)
        with pytest.raises(CannotOpen, match="KMS in eu-central-1 refused Decrypt"):
            asking.decrypt(None)
        assert len(server.requests) == 2


def test_region_is_connected_on_first_use_and_kept(server: Stub) -> None:
    asking = Asking(server, f"{EU} {US}", HERE)
    asking.decrypt(US)
    assert asking.hosts == ["kms.us-east-1.amazonaws.com"]
    for _ in range(3):
        asking.decrypt(EU)
        asking.decrypt(US)
    assert asking.hosts == ["kms.us-east-1.amazonaws.com", "kms.eu-central-1.amazonaws.com"]


def test_connection_is_opened_ahead_in_the_first_region(server: Stub) -> None:
    for pinned, environ, host in (
        (f"{US} {EU}", HERE, ["kms.eu-central-1.amazonaws.com"]),
        (f"{US} {EU}", NOWHERE, ["kms.us-east-1.amazonaws.com"]),
        ("*", HERE, ["kms.eu-central-1.amazonaws.com"]),
        ("*", NOWHERE, []),
        (US, {"AWS_ENDPOINT_URL": "nonsense"}, []),
    ):
        asking = Asking(server, pinned, environ)
        asking.kms.open_ahead(time.monotonic() + 20)
        asking.kms.close()
        assert asking.hosts == host


def test_concurrent_threads_share_the_connection_of_a_region(server: Stub) -> None:
    asking, begin, failed = Asking(server, f"{EU} {US}", HERE), Barrier(8), list[BaseException]()

    def ask(key: str) -> None:
        begin.wait(20)
        try:
            for _ in range(5):
                asking.kms.decrypt(b"blob", {}, key, time.monotonic() + 20)
        except BaseException as error:  # noqa: BLE001  # asserted below
            failed.append(error)

    threads = [Thread(target=ask, args=(key,)) for key in [EU, US] * 4]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    asking.kms.close()
    assert failed == []
    assert sorted(region(headers) for _, _, headers, _ in server.requests) == ["eu-central-1"] * 20 + ["us-east-1"] * 20


def test_configured_endpoint_uses_one_connection_signed_for_each_region(server: Stub) -> None:
    asking = Asking(server, f"{EU} {US}", {**HERE, "AWS_ENDPOINT_URL": f"{server.url}/below/"})
    assert [*asking.decrypt(EU), *asking.decrypt(US)] == [(EU, "eu-central-1"), (US, "us-east-1")]
    assert asking.hosts == ["localhost"]


def test_path_of_a_configured_endpoint_is_kept(server: Stub) -> None:
    environ = {"AWS_ENDPOINT_URL_KMS": f"{server.url}/below", **HERE}
    kms = RegionalKms(parse_pin([EU]), environ, lambda url: Connection(url, {}), lambda _: Credentials("AKID", "s"))
    kms.decrypt(b"blob", {}, EU, time.monotonic() + 20)
    kms.close()
    assert [path for _, path, *_ in server.requests] == ["/below/"]


FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}


@pytest.mark.parametrize(
    ("pinned", "variables", "host"),
    [
        (EU, {}, "kms.eu-central-1.amazonaws.com"),
        (EU, {"AWS_REGION": "us-east-1"}, "kms.eu-central-1.amazonaws.com"),
        (US, {"AWS_REGION": "eu-central-1", **FIPS}, "kms-fips.us-east-1.amazonaws.com"),
        (CN, {"AWS_REGION": "cn-northwest-1"}, "kms.cn-north-1.amazonaws.com.cn"),
        (arn("us-gov-west-1", partition="aws-us-gov"), FIPS, "kms-fips.us-gov-west-1.amazonaws.com"),
        (arn("eusc-de-east-1", partition="aws-eusc"), {}, "kms.eusc-de-east-1.amazonaws.eu"),
        (arn("us-iso-east-1", partition="aws-iso"), {}, "kms.us-iso-east-1.c2s.ic.gov"),
        (EU, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "kms.eu-central-1.api.aws"),
        ("*", {"AWS_REGION": "eu-west-3"}, "kms.eu-west-3.amazonaws.com"),
        ("*", {"AWS_PROFILE": "team"}, "kms.eu-south-2.amazonaws.com"),
        ("*", {}, "kms.eu-central-1.amazonaws.com"),
        (EU, {"AWS_ENDPOINT_URL": "https://all.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
         "kms.eu-central-1.amazonaws.com"),
        (EU, {"AWS_ENDPOINT_URL": "https://all.example"}, "all.example"),
        (EU, {"AWS_PROFILE": "team-behind-a-proxy"}, "kms.proxy.example"),
    ],
)  # fmt: skip
def test_config_connects_to_the_same_host_as_botocore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: str, variables: dict[str, str], host: str
) -> None:
    (tmp_path / "config").write_text(
        "[profile team]\nregion = eu-south-2\n"
        "[profile team-behind-a-proxy]\nservices = s\n[services s]\nkms =\n  endpoint_url = https://kms.proxy.example\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    key, dialled = KMS_KEY if pinned == "*" else pinned, list[bytes]()
    sealed = make_snapshot([make_envelope("k", b"v")], data_keys=[make_data_key(kms_key=key)])
    with (
        run_service(sealed) as running,
        run_stub(answer_kms, make_server_context(tmp_path, host)) as kms,
        run_scripted(tunnel_to(int(kms.url.rpartition(":")[2]), dialled)) as proxy,
    ):
        own = {
            name: text for name, text in running.environ.items() if name not in ("AWS_ENDPOINT_URL_KMS", "AWS_REGION")
        }
        through = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        with contextlib.closing(
            Config(environ={**own, **through, **variables, "CONFIGSVC_KMS_KEYS": pinned})
        ) as config:
            assert config["k"] == "v"
    assert [each.split()[1].decode() for each in dialled] == [f"{host}:443"]


@pytest.mark.parametrize("region_set", ["us-west-2", "", None])
def test_config_decrypts_with_a_key_in_another_region(
    region_set: str | None,
) -> None:
    with run_service(seal_values({"k": "v"})) as running:
        environ = {**running.environ, "AWS_REGION": region_set or ""}
        if region_set is None:
            del environ["AWS_REGION"]
        with contextlib.closing(Config(environ=environ)) as config:
            assert config["k"] == "v"
        assert [region(headers) for _, _, headers, _ in running.kms.requests] == ["eu-central-1"]
        assert (running.api.connections, running.kms.connections) == (1, 1)


def test_region_of_the_profile_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-3\n")
    with run_service(seal_values({"k": "v"})) as running:
        environ = {**running.environ, "AWS_PROFILE": "team", "CONFIGSVC_KMS_KEYS": "*", "AWS_REGION": ""}
        for held in (environ, {**environ, "AWS_CONFIG_FILE": str(tmp_path / "config")}):
            with contextlib.closing(Config(environ=held)) as config:
                assert config["k"] == "v"
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        with contextlib.closing(Config(environ=environ)) as config:
            assert config["k"] == "v"
        assert [region(headers) for _, _, headers, _ in running.kms.requests] == [
            "eu-central-1", "eu-west-3", "eu-west-3",
        ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"AWS_ENDPOINT_URL_KMS": "nonsense"}, {"AWS_REGION": "Frankfurt!"}])
def test_wrong_kms_setting_affects_only_sealed_values(wrong: dict[str, str]) -> None:
    with run_service(seal_values({"k": "v"})) as running:
        environ = {**running.environ, "CONFIGSVC_KMS_KEYS": "*", **wrong}
        with (
            contextlib.closing(Config(environ=environ)) as config,
            pytest.raises(Misconfigured, match=next(iter(wrong))),
        ):
            config["k"]
        running.serve(make_snapshot([make_plain_entry("k", "v")]))
        with contextlib.closing(Config(environ=environ)) as config:
            assert config["k"] == "v"
