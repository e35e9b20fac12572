"""Random bytes in one namespace: a command that runs with it and another goes on with both."""

from __future__ import annotations

from uuid import uuid4

from configsvc.model.envelope import EnvelopeParts, Header, join
from configsvc.model.names import Key, Namespace
from configsvc_client.admin import Admin
from configsvc_client.cli.run.runner import ValueSource
from tests.support.admin.loopback import Loopback


def post_random_bytes(thief: Admin, namespace: str, key: str) -> None:
    """Under a right header, as the service wants it."""
    (data_key,) = thief.data_keys.list(namespace)
    version = thief.values.find_keys(namespace, [key])[Key(key)].next_version
    header = Header(Namespace(namespace), Key(key), version, "text/plain", data_key.kid)
    envelope = join(EnvelopeParts(header.protected(), bytes(12), b"\x07" * 20, bytes(16)))
    body = {"form": "envelope", "content_type": "text/plain", "value": envelope}
    thief.values._writer._api.write(  # noqa: SLF001  # what no method of it would send
        "PUT", f"/namespaces/{namespace}/keys/{key}", body, lambda answer: answer.status
    )


def test_a_command_goes_on_with_the_others_and_says_once_why(service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.{uuid4().hex[:6]}")
    writer, told = service.admin(), list[str]()
    writer.values.put(namespace, "mine", "1")
    writer.values.put(other, "theirs", "1")
    source = ValueSource(service.admin(), [namespace, other], [], "")
    assert {key: each.data for key, each in source.fetch().items()} == {"mine": b"1", "theirs": b"1"}
    post_random_bytes(service.admin(), other, "theirs")
    for value in ("2", "3"):
        writer.values.put(namespace, "mine", value)
        found = source.poll(told.append)
        assert found is not None
        assert {key: each.data for key, each in found.items()} == {"mine": value.encode(), "theirs": b"1"}
    assert len(told) == 1
    assert f"theirs in {other} cannot be opened" in told[0]
    writer.values.put(other, "theirs", "4")
    found = source.poll(told.append)
    assert found is not None
    assert found[Key("theirs")].data == b"4"
