"""Two API keys on the write side: one that is refused fails nothing while the other works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from uuid import uuid4

import pytest

from configsvc.model.errors import Forbidden, Misconfigured, NotFound
from configsvc_client import Config
from configsvc_client.admin import Grant, read_settings
from local.gateway.access import Identity
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback


class Rotation:
    """A person whose API key is replaced: `old` and `new` are values of keys of theirs."""

    def __init__(self, service: Loopback) -> None:
        self._service = service
        self.old, self.new = (f"{age}-{uuid4().hex}" for age in ("old", "new"))
        self.namespace = service.namespace(f"rotated.{uuid4().hex[:8]}")
        for key in (self.old, self.new):
            self.allow(key)
            service.admin("admin").grants.set(f"api-key:{_identifier(key)}", [Grant(("read",), (self.namespace,))])

    def allow(self, key: str) -> None:
        self._service.keys[key] = _identifier(key)

    def disable(self, key: str) -> None:
        del self._service.keys[key]

    @property
    def environ(self) -> dict[str, str]:
        return self._service.environ("writer", self.namespace) | {"CONFIGSVC_API_KEY": f"{self.old}, {self.new}"}


def _identifier(key: str) -> str:
    return key.replace("-", "")


@pytest.fixture
def rotation(service: Loopback) -> Iterator[Rotation]:
    made = Rotation(service)
    try:
        yield made
    finally:
        for key in (made.old, made.new):
            service.keys.pop(key, None)


def test_writes_and_reads_go_on_with_the_key_that_works(service: Loopback, rotation: Rotation) -> None:
    admin = service.from_environ(rotation.environ)
    admin.values.put(rotation.namespace, "a", "1")
    rotation.disable(rotation.old)
    assert admin.values.put(rotation.namespace, "a", "2").version == 2
    rotation.allow(rotation.old)
    rotation.disable(rotation.new)
    assert admin.values.put(rotation.namespace, "a", "3").version == 3
    assert admin.access.whoami()["api_key"]["principal"] == f"api-key:{_identifier(rotation.old)}"  # type: ignore[index]  # members


def test_where_both_are_refused_the_error_says_so_and_nothing_was_written(
    service: Loopback, rotation: Rotation
) -> None:
    admin = service.from_environ(rotation.environ)
    rotation.disable(rotation.old)
    rotation.disable(rotation.new)
    for _ in range(2):
        with pytest.raises(Forbidden, match="Both API keys in CONFIGSVC_API_KEY are refused") as caught:
            admin.values.delete(rotation.namespace, "a")
        assert rotation.old not in caught.value.detail
        assert rotation.new not in caught.value.detail
    rotation.allow(rotation.new)
    assert admin.values.put(rotation.namespace, "a", "1").version == 1


def test_a_refusal_of_the_signature_is_not_blamed_on_the_api_keys(service: Loopback, rotation: Rotation) -> None:
    admin = service.from_environ({**rotation.environ, "AWS_SECRET_ACCESS_KEY": "wrong"})
    with pytest.raises(Forbidden, match="signature") as caught:
        admin.values.put(rotation.namespace, "a", "1", form="plain")
    assert "Both" not in caught.value.detail
    service.identities["AKIANOBODY"] = Identity("secret", "arn:aws:iam::123456789012:user/nobody", allowed=())
    admin = service.from_environ(
        {**rotation.environ, "AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "secret"}
    )
    with pytest.raises(Forbidden, match="IAM does not allow") as caught:
        admin.values.put(rotation.namespace, "a", "1", form="plain")
    assert "Both" not in caught.value.detail


def test_a_consumer_with_both_keys_survives_disabling_the_old_one(service: Loopback, rotation: Rotation) -> None:
    writer = service.from_environ(rotation.environ)
    writer.values.put(rotation.namespace, "a", "1")
    config = Config(environ=rotation.environ, refresh_seconds=20)
    try:
        assert config["a"] == "1"
        rotation.disable(rotation.old)
        writer.values.put(rotation.namespace, "a", "2")
        assert config.refresh()
        assert (config["a"], config.last_error, config.counts["failures"]) == ("2", None, 0)
        cold = Config(environ=rotation.environ, refresh_seconds=20)
        assert cold["a"] == "2"
        cold.close()
    finally:
        config.close()


def test_reads_go_on_when_the_old_key_loses_its_grants(service: Loopback, rotation: Rotation) -> None:
    writer, granter = service.from_environ(rotation.environ), service.admin("admin").grants
    writer.values.put(rotation.namespace, "a", "1")
    granter.delete(f"api-key:{_identifier(rotation.old)}")
    assert [each.key for each in writer.values.list_keys(rotation.namespace)] == ["a"]
    assert writer.values.put(rotation.namespace, "a", "2").version == 2
    with contextlib.closing(Config(environ=rotation.environ, refresh_seconds=20)) as config:
        assert (config["a"], config.counts["failures"]) == ("2", 0)
    granter.delete(f"api-key:{_identifier(rotation.new)}")
    with pytest.raises(NotFound, match="Neither API key in CONFIGSVC_API_KEY finds it") as caught:
        list(writer.values.list_keys(rotation.namespace))
    for key in (rotation.old, rotation.new):
        assert f"configsvc grant api-key:{_identifier(key)} -a read -n {rotation.namespace}" in caught.value.detail
        assert key not in caught.value.detail


def test_only_a_hidden_namespace_is_asked_for_twice(service: Loopback, rotation: Rotation) -> None:
    writer = service.from_environ(rotation.environ)
    writer.values.put(rotation.namespace, "a", "1")
    for absent, requests in (
        (lambda: list(writer.history.list_versions(rotation.namespace, "no.such")), 1),
        (lambda: writer.values.delete("no.such", "a"), 1),
        (lambda: list(writer.values.list_keys("no.such")), 2),
    ):
        service.requests.clear()
        with pytest.raises((NotFound, Forbidden)):
            absent()
        assert len(service.requests) == requests, service.requests


def test_more_than_two_are_refused_without_being_shown() -> None:
    environ = {
        "CONFIGSVC_URL": "https://config.example.com/api",
        "AWS_REGION": "us-east-1",
        "CONFIGSVC_KMS_KEYS": KMS_KEY,
    }
    with pytest.raises(Misconfigured, match="more than two") as caught:
        read_settings({**environ, "CONFIGSVC_API_KEY": "canary1,canary2,canary3"})
    assert "canary" not in caught.value.detail
    found = read_settings({**environ, "CONFIGSVC_API_KEY": "canary1, canary2"})
    assert [each.reveal() for each in found.api_keys] == ["canary1", "canary2"]
    assert "canary" not in repr(found)
