"""The source with the real pydantic-settings."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from configsvc.model.errors import CannotOpen, ConfigUnavailable, Unprocessable
from configsvc_client.pydantic_settings import ConfigsvcSettings, ConfigsvcSettingsSource
from configsvc_client.testing import FakeService
from tests.support.client.error_texts import collect_texts

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
    """Settings whose arguments win over the Config."""

    class Sourced(settings):  # type: ignore[misc,valid-type]  # a class that is given
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **_: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, ConfigsvcSettingsSource(settings_cls, config, prefix=prefix)  # type: ignore[arg-type]

    return Sourced(**given)


def test_nested_models_use_dots_and_fields_use_variable_names(configsvc_fake: FakeService) -> None:
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


def test_a_model_may_be_one_json_value_whose_members_keys_override(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db": {"url": "json", "pool_size": 1, "options": {"a": 1}}, "db.pool_size": 2})
    assert read(configsvc_fake.config()).db == Db(url="json", pool_size=2, options={"a": 1})  # type: ignore[attr-defined]


def test_text_for_a_list_or_dict_is_read_as_json(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "db.options": '{"a": 1}', "hosts": '["a"]'})
    found = read(configsvc_fake.config())
    assert (found.db.options, found.hosts) == ({"a": 1}, ["a"])  # type: ignore[attr-defined]


def test_earlier_sources_win_and_absent_keys_have_defaults(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.url": "x", "log.level": "debug"})
    found = read(configsvc_fake.config(), log_level="error")
    assert (found.log_level, found.on) == ("error", False)  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="db"):
        read(FakeService().config())


def test_a_prefix_selects_keys_and_is_left_out_of_field_names(configsvc_fake: FakeService) -> None:
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


def test_an_unopened_or_ambiguous_key_is_an_error_not_a_default(configsvc_fake: FakeService) -> None:
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


def test_text_that_is_not_json_is_reported_by_field_without_the_text(
    configsvc_fake: FakeService,
) -> None:
    class Listed(BaseSettings):
        hosts: list[str]

    configsvc_fake.put("hosts", f"[{CANARY}")
    with pytest.raises(SettingsError, match="hosts") as caught:
        read(configsvc_fake.config(), settings=Listed)
    assert CANARY not in collect_texts(caught.value)


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
def test_no_settings_error_shows_a_value_in_text_members_or_frames(configsvc_fake: FakeService, hosts: str) -> None:
    configsvc_fake.put_all({"port": CANARY, "level": CANARY.upper(), "hosts": hosts})
    with pytest.raises((ValidationError, SettingsError)) as caught:
        read(configsvc_fake.config(), settings=Refusing)
    error = caught.value
    assert CANARY not in collect_texts(error).lower()
    if isinstance(error, ValidationError):
        told = {(each["loc"], each["type"], each["msg"], each["input"]) for each in error.errors()}
        assert (("level",), "value_error", "Value error, is loud", "***") in told
        assert (("port",), "int_parsing") in {(loc, kind) for loc, kind, _, _ in told}
        assert CANARY not in error.json() + repr(error)
    below = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]  # the first is this test
    assert {frame.f_code.co_name for frame in below} == {"read", "__init__"}
    held = [value for frame in below for name, value in frame.f_locals.items() if name != "self"]  # half constructed
    assert CANARY not in repr(held)


Kind = Any
"""A field type."""


class Replica(BaseModel):
    url: str = "none"
    pool: int = 1


def of(kind: Kind) -> type[BaseSettings]:
    """Settings with `db.replica` of that type."""

    class Inner(BaseModel):
        replica: kind = None

    class Outer(BaseSettings):
        db: Inner = Inner()

    return Outer


TEXT_AND_BELOW = {"db.replica": "text", "db.replica.url": "U"}
JSON_AND_BELOW = {"db.replica": {"pool": 5, "url": "J"}, "db.replica.url": "U"}
BOTH: list[tuple[Any, dict[str, Any], object]] = [
    (str, TEXT_AND_BELOW, "text"),
    (str | None, TEXT_AND_BELOW, "text"),
    (Literal["text"], TEXT_AND_BELOW, "text"),
    (list[str], {"db.replica": ["a"], "db.replica.url": "U"}, ["a"]),
    (Replica, TEXT_AND_BELOW, {"url": "U", "pool": 1}),
    (Replica | None, TEXT_AND_BELOW, {"url": "U", "pool": 1}),
    (Annotated[Replica, Field(description="annotated")], TEXT_AND_BELOW, {"url": "U", "pool": 1}),
    (dict[str, str], TEXT_AND_BELOW, {"url": "U"}),
    (Mapping[str, str], TEXT_AND_BELOW, {"url": "U"}),
    (Replica, {"db.replica": 7, "db.replica.url": "U"}, {"url": "U", "pool": 1}),
    (Replica, {"db.replica": b"\xff", "db.replica.url": "U"}, {"url": "U", "pool": 1}),
    (Replica | None, {"db.replica": None, "db.replica.url": "U"}, {"url": "U", "pool": 1}),
    (Replica, JSON_AND_BELOW, {"url": "U", "pool": 5}),
    (Replica | str, JSON_AND_BELOW, {"url": "U", "pool": 5}),
    (Any, JSON_AND_BELOW, {"url": "U", "pool": 5}),
    (dict[str, Any], JSON_AND_BELOW, {"url": "U", "pool": 5}),
    (Replica, {"db.replica": '{"pool": 5}', "db.replica.url": "U"}, {"url": "U", "pool": 5}),
    (Replica, {"db": "text", "db.replica": "text", "db.replica.url": "U"}, {"url": "U", "pool": 1}),
    (Replica, {"db": {"replica": "x"}, "db.replica.url": "U"}, {"url": "U", "pool": 1}),
    (Replica, {"db": {"replica": {"pool": 3}}, "db.replica.url": "U"}, {"url": "U", "pool": 3}),
    (str, {"db": {"replica": "x"}, "db.replica.url": "U"}, "x"),
    (str, {"db.replica.url": "U"}, None),
    (dict[str, Replica], {"db.replica.one": "x", "db.replica.one.url": "U"}, {"one": {"url": "U", "pool": 1}}),
]


@pytest.mark.parametrize("order", [1, -1], ids=["shorter key first", "longer key first"])
@pytest.mark.parametrize(("kind", "stored", "expected"), BOTH)
def test_a_field_s_type_chooses_between_a_key_and_keys_below_it(
    configsvc_fake: FakeService, kind: Kind, stored: dict[str, Any], expected: object, order: int
) -> None:
    """In any order of the layered namespaces."""
    for place, (key, value) in enumerate(sorted(stored.items())[::order]):
        configsvc_fake.put(key, value, namespace=f"layer.{place}")
    config = configsvc_fake.config(*(f"layer.{place}" for place in range(len(stored))))
    assert read(config, settings=of(kind)).model_dump() == {"db": {"replica": expected}}
    assert read(config, settings=of(kind)).model_dump() == {"db": {"replica": expected}}
    assert dict(config) == stored


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Any, "text"), (Any, '{"pool": 5}'), (Replica | str, "text"), (Replica | list[str], ["a"]), (object, 7)],
)
def test_a_field_that_could_be_either_key_is_refused_with_both_names(
    configsvc_fake: FakeService, kind: Kind, value: object
) -> None:
    configsvc_fake.put_all({"db.replica": value, "db.replica.url": CANARY})
    with pytest.raises(Unprocessable, match=r"db\.replica and db\.replica\.url could both") as caught:
        read(configsvc_fake.config(), settings=of(kind))
    assert CANARY not in collect_texts(caught.value)


def test_a_dict_that_takes_every_key_does_not_lose_one(configsvc_fake: FakeService) -> None:
    class Free(BaseSettings):
        db: dict[str, Any]

    configsvc_fake.put_all({**TEXT_AND_BELOW, "db": {"pool": 5}})
    with pytest.raises(Unprocessable, match=r"db\.replica and db\.replica\.url could both"):
        read(configsvc_fake.config(), settings=Free)
    configsvc_fake.delete("db.replica")
    assert read(configsvc_fake.config(), settings=Free).db == {"pool": 5, "replica": {"url": "U"}}  # type: ignore[attr-defined]  # it has it


def test_keys_that_no_field_uses_are_ignored(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all(
        {"db.other": "x", "db.other.url": "y", "db.replica": "r", "unrelated": "x", "unrelated.y": "z"}
    )
    assert read(configsvc_fake.config(), settings=of(str)).model_dump() == {"db": {"replica": "r"}}


def test_text_that_is_not_the_expected_object_is_an_error(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.replica": '{"pool": 5', "db.replica.url": "U"})
    with pytest.raises(SettingsError, match="db") as caught:
        read(configsvc_fake.config(), settings=of(Replica))
    assert '"pool"' not in collect_texts(caught.value)


class Flat(BaseSettings):
    db_replica_url: str = "none"


def test_two_keys_for_one_field_are_refused(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.replica.url": "a", "db.replica-url": "b"})
    with pytest.raises(
        Unprocessable, match=r"db\.replica-url and db\.replica\.url could both be the field db_replica_url"
    ):
        read(configsvc_fake.config(), settings=Flat)
    assert read(configsvc_fake.config(), settings=of(Replica)).model_dump() == {
        "db": {"replica": {"url": "a", "pool": 1}}
    }
    configsvc_fake.put("db_replica_url", "spelt so")
    assert read(configsvc_fake.config(), settings=Flat).model_dump() == {"db_replica_url": "spelt so"}


def test_each_key_appears_in_a_dict_once_under_its_name(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"db.replica.max-size": "1", "db.replica.min_size": "2"})
    found = read(configsvc_fake.config(), settings=of(dict[str, int])).model_dump()
    assert found == {"db": {"replica": {"max-size": 1, "min_size": 2}}}


def test_a_key_spelled_as_its_field_wins_over_one_with_a_hyphen(configsvc_fake: FakeService) -> None:
    class Pools(BaseModel):
        max_size: int

    class Hyphens(BaseSettings):
        my_db: dict[str, Pools]

    configsvc_fake.put_all({"my-db.first-one.max-size": "1", "my-db.first-one.max_size": "2"})
    configsvc_fake.put("my_db.other.max-size", "3")
    found = read(configsvc_fake.config(), settings=Hyphens).model_dump()
    assert found == {"my_db": {"first-one": {"max_size": 2}, "other": {"max_size": 3}}}
