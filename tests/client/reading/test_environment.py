from __future__ import annotations

import os
import subprocess
import sys

import pytest

from configsvc.model.errors import CannotOpen, ConfigUnavailable, Misconfigured, Unprocessable
from configsvc_client import environment
from configsvc_client.testing import FakeService
from tests.support.client.error_texts import collect_texts


def test_variables_are_named_and_spelt_as_exec_does(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "postgres://db", "max-size": 7, "json": {"a": "é"}, "utf8": "é".encode()})
    environ = {"PATH": "/bin"}
    assert environment.fill(configsvc_fake.config(), environ) == ["DB_URL", "JSON", "MAX_SIZE", "UTF8"]
    assert environ == {"PATH": "/bin", "DB_URL": "postgres://db", "MAX_SIZE": "7", "JSON": '{"a":"é"}', "UTF8": "é"}


def test_what_is_set_stays_unless_it_is_asked_for(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "service", "db.pool": "5"})
    environ = {"DB_URL": "mine"}
    assert environment.fill(configsvc_fake.config(), environ) == ["DB_POOL"]
    assert environ == {"DB_URL": "mine", "DB_POOL": "5"}
    assert environment.fill(configsvc_fake.config(), environ, overwrite=True) == ["DB_POOL", "DB_URL"]
    assert environ["DB_URL"] == "service"


def test_fill_takes_only_keys_with_the_prefix_and_accepts_a_snapshot(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "other": "y"})
    environ: dict[str, str] = {}
    assert environment.fill(configsvc_fake.config().snapshot(), environ, prefix="db.") == ["DB_URL"]


@pytest.mark.parametrize("values", [{"a.b": "1", "a-b": "2"}, {"a": b"canary\xff"}, {"a": "x\0y"}, {"a": ["\ud800"]}])
def test_what_no_environment_can_hold_is_refused_and_nothing_is_set(
    configsvc_fake: FakeService, values: dict[str, object]
) -> None:
    if values != {"a": ["\ud800"]}:
        configsvc_fake.put_all(values)
        source = configsvc_fake.config()
    environ: dict[str, str] = {}
    with pytest.raises(Unprocessable) as caught:
        environment.fill(values if values == {"a": ["\ud800"]} else source, environ)
    assert environ == {}
    assert "canary" not in collect_texts(caught.value)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_key_that_would_choose_what_code_is_run_sets_nothing(configsvc_fake: FakeService, overwrite: bool) -> None:  # noqa: FBT001  # a case
    configsvc_fake.put_all({"db.url": "x", "ld.preload": "/theirs.so"})
    environ: dict[str, str] = {}
    with pytest.raises(Unprocessable, match=r"ld\.preload would set LD_PRELOAD.*prefix="):
        environment.fill(configsvc_fake.config(), environ, overwrite=overwrite)
    assert environ == {}
    assert environment.fill(configsvc_fake.config(), environ, prefix="db.") == ["DB_URL"]


def test_what_does_not_open_or_load_is_told_and_nothing_is_set(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"a": "1", "b": "2"})
    configsvc_fake.damage("b")
    environ: dict[str, str] = {}
    with pytest.raises(CannotOpen):
        environment.fill(configsvc_fake.config(), environ)
    configsvc_fake.fail()
    with pytest.raises(ConfigUnavailable):
        environment.fill(configsvc_fake.config(), environ)
    assert environ == {}


def test_fill_uses_the_process_environment_by_default() -> None:
    program = """
import os
from configsvc_client import environment
from configsvc_client.testing import FakeService
fake = FakeService()
fake.put("db.url", "x")
environment.fill(fake.config())
print(os.environ["DB_URL"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ)
    )
    assert done.stdout == "x\n"


def test_only_what_is_allowed_is_filled_in(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "log.level": "info", "git.ssh_command": "theirs"})
    environ: dict[str, str] = {}
    assert environment.fill(configsvc_fake.config(), environ, allow=["DB_*"]) == ["DB_URL"]
    assert environ == {"DB_URL": "x"}
    with pytest.raises(Unprocessable, match="GIT_SSH_COMMAND"):
        environment.fill(configsvc_fake.config(), environ, allow=["*"])
    assert environment.fill(configsvc_fake.config(), environ, allow=["GIT_SSH_COMMAND"]) == ["GIT_SSH_COMMAND"]


def test_an_allow_list_is_no_text(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("a", "1")
    with pytest.raises(Misconfigured, match="list"):
        environment.fill(configsvc_fake.config(), {}, allow="A*")


def test_what_would_keep_every_program_from_starting_sets_nothing(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({f"k{number}": "x" * 120_000 for number in range(30)})
    environ: dict[str, str] = {}
    with pytest.raises(Unprocessable, match="All variables together"):
        environment.fill(configsvc_fake.config(), environ)
    assert environ == {}
    configsvc_fake.put("long", "x" * 131_071)
    with pytest.raises(Unprocessable, match="131,071"):
        environment.fill(configsvc_fake.config(), environ, prefix="long")
