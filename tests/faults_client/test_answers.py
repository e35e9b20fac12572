"""Rows 6, 7 and 11 to 14: the service answers, and what it answers is not right."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, StaleRevision, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client import Config
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_envelope, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Serve, run_scripted, take_request
from tests.support.faults_client.seeds import seeded

SHARED = Namespace("shared.prod")


def answer(served: FetchedSnapshot, *headers: bytes) -> bytes:
    body = render(served.sealed).encode()
    kind, etag = b"Content-Type: application/json", b"ETag: " + served.etag.encode()
    lines = [b"HTTP/1.1 200 OK", kind, etag, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


OLD, NEW = (
    make_snapshot([make_plain_entry(f"k{n}", text) for n in range(50)], revision=revision)
    for revision, text in ((1, "old"), (2, "new"))
)
WHOLE = answer(NEW)


def says(content: bytes, reset: bool = False) -> Serve:  # noqa: FBT001, FBT002  # a table's column
    def serve(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(content)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return serve


def refuses(fault: Serve) -> ConfigsvcError:
    """Warm, a refresh that meets the fault raises, and all of the old snapshot stays."""
    with run_scripted(says(answer(OLD, b"Connection: close")), fault) as server:
        config = Config(
            "payments.prod", url=f"http://127.0.0.1:{server.port}", api_key="k", environ={}, refresh_seconds=20
        )
        with contextlib.closing(config):
            assert config["k0"] == "old"
            with pytest.raises(ConfigsvcError) as caught:
                config.refresh()
            assert set(config.values()) == {"old"}
            assert config.revisions == {"payments.prod": 1}
    return caught.value


@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
@pytest.mark.parametrize("seed", range(3))
def test_06_an_answer_cut_off_anywhere_changes_nothing(seed: int, reset: bool) -> None:  # noqa: FBT001  # a table
    refuses(says(WHOLE[: seeded(seed).randrange(1, len(WHOLE))], reset))


@pytest.mark.parametrize("length", [b"Content-Length: 5", b"Content-Length: 99999", b"Content-Length: -1"])
def test_06_an_answer_of_another_length_than_it_says_changes_nothing(length: bytes) -> None:
    refuses(says(WHOLE.replace(b"Content-Length: %d" % len(render(NEW.sealed).encode()), length)))


@pytest.mark.parametrize("seed", range(3))
def test_07_a_flipped_bit_in_a_sealed_value_changes_nothing(seed: int) -> None:
    draw, stage = seeded(seed), Stage(seal_values({"a": "old", "b": "old"}))
    stage.config.snapshot()
    entry = make_envelope("a", b"new", version=2)
    at = draw.randrange(len(entry.value))
    flipped = entry.value[:at] + chr(ord(entry.value[at]) ^ 1 << draw.randrange(7)) + entry.value[at + 1 :]
    stage.serve(make_snapshot([entry._replace(value=flipped), make_envelope("b", b"new", version=2)], revision=2))
    with pytest.raises(CannotOpen):
        stage.config.refresh()
    assert dict(stage.config) == {"a": "old", "b": "old"}


def test_07_a_gzip_bomb_and_an_endless_body_end_at_eight_mib() -> None:
    bomb = gzip.compress(bytes(100_000_000), 1)
    refuses(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb))
    sent: list[int] = []

    def endless(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(bytes(100_000))
            sent.append(100_000)

    refuses(endless)
    assert sum(sent) < 50_000_000


def test_11_an_answer_that_is_unchanged_since_something_older_is_refused() -> None:
    refuses(says(b'HTTP/1.1 304 Not Modified\r\nETag: "0-old"\r\n\r\n'))


def test_11_a_service_that_goes_back_is_ignored_and_counted() -> None:
    stage = Stage(seal_values({"a": "new"}, revision=5))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "old"}, revision=4))
    stage.clock.advance(61)
    assert stage.config["a"] == "new"
    assert (stage.config.counts["stale_revisions"], stage.config.counts["failures"]) == (1, 1)
    assert isinstance(stage.config.last_error, StaleRevision)


def test_11_the_minimum_revision_applies_to_the_service_and_the_file() -> None:
    stage = Stage(
        seal_values({"a": "old"}, revision=4), CONFIGSVC_MIN_REVISION="payments.prod=5", CONFIGSVC_FALLBACK="file"
    )
    stage.save(seal_values({"a": "older"}, revision=3))
    with pytest.raises(
        ConfigsvcError, match=r"The snapshot of payments\.prod has revision 4, but CONFIGSVC_MIN_REVISION is 5"
    ):
        stage.config["a"]
    stage.save(seal_values({"a": "saved"}, revision=5))
    assert (stage.config["a"], stage.config.source) == ("saved", "fallback")
    stage.serve(seal_values({"a": "new"}, revision=5))
    assert stage.config.refresh() is True
    assert stage.config["a"] == "new"


def test_12_each_namespace_in_an_answer_is_whole_at_its_own_revision() -> None:
    """There are no pages: what is fetched apart is a whole namespace, with an ETag of its own."""
    moved = seal_values({"b": "moved"}, revision=8, namespace=SHARED)
    first = {"snapshots": [json.loads(render(OLD.sealed))], "deferred": [SHARED]}
    body = json.dumps(first).encode()

    def serve(connection: socket.socket) -> None:
        while request := take_request(connection):
            if b"/v1/snapshots?" in request:
                etag = b'"payments.prod=1-0a1b,shared.prod=7-0a1b"'
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: %b\r\nContent-Length: %d\r\n\r\n%b"
                    % (etag, len(body), body)
                )
            else:
                connection.sendall(answer(moved))

    with run_scripted(serve) as server:
        from configsvc_client._service.gateway import ApiGateway
        from configsvc_client._transport.http import Connection
        from configsvc_client._transport.url import parse_url

        connection = Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})
        got = ApiGateway(connection, "k").fetch({OLD.sealed.namespace: None, SHARED: None}, time.monotonic() + 20)
        connection.close()
    assert got == {OLD.sealed.namespace: OLD, SHARED: moved}


@pytest.mark.parametrize("seed", range(3))
def test_13_one_unopenable_entry_in_a_thousand_keeps_the_old_snapshot(seed: int) -> None:
    stage = Stage(seal_values({f"k{n}": "old" for n in range(1000)}))
    stage.config.snapshot()
    entries = list(seal_values({f"k{n}": "new" for n in range(1000)}).sealed.entries)
    bad = seeded(seed).randrange(1000)
    entries[bad] = entries[bad]._replace(version=2)
    stage.serve(make_snapshot(entries, revision=2))
    with pytest.raises(CannotOpen, match=f"k{bad} "):
        stage.config.refresh()
    assert set(stage.config.values()) == {"old"}


@pytest.mark.parametrize("member", ["form", "content_type"])
def test_14_an_unknown_form_or_content_type_advises_to_upgrade(member: str) -> None:
    later = json.loads(render(NEW.sealed))
    later["entries"][3][member] = "later"
    body = json.dumps(later).encode()
    error = refuses(
        says(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "2-a"\r\nContent-Length: %d\r\n\r\n'
            % len(body)
            + body
        )
    )
    assert "upgrade configsvc" in error.detail


def test_14_a_plain_value_does_not_replace_a_required_sealed_one() -> None:
    stage = Stage(seal_values({"db.password": "old", "a": "old"}), CONFIGSVC_SEALED_KEYS="db.*, other")
    stage.config.snapshot()
    stage.serve(make_snapshot([make_plain_entry("db.password", "forged"), make_plain_entry("a", "new")], revision=2))
    with pytest.raises(CannotOpen, match="CONFIGSVC_SEALED_KEYS"):
        stage.config.refresh()
    assert dict(stage.config) == {"db.password": "old", "a": "old"}
    cold = Stage(
        make_snapshot([make_plain_entry("db.password", "forged"), make_plain_entry("a", "new")]),
        CONFIGSVC_SEALED_KEYS="*.password",
    )
    assert cold.config["a"] == "new"
    assert cold.config.broken == {"db.password"}
    with pytest.raises(CannotOpen, match="CONFIGSVC_SEALED_KEYS"):
        cold.config.get("db.password")


def test_14_another_algorithm_in_an_envelope_is_refused() -> None:
    stage = Stage(seal_values({"a": "old"}))
    stage.config.snapshot()
    entry = make_envelope("a", b"new", version=2)
    from configsvc.model.encoding import from_base64url, to_base64url

    head, *rest = entry.value.split(".")
    header = from_base64url(head)
    for instead in (b'"A128GCM"', b'"none"   '):
        altered = to_base64url(header.replace(b'"A256GCM"', instead))
        stage.serve(make_snapshot([entry._replace(value=".".join((altered, *rest)))], revision=2))
        with pytest.raises(CannotOpen):
            stage.config.refresh()
        assert stage.config["a"] == "old"


def test_06_an_answer_without_a_namespace_that_was_asked_for_changes_nothing() -> None:
    stage = Stage(seal_values({"a": "1"}), seal_values({"b": "1"}, namespace=SHARED))
    gateway = stage.gateway
    kept = gateway.fetch
    gateway.fetch = lambda known, deadline, *rest: dict(list(kept(known, deadline, *rest).items())[:1])  # type: ignore[method-assign]  # an answer of less
    with pytest.raises(ConfigsvcError) as caught:
        stage.config["a"]
    assert isinstance(caught.value.__cause__, Unavailable)
