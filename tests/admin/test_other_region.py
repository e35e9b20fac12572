"""KMS keys of another region than AWS_REGION: whatever asks KMS asks it there. The stub refuses every other region."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc_client.admin import Admin
from tests.support.admin.kms_server import FAR_KEY, KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

NAMES = (f"far{number}.test" for number in range(1000))


def pinned(service: Loopback, who: str, *kms_keys: str) -> Admin:
    return service.from_environ({**service.environ(who), "CONFIGSVC_KMS_KEYS": ",".join(kms_keys)})


@pytest.fixture
def far(service: Loopback) -> Iterator[str]:
    """A namespace with a data key under a KMS key of another region."""
    name = next(NAMES)
    admin = pinned(service, "admin", FAR_KEY)
    admin.namespaces.create(name)
    admin.data_keys.add(name, FAR_KEY)
    service.kms.calls.clear()
    yield name
    service.close()


def test_values_are_sealed_and_opened_in_the_key_s_region(service: Loopback, far: str) -> None:
    for form in ("envelope", "kms"):
        pinned(service, "writer", FAR_KEY).values.put(far, f"by.{form}", "x", form=form)
        assert pinned(service, "reader", FAR_KEY).values.get(far, f"by.{form}").data == b"x"
    assert [each.operation for each in service.kms.calls] == ["Decrypt", "Decrypt", "Encrypt", "Decrypt"]


def test_a_consumer_opens_what_is_under_keys_of_two_regions(service: Loopback, far: str) -> None:
    for key in (FAR_KEY, KMS_KEY):
        writer, suffix = pinned(service, "writer", key), key.split(":")[3]
        if key == KMS_KEY:
            pinned(service, "admin", key).data_keys.add(far, key)
        writer.values.put(far, f"sealed.{suffix}", "x")
        writer.values.put(far, f"kms.{suffix}", "x", form="kms")
    environ = {**service.environ("reader", far), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{FAR_KEY}"}
    reads = "import configsvc_client as c; print(sorted(dict(c.Config()).values()))"
    for region in ("us-east-1", "ap-south-1", ""):
        done = subprocess.run(
            [sys.executable, "-c", reads],
            env={**environ, "AWS_REGION": region}, check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == repr(["x"] * 4)


def test_a_namespace_moves_to_a_key_of_another_region_by_rotation(service: Loopback, far: str) -> None:
    pinned(service, "writer", FAR_KEY).values.put(far, "k", "x")
    owner = pinned(service, "owner", FAR_KEY, KMS_KEY)
    owner.data_keys.rotate(far, KMS_KEY)
    assert pinned(service, "reader", KMS_KEY).values.get(far, "k").data == b"x"


def test_rewrapping_across_regions_is_refused_with_advice(service: Loopback, far: str) -> None:
    owner = pinned(service, "owner", FAR_KEY, KMS_KEY)
    (found,) = owner.data_keys.list(far)
    with pytest.raises(
        Misconfigured, match=rf"only within one region.*data-key rotate -n {far} --fresh --kms-key {KMS_KEY}"
    ):
        owner.data_keys.rewrap(far, found.kid, KMS_KEY)
    assert service.kms.calls == []
    owner.data_keys.rewrap(far, found.kid, FAR_KEY)


def test_trusting_any_key_calls_kms_in_the_own_region(service: Loopback, far: str) -> None:
    pinned(service, "writer", FAR_KEY).values.put(far, "k", "x")
    with pytest.raises(CannotOpen, match=r"KMS in us-east-1 refused Decrypt.*ARN in CONFIGSVC_KMS_KEYS"):
        pinned(service, "reader", "*").values.get(far, "k")


def test_the_command_line_seals_under_a_key_of_another_region(service: Loopback, tmp_path: Path) -> None:
    name = next(NAMES)
    environ = {**service.environ("admin", name), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{FAR_KEY}"}
    admin = Shell(environ, tmp_path)
    admin.ok("namespace", "create", name, "--kms-key", FAR_KEY)
    owner = Shell({**service.environ("owner", name), "CONFIGSVC_KMS_KEYS": FAR_KEY}, tmp_path)
    owner.ok("put", "db.url", "-", given=b"x")
    assert owner.ok("get", "db.url") == "x"
    assert "opens the data key, in eu-west-1" in owner.run("doctor").out
