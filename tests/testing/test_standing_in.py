"""A fake that stands for a Config which was made elsewhere, and leaves nothing of itself there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from configsvc_client import Config, ConfigUnavailable, Misconfigured
from configsvc_client.testing import KMS_KEY, FakeService


@contextmanager
def standing(config: Config, value: str) -> Iterator[FakeService]:
    fake = FakeService()
    fake.put("k", value)
    with fake.stands_for(config):
        yield fake


def test_an_unconfigured_config_and_its_handler_read_from_the_fake() -> None:
    config = Config()
    handler = config.handler(lambda event, context: (event, context, config["k"], config.revisions))
    with standing(config, "1") as fake:
        assert handler(1, 2) == (1, 2, "1", {"test": 2})
        assert config["k"] == "1"
        assert fake.requests == [("test",)]
    for read in (lambda: config["k"], lambda: handler(1, 2), lambda: config.get("k"), lambda: "k" in config):
        with pytest.raises(Misconfigured):
            read()


def test_each_stand_in_starts_empty_and_restores_the_config() -> None:
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


def test_module_callbacks_run_and_test_callbacks_end_with_the_test() -> None:
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


NAMED = ("payments.prod", "shared.prod")


def test_unnamed_puts_go_to_the_config_s_first_namespace() -> None:
    fake, config = FakeService(), Config(*NAMED)
    fake.put_all({"before": "1", "kms": "2"})
    fake.put("kms", {"a": 1}, form="kms")
    fake.put("broken", "x")
    fake.damage("broken")
    revision = fake.revision()
    with fake.stands_for(config):
        assert config.revisions == {"payments.prod": revision, "shared.prod": 1}
        assert (config["before"], config["kms"], [*config.broken]) == ("1", {"a": 1}, ["broken"])
        fake.put("after", b"2")
        fake.put("shared", "3", namespace="shared.prod")
        fake.delete("before")
        assert config.refresh()
        assert (config["after"], config["shared"], "before" in config) == (b"2", "3", False)
        assert config.revisions == {"payments.prod": fake.revision(), "shared.prod": 2}


@pytest.mark.parametrize("config", [Config("payments.prod, shared.prod"), Config(*NAMED, background=True)])
def test_namespaces_of_a_config_exist_while_the_fake_stands_for_it(config: Config) -> None:
    fake = FakeService()
    with fake.stands_for(config):
        assert dict(config) == {}
        fake.put("k", "1")
        assert config.refresh()
        assert (config["k"], set(config.revisions)) == ("1", set(NAMED))


def test_named_puts_stay_and_absorb_unnamed_ones() -> None:
    fake, config = FakeService(), Config("payments.prod")
    fake.put_all({"both": "no name", "own": "o"})
    fake.put("both", "by name", namespace="payments.prod")
    with fake.stands_for(config):
        fake.put("later", "l")
        assert dict(config) == {"both": "by name", "own": "o", "later": "l"}


def test_a_fake_keeps_its_name_or_takes_the_first_config_s() -> None:
    named = FakeService("own")
    one, other = Config("one"), Config("other")
    with named.stands_for(one):
        named.put("k", "1")
        assert (dict(one), named.config()["k"]) == ({}, "1")
    fake = FakeService()
    with fake.stands_for(one), fake.stands_for(other):
        fake.put("k", "of the first")
        assert (dict(one), dict(other)) == ({"k": "of the first"}, {})
    with fake.stands_for(other):
        fake.put("k", "by name", namespace="other")
        assert (other["k"], fake.config()["k"]) == ("by name", "of the first")


def test_the_fake_s_own_config_reads_unnamed_puts() -> None:
    fake = FakeService()
    fake.put("k", "1")
    assert fake.config("payments.prod")["k"] == "1"
    fake.put("k", "2")
    assert (fake.config("payments.prod")["k"], fake.config()["k"]) == ("2", "2")


def test_an_empty_namespace_gives_an_error_with_advice() -> None:
    fake = FakeService()
    for namespaces in (("payments.prod",), ("other", "payments.prod")):
        with pytest.raises(ConfigUnavailable, match=r'put\(key, value, namespace="payments\.prod"\)'):
            fake.config(*namespaces).snapshot()
        fake.put("k", "1", namespace="other")
