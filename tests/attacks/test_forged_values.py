"""Whoever knows a leaked data key and writes the table forges values, until the data key no longer unwraps."""

from __future__ import annotations

import pytest

from configsvc.model.errors import CannotOpen, Conflict
from configsvc_client.admin import Policy, Protection, from_environ
from tests.support.admin.kms_server import KMS_KEY, OTHER_KEY
from tests.support.admin.loopback import Loopback
from tests.support.attacks.table_thief import Thief, leaked, thief
from tests.support.cli.shell import Shell


@pytest.fixture
def rotated(service: Loopback, namespace: str) -> Thief:
    """The thief, after the leaked data key was rotated away."""
    owner = service.admin("owner")
    owner.values.put(namespace, "db.url", "postgres://ours")
    (old,) = owner.data_keys.list(namespace)
    key = leaked(service.environ("reader"), namespace, old.data_key)
    owner.data_keys.rotate(namespace, fresh=True)
    return thief(service.table, namespace, key)


def test_what_remains_after_a_rotation_a_forged_value_opens(service: Loopback, namespace: str, rotated: Thief) -> None:
    rotated.forge("db.url", b"postgres://theirs")
    assert service.admin("reader").values.get(namespace, "db.url").data == b"postgres://theirs"


def test_a_forged_value_fails_once_the_old_kms_key_is_untrusted(
    service: Loopback, namespace: str, rotated: Thief
) -> None:
    both = Shell({**service.environ("owner", namespace), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"})
    both.ok("data-key", "rewrap", "--kms-key", OTHER_KEY)
    reader = service.from_environ({**service.environ("reader"), "CONFIGSVC_KMS_KEYS": OTHER_KEY})
    assert reader.values.get(namespace, "db.url").data == b"postgres://ours"
    rotated.bring_back()
    rotated.forge("db.url", b"postgres://theirs")
    with pytest.raises(CannotOpen):
        reader.values.get(namespace, "db.url")


def test_a_retired_data_key_listed_as_live_is_not_rewrapped(service: Loopback, namespace: str, rotated: Thief) -> None:
    rotated.bring_back()
    kid = rotated.known.kid
    environ = {**service.environ("owner", namespace), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"}
    policy = Policy({namespace: Protection(retired_kids=frozenset({kid}))})
    with from_environ(environ, policy=policy) as careful, pytest.raises(Conflict, match="cannot be wrapped again"):
        careful.data_keys.rewrap(namespace, kid, OTHER_KEY)
    assert {each.kid: each.data_key.kms_key for each in service.admin().data_keys.list(namespace)}[kid] == KMS_KEY


def test_the_table_does_not_choose_the_kms_key_of_new_data_keys(
    service: Loopback, namespace: str, rotated: Thief
) -> None:
    both = Shell({**service.environ("owner", namespace), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"})
    both.ok("data-key", "rotate", "--fresh", "--kms-key", OTHER_KEY)
    rotated.bring_back(added=10**9)  # wrapped under the KMS key that is on its way out
    before = service.admin().data_keys.list(namespace)
    done = both.run("data-key", "rotate", "--fresh")
    assert (done.code, "--kms-key ARN" in done.err) == (2, True)
    assert service.admin().data_keys.list(namespace) == before
    both.ok("data-key", "rotate", "--fresh", "--kms-key", OTHER_KEY)
    live = [each for each in service.admin().data_keys.list(namespace) if each.state == "live"]
    assert {each.data_key.kms_key for each in live} == {OTHER_KEY}
