from __future__ import annotations

import pytest

from configsvc.model.errors import NotFound
from tests.admin.loopback import Loopback


def test_a_look_brings_what_changed_and_nothing_else(service: Loopback, namespace: str) -> None:
    other, admin = service.namespace(f"{namespace}.other"), service.admin()
    following = service.admin().follow(namespace, other)
    assert set(following.look()) == {namespace, other}
    assert following.look() == {}
    admin.put(other, "k", "v")
    service.requests.clear()
    service.kms.calls.clear()
    changed = following.look()
    assert {each: [entry.key for entry in found.entries] for each, found in changed.items()} == {other: ["k"]}
    assert list(following.held) == [namespace, other]
    assert (len(service.requests), service.kms.calls) == (1, [])


def test_what_is_held_stays_when_a_look_fails(service: Loopback, namespace: str) -> None:
    following = service.admin().follow(namespace)
    following.look()
    service.admin("admin").delete_namespace(namespace)
    with pytest.raises(NotFound):
        following.look()
    assert list(following.held) == [namespace]
