"""The cost of a load and of a poll, counted over the wire."""

import contextlib

import pytest

from configsvc_client import Config
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import Service, run_service


def counts(running: Service) -> tuple[int, int]:
    return len(running.api.requests), len(running.kms.requests)


@pytest.mark.parametrize("values", [1, 100, 1000])
def test_any_number_of_values_is_two_requests(values: int) -> None:
    with run_service(seal_values({f"k{n}": f"v{n}" for n in range(values)})) as running:
        with contextlib.closing(Config(environ=running.environ, start_seconds=20)) as config:
            assert [config[f"k{n}"] for n in range(values)] == [f"v{n}" for n in range(values)]
            assert counts(running) == (1, 1)
        assert (running.api.connections, running.kms.connections) == (1, 1)


def test_polls_under_a_held_data_key_never_ask_kms() -> None:
    with (
        run_service(seal_values({"a": "1"})) as running,
        contextlib.closing(Config(environ=running.environ, refresh_seconds=20)) as config,
    ):
        config.snapshot()
        for revision in range(2, 6):
            assert config.refresh() is False
            running.serve(seal_values({"a": str(revision)}, revision=revision))
            assert config.refresh() is True
            assert config["a"] == str(revision)
        assert counts(running) == (9, 1)


def test_an_outdated_data_key_is_unwrapped_again_at_the_next_change() -> None:
    with (
        run_service(seal_values({"a": "1"})) as running,
        contextlib.closing(Config(environ=running.environ, refresh_seconds=20, data_key_seconds=1e-9)) as config,
    ):
        config.snapshot()
        config.refresh()
        assert counts(running) == (2, 1)
        running.serve(seal_values({"a": "2"}, revision=2))
        config.refresh()
        assert counts(running) == (3, 2)


def test_a_poll_asks_in_at_most_300_bytes() -> None:
    """Counts our bytes with API Gateway's longest host name; the answer is in test_with_the_service.py."""
    with run_service(seal_values({"a": "1"}, revision=123_456)) as running:
        environ = {**running.environ, "CONFIGSVC_API_KEY": "k" * 40}
        with contextlib.closing(Config(environ=environ, refresh_seconds=20)) as config:
            config.snapshot()
            config.refresh()
    method, path, headers, body = running.api.requests[1]
    host = "abcdefghij.execute-api.ap-southeast-1.amazonaws.com"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, "host": host}.items())]
    assert len("\r\n".join(lines)) + len("\r\n\r\n") <= 300
    assert body == b""
