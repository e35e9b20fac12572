"""The production ports of a Config against counting stubs on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client import CannotOpen, Config
from configsvc_client._world import draw_fraction
from tests.support.client.fakes import FOREIGN_KEY
from tests.support.client.sealing import make_envelope, make_kms_entry, make_plain_entry, make_snapshot
from tests.support.client.stub_service import Service, run_service

ENTRIES = [
    *(make_envelope(f"k{number}", b"v%d" % number) for number in range(40)),
    make_plain_entry("p", "1"),
    make_kms_entry("s", b"2"),
]


@pytest.fixture
def running() -> Iterator[Service]:
    with run_service(make_snapshot(ENTRIES, revision=42)) as running:
        yield running


def counts(running: Service) -> tuple[int, int]:
    return len(running.api.requests), len(running.kms.requests)


def test_a_load_is_one_request_plus_one_kms_call_per_blob(running: Service) -> None:
    with contextlib.closing(Config(environ=running.environ)) as config:
        assert (config["k0"], config["k39"], config["p"], config["s"]) == ("v0", "v39", "1", "2")
        assert config.revisions == {"payments.prod": 42}
        assert counts(running) == (1, 2)
        assert config.refresh() is False
        assert counts(running) == (2, 2)
        assert running.api.requests[1][2]["if-none-match"] == '"42-0a1b"'
        assert (running.api.connections, running.kms.connections) == (1, 1)


def test_foreign_kms_key_is_refused_before_kms_is_called(running: Service) -> None:
    environ = {**running.environ, "CONFIGSVC_KMS_KEYS": FOREIGN_KEY}
    with contextlib.closing(Config(environ=environ)) as config, pytest.raises(CannotOpen):
        config["k0"]
    assert [body for *_, body in running.kms.requests if b'"configsvc:key"' not in body] == []


def test_without_region_or_pinned_key_the_error_says_what_to_set(running: Service) -> None:
    environ = {**running.environ, "CONFIGSVC_KMS_KEYS": "*", "AWS_REGION": ""}
    with contextlib.closing(Config(environ=environ)) as config, pytest.raises(Misconfigured, match="Set AWS_REGION"):
        config["s"]


def test_drawn_fractions_are_spread_over_zero_to_one() -> None:
    drawn = [draw_fraction() for _ in range(1000)]
    assert 0 <= min(drawn) < 0.1
    assert 0.9 < max(drawn) < 1
    assert len(set(drawn)) == 1000
