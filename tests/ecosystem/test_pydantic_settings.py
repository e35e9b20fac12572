"""Against the real pydantic-settings."""

from __future__ import annotations

import traceback
from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from configsvc.model.errors import CannotOpen, ConfigUnavailable, Unprocessable
from configsvc_client.pydantic_settings import ConfigsvcSettings, ConfigsvcSettingsSource
from configsvc_client.testing import FakeService
from tests.client.carried import carried

CANARY = "canary-3d51f0aa"


class Db(BaseModel):
    url: str
    pool_size: int = 5
    options: dict[str, int] = {}


class Settings(BaseSettings):
    db: Db
    log_level: str = "info"
    token: SecretStr = Field(default=SecretStr("none"), validation_alias="payments.token")
    hosts: list[str] = []
    blob: bytes = b""
    on: bool = False


def read(config: object, prefix: str = "", settings: type[BaseSettings] = Settings, **given: object) -> BaseSettings:
    """Settings of which the arguments come first and the Config second."""

    class Sourced(settings):  # type: ignore[misc,valid-type]  # a class that is given
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **_: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, ConfigsvcSettingsSource(settings_cls, config, prefix=prefix)  # type: ignore[arg-type]

    return Sourced(**given)


def test_nested_models_are_read_by_dots_and_fields_by_the_names_of_variables(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({
        "db.url": "postgres://db", "db.pool_size": 7, "log.level": "debug", "payments.token": CANARY,
        "hosts": ["a", "b"], "blob": b"\x00\xff", "on": True,
    })  # fmt: skip
    found = read(configsvc_fake.config())
    assert found.model_dump(exclude={"token"}) == {
        "db": {"url": "postgres://db", "pool_size": 7, "options": {}},
        "log_level": "debug",
        "hosts": ["a", "b"],
        "blob": b"\x00\xff",
        "on": True,
    }
    assert CANARY not in repr(found)
    assert found.token.get_secret_value() == CANARY  # type: ignore[attr-defined]  # it has it


@pytest.mark.parametrize("key", ["db.pool_size", "db.pool-size", "DB.Pool_Size"])
def test_a_nested_field_finds_its_key_however_it_is_spelt(configsvc_fake: FakeService, key: str) -> None:
    configsvc_fake.put_all({"db.url": "x", key: "9"})
    assert read(configsvc_fake.config()).db.pool_size == 9  # type: ignore[attr-defined]  # it has it


def test_a_model_may_be_one_json_value_and_single_keys_win_over_its_members(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db": {"url": "json", "pool_size": 1, "options": {"a": 1}}, "db.pool_size": 2})
    assert read(configsvc_fake.config()).db == Db(url="json", pool_size=2, options={"a": 1})  # type: ignore[attr-defined]


def test_text_for_a_list_or_a_dict_is_json_as_in_the_environment(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "db.options": '{"a": 1}', "hosts": '["a"]'})
    found = read(configsvc_fake.config())
    assert (found.db.options, found.hosts) == ({"a": 1}, ["a"])  # type: ignore[attr-defined]


def test_what_stands_before_it_wins_and_what_is_absent_has_its_default(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "log.level": "debug"})
    found = read(configsvc_fake.config(), log_level="error")
    assert (found.log_level, found.on) == ("error", False)  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="db"):
        read(FakeService().config())


def test_only_keys_with_the_prefix_are_read_and_fields_are_named_without_it(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"app.db.url": "mine", "app.log-level": "debug", "db.url": "other", "hosts": ["other"]})
    found = read(configsvc_fake.config(), "app.")
    assert (found.db.url, found.log_level, found.hosts) == ("mine", "debug", [])  # type: ignore[attr-defined]


def test_all_values_are_of_one_snapshot_and_a_snapshot_will_do(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("db.url", "first")
    snapshot = configsvc_fake.config().snapshot()
    configsvc_fake.put("db.url", "second")
    assert read(snapshot).db.url == "first"  # type: ignore[attr-defined]


def test_the_newest_values_are_read_each_time_settings_are_made(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("db.url", "first")
    config = configsvc_fake.config()
    assert read(config).db.url == "first"  # type: ignore[attr-defined]
    configsvc_fake.put("db.url", "second")
    configsvc_fake.clock.advance(61)
    assert read(config).db.url == "second"  # type: ignore[attr-defined]


def test_a_key_that_does_not_open_or_could_be_two_is_an_error_and_no_default(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "log.level": "debug"})
    configsvc_fake.damage("log.level")
    with pytest.raises(CannotOpen, match=r"log\.level"):
        read(configsvc_fake.config())
    other = FakeService()
    other.put_all({"db.url": "x", "DB.url": "y"})
    with pytest.raises(Unprocessable, match="case"):
        read(other.config())


def test_a_service_that_is_down_is_told_and_not_hidden_by_defaults(configsvc_fake: FakeService) -> None:
    configsvc_fake.fail()
    with pytest.raises(ConfigUnavailable):
        read(configsvc_fake.config())


def test_no_repr_and_no_error_shows_a_value(configsvc_fake: FakeService) -> None:
    class Masked(BaseSettings, hide_input_in_errors=True):
        port: int

    configsvc_fake.put("port", CANARY)
    config = configsvc_fake.config()
    with pytest.raises(ValidationError) as caught:
        read(config, settings=Masked)
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(ConfigsvcSettingsSource(Masked, config))


def test_text_that_should_be_json_and_is_not_is_told_by_the_name_of_its_field_and_not_carried(
    configsvc_fake: FakeService,
) -> None:
    class Listed(BaseSettings):
        hosts: list[str]

    configsvc_fake.put("hosts", f"[{CANARY}")
    with pytest.raises(SettingsError, match="hosts") as caught:
        read(configsvc_fake.config(), settings=Listed)
    assert CANARY not in carried(caught.value)


class Refusing(ConfigsvcSettings):
    port: int
    level: Literal["info", "debug"]
    hosts: list[int]

    @field_validator("level", mode="before")
    @classmethod
    def _not_loud(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("is loud")
        return value


@pytest.mark.parametrize("hosts", ['["a canary-3d51f0aa"]', "canary-3d51f0aa"])
def test_no_error_of_our_settings_shows_a_value_in_text_members_or_frames(
    configsvc_fake: FakeService, hosts: str
) -> None:
    configsvc_fake.put_all({"port": CANARY, "level": CANARY.upper(), "hosts": hosts})
    with pytest.raises((ValidationError, SettingsError)) as caught:
        read(configsvc_fake.config(), settings=Refusing)
    error = caught.value
    assert CANARY not in carried(error).lower()
    if isinstance(error, ValidationError):
        told = {(each["loc"], each["type"], each["msg"], each["input"]) for each in error.errors()}
        assert (("level",), "value_error", "Value error, is loud", "***") in told
        assert (("port",), "int_parsing") in {(loc, kind) for loc, kind, _, _ in told}
        assert CANARY not in error.json() + repr(error)
    below = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]  # the first is this test's
    assert {frame.f_code.co_name for frame in below} == {"read", "__init__"}
    held = [value for frame in below for name, value in frame.f_locals.items() if name != "self"]  # which is half made
    assert CANARY not in repr(held)
