"""The loader with the real Dynaconf."""

from __future__ import annotations

from pathlib import Path

import pytest
from dynaconf import Dynaconf

from configsvc.model.errors import CannotOpen, ConfigUnavailable, Unprocessable
from configsvc_client import Config
from configsvc_client.testing import FakeService
from tests.support.client.error_texts import collect_texts

LOADER = "configsvc_client.dynaconf.loader"


def settings(config: Config, *more: str, **given: object) -> Dynaconf:
    return Dynaconf(configsvc_config=config, loaders=[LOADER, *more], **given)


def test_keys_are_settings_nested_by_their_dots(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "postgres://db", "db.pool": 7, "hosts": ["a", "b"], "blob": b"\x00", "on": True})
    found = settings(configsvc_fake.config())
    assert (found.db.url, found.DB.POOL, found["db.pool"], found.on) == ("postgres://db", 7, 7, True)
    assert (list(found.hosts), found.blob) == (["a", "b"], b"\x00")
    assert found.get("no.such", "default") == "default"


COMMANDS = ["@int 7", "@json [1]", "@jinja {{ this }}", "@format {env[PATH]}", "@str @jinja {{ 1 }}", "@read_file x"]


@pytest.mark.parametrize("text", [*COMMANDS, "@none", "0042", "false", "[1]", "plain @int 7", "dynaconf_merge"])
def test_text_stays_text(configsvc_fake: FakeService, text: str) -> None:
    """Dynaconf would parse a variable's text; here the content type decides what a value is."""
    configsvc_fake.put_all({"word": text, "db.word": text, "json": {"a": [text], "b": {"c": text}}})
    found = settings(configsvc_fake.config())
    assert (found.word, found.db.word, found.json.a[0], found.json.b.c) == (text, text, text, text)


def test_later_loaders_win_and_defaults_stand_where_nothing_is(
    configsvc_fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    configsvc_fake.put_all({"level": "info", "db.url": "x", "db.pool": 1})
    monkeypatch.setenv("SHOP_LEVEL", "debug")
    found = settings(
        configsvc_fake.config(), "dynaconf.loaders.env_loader", envvar_prefix="SHOP", timeout=9, db={"ssl": True}
    )
    assert (found.level, found.timeout) == ("debug", 9)
    assert (found.db.url, found.db.pool) == ("x", 1)


def test_reload_takes_what_is_served_then(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("db.url", "first")
    found = settings(configsvc_fake.config())
    assert found.db.url == "first"
    configsvc_fake.put("db.url", "second")
    configsvc_fake.clock.advance(61)
    assert found.db.url == "first"
    found.reload()
    assert found.db.url == "second"


def test_a_single_setting_is_reloaded(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"level": "info", "other": "x"})
    found = settings(configsvc_fake.config())
    assert found.level == "info"
    configsvc_fake.put_all({"level": "debug", "other": "y"})
    configsvc_fake.clock.advance(61)
    assert found.get_fresh("level") == "debug"
    assert found.other == "x"


def test_it_is_never_silent(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("secret", "x")
    configsvc_fake.fail()
    with pytest.raises(ConfigUnavailable):
        settings(configsvc_fake.config(), silent_errors=True).get("secret")
    configsvc_fake.recover()
    configsvc_fake.damage("secret")
    with pytest.raises(CannotOpen):
        settings(configsvc_fake.config()).get("secret")


def test_dynaconf_itself_runs_a_file_that_a_setting_names(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w').close()\n")
    assert Dynaconf(dynaconf_include=[str(tmp_path / "theirs.py")]).get("x") is None
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "key",
    [
        "dynaconf_include", "DYNACONF_INCLUDE", "dynaconf__include", "INCLUDES_FOR_DYNACONF", "loaders_for_dynaconf",
        "PRELOAD_FOR_DYNACONF", "settings_file_for_dynaconf", "SECRETS_FOR_DYNACONF.x", "configsvc_config", "_bypass",
    ],
)  # fmt: skip
def test_a_key_that_configures_dynaconf_loads_nothing(configsvc_fake: FakeService, tmp_path: Path, key: str) -> None:
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\n")
    configsvc_fake.put_all({key: [str(tmp_path / "theirs.py")]})
    with pytest.raises(Unprocessable, match="Dynaconf itself"):
        settings(configsvc_fake.config()).get("x")
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("pool", [{"size": 5}, {"size": 5, "timeout": 1}])
@pytest.mark.parametrize("key", ["db.pool.timeout", "DB.pool.timeout", "DB__POOL__timeout"])
def test_a_key_below_a_json_object_wins_over_its_member(
    configsvc_fake: FakeService, pool: dict[str, int], key: str
) -> None:
    configsvc_fake.put_all({"db.pool": pool, key: 2})
    found = settings(configsvc_fake.config())
    assert found.db.pool == {"size": 5, "timeout": 2}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"db.replica": "canary"}, {"db.replica.url": "u"}), ({"db": "canary"}, {"db.replica.url": "u"}),
        ({"hosts": ["canary"]}, {"hosts.1": "b"}), ({"Db": None}, {"db.a": 1}), ({"db__a": 5}, {"db.a.b": 1}),
        ({"db.url": "canary"}, {"DB.URL": "b"}), ({"db__url": "canary"}, {"db.url": "b"}),
    ],
)  # fmt: skip
def test_two_keys_that_dynaconf_would_merge_are_refused(
    configsvc_fake: FakeService, one: dict[str, object], other: dict[str, object]
) -> None:
    configsvc_fake.put_all({**one, **other, "db-x": "1", "a.b": "2"})
    with pytest.raises(Unprocessable, match="Dynaconf would keep one") as caught:
        settings(configsvc_fake.config()).get("x")
    assert all(key in str(caught.value) for key in (*one, *other))
    assert "canary" not in collect_texts(caught.value)
