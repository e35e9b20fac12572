"""A fake that stands for a Config which was made elsewhere, and leaves nothing of itself there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from configsvc_client import Config, Misconfigured
from configsvc_client.testing import KMS_KEY, FakeService


@contextmanager
def standing(config: Config, value: str) -> Iterator[FakeService]:
    fake = FakeService()
    fake.put("k", value)
    with fake.stands_for(config):
        yield fake


def test_a_config_made_with_nothing_set_up_and_its_handler_read_from_it_while_it_lasts() -> None:
    config = Config()
    handler = config.handler(lambda event, context: (event, context, config["k"], config.revisions))
    with standing(config, "1") as fake:
        assert handler(1, 2) == (1, 2, "1", {"test": 2})
        assert config["k"] == "1"
        assert fake.requests == [("test",)]
    for read in (lambda: config["k"], lambda: handler(1, 2), lambda: config.get("k"), lambda: "k" in config):
        with pytest.raises(Misconfigured):
            read()


def test_each_stand_in_begins_with_nothing_held_and_gives_back_what_was_before() -> None:
    config = Config()
    with standing(config, "outer") as outer:
        assert config["k"] == "outer"
        with standing(config, "inner"):
            assert (config.age, config.counts["callback_failures"]) == (float("inf"), 0)
            assert [config["k"], config.get("k"), dict(config)] == ["inner", "inner", {"k": "inner"}]
        outer.put("k", "changed")
        assert config["k"] == "changed"
        assert len(outer.requests) == 2


def test_it_ends_too_when_the_test_fails() -> None:
    config = Config()
    with pytest.raises(ZeroDivisionError), standing(config, "1"):
        _ = config["k"], 1 / 0
    with pytest.raises(Misconfigured):
        config.snapshot()


def test_what_was_passed_in_code_holds_but_what_is_about_another_service() -> None:
    fake = FakeService()
    config = Config(
        "payments.prod", url="http://localhost:1", api_key="other", kms_keys=[KMS_KEY.replace("1234", "0000")],
        min_revision=1000, poll_seconds=5, sealed_keys="secret",
    )  # fmt: skip
    fake.put_all({"secret": "s", "k": "1"}, namespace="payments.prod")
    with fake.stands_for(config, "not.this"):
        assert config.revisions == {"payments.prod": 3}
        assert (config["secret"], config.broken) == ("s", frozenset())
        fake.put("k", "2", namespace="payments.prod")
        fake.clock.advance(6)
        assert config["k"] == "2"


def test_a_config_that_names_no_namespace_reads_those_that_are_said() -> None:
    fake, config = FakeService(), Config()
    fake.put("k", "a", namespace="a")
    fake.put_all({"k": "b", "only": "b"}, namespace="b")
    with fake.stands_for(config, "a", "b"):
        assert dict(config) == {"k": "a", "only": "b"}


def test_callbacks_of_the_module_are_told_and_those_of_a_test_end_with_it() -> None:
    config = Config()
    modules: list[frozenset[str]] = []
    tests: list[frozenset[str]] = []
    config.on_change("", modules.append)

    def fails(keys: frozenset[str]) -> None:
        raise ZeroDivisionError(keys)

    with standing(config, "1") as fake:
        config.on_change("", tests.append)
        config.on_change("", fails)
        config.snapshot()
        fake.put("k", "2")
        assert config.refresh()
        assert config.counts["callback_failures"] == 1
    with standing(config, "3") as fake:
        config.snapshot()
        fake.put("k", "4")
        assert config.refresh()
        assert config.counts["callback_failures"] == 0
    assert (len(modules), len(tests)) == (2, 1)


def test_the_thread_of_a_config_that_has_one_ends_with_it() -> None:
    config = Config(background=True)
    for value in ("1", "2"):
        with standing(config, value):
            assert config["k"] == value
            assert "configsvc refresh" in {thread.name for thread in threading.enumerate()}
        assert "configsvc refresh" not in {thread.name for thread in threading.enumerate()}
