"""After a restore's lift: the first version of a new key is above the floor, and each write finds it at once."""

from __future__ import annotations

import pytest

from configsvc_client.admin import make_draft
from tests.support.admin.loopback import Loopback

FLOOR = 1000


@pytest.fixture
def lifted(service: Loopback, namespace: str) -> str:
    """A namespace with a key from before the lift."""
    service.admin().values.put(namespace, "old", "before")
    service.admin("admin").namespaces.lift(namespace, FLOOR)
    service.requests.clear()
    return namespace


def _writes(service: Loopback) -> int:
    return sum(not each.startswith("GET") for each in service.requests)


def test_a_lift_does_not_add_requests_to_a_store(service: Loopback, lifted: str) -> None:
    drafts = [make_draft(key, "after") for key in ("new", "old", "other.new")]
    (part,) = service.admin().change_sets.store(lifted, drafts)
    assert (part.error, len(service.requests)) == (None, 3)  # the next versions, the keyring, the change set
    assert {key: each.version for key, each in service.admin().values.get_all(lifted).items()} == {
        "new": FLOOR + 1, "old": FLOOR + 1, "other.new": FLOOR + 1,
    }  # fmt: skip


def test_a_change_set_takes_a_new_key_at_once(service: Loopback, lifted: str) -> None:
    revision = service.admin().values.get_snapshot(lifted).revision
    done = service.admin().change_sets.apply(lifted, [make_draft("new", "after")], if_match=revision)
    assert (done.versions, _writes(service)) == ({"new": FLOOR + 1}, 1)


def test_a_key_that_must_be_new_is_put_at_once(service: Loopback, lifted: str) -> None:
    stored = service.admin().values.put_draft(lifted, make_draft("new", "after")._replace(create_only=True))
    assert (stored.version, _writes(service)) == (FLOOR + 1, 1)


def test_the_first_keys_of_a_namespace_are_stored_too(service: Loopback, namespace: str) -> None:
    service.admin("admin").namespaces.lift(namespace, FLOOR)
    service.admin().change_sets.apply(namespace, [make_draft("one", "1"), make_draft("two", "2")])
    assert {each.version for each in service.admin().values.get_all(namespace).values()} == {FLOOR + 1}
