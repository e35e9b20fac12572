import math

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client import Config
from configsvc_client._pin import is_same_key, parse_pin
from configsvc_client._secret import Secret
from configsvc_client._settings import SETTINGS, ClientSetting, Given, parse_settings
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import KMS_KEY, OTHER_KEY


def test_variables_are_read_and_have_their_defaults() -> None:
    found = parse_settings(Given(), {**ENVIRON, "CONFIGSVC_NAMESPACES": " payments.prod, shared.prod ,"})
    assert found.url.origin + found.url.path == "https://api.example/prod"
    assert found.namespaces == ("payments.prod", "shared.prod")
    assert found.pin.arns == (KMS_KEY,)
    assert (found.poll_seconds, found.start_seconds, found.refresh_seconds, found.data_key_seconds) == (
        60,
        8,
        0.8,
        3600,
    )


def test_arguments_win_over_variables() -> None:
    given = Given(
        ("a",),
        url="https://b.example",
        api_key=Secret("key"),
        kms_keys=(OTHER_KEY,),
        poll_seconds=5,
        start_seconds=6,
        refresh_seconds=7,
    )
    found = parse_settings(given, {**ENVIRON, "CONFIGSVC_POLL_SECONDS": "2"})
    assert (found.url.host, found.api_keys[0].reveal(), found.namespaces) == ("b.example", "key", ("a",))
    assert found.pin.arns == (OTHER_KEY,)
    assert (found.poll_seconds, found.start_seconds, found.refresh_seconds) == (5, 6, 7)
    assert parse_settings(Given(), {**ENVIRON, "CONFIGSVC_POLL_SECONDS": "2"}).poll_seconds == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONFIGSVC_URL", "http://api.example"),
        ("CONFIGSVC_URL", "api.example"),
        ("CONFIGSVC_API_KEY", "two words"),
        ("CONFIGSVC_API_KEY", "with\nnewline"),
        ("CONFIGSVC_NAMESPACES", "Payments"),
        ("CONFIGSVC_NAMESPACES", "a,a"),
        ("CONFIGSVC_KMS_KEYS", "alias/configsvc"),
        ("CONFIGSVC_KMS_KEYS", "arn:aws:kms:eu-central-1:111122223333:alias/configsvc"),
        ("CONFIGSVC_KMS_KEYS", f"{KMS_KEY},1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("CONFIGSVC_POLL_SECONDS", "soon"),
        ("CONFIGSVC_POLL_SECONDS", "0"),
        ("CONFIGSVC_POLL_SECONDS", "-1"),
        ("CONFIGSVC_START_SECONDS", "inf"),
        ("CONFIGSVC_REFRESH_SECONDS", "nan"),
        ("CONFIGSVC_MAX_STALE_SECONDS", "0"),
        ("CONFIGSVC_MAX_STALE_SECONDS", "59"),
        ("CONFIGSVC_DATA_KEY_SECONDS", "-1"),
        ("CONFIGSVC_MIN_REVISION", "new"),
        ("CONFIGSVC_MIN_REVISION", "-1"),
        ("CONFIGSVC_MIN_REVISION", "1.5"),
        ("CONFIGSVC_MIN_REVISION", "other.prod=1"),
        ("CONFIGSVC_MIN_REVISION", "payments.prod=1,payments.prod=2"),
        ("CONFIGSVC_SEALED_KEYS", "db/url"),
        ("CONFIGSVC_SEALED_KEYS", "[a-z]"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        parse_settings(Given(), {**ENVIRON, name: value})


@pytest.mark.parametrize("row", [row for row in SETTINGS if row.name.endswith("_seconds")], ids=lambda row: row.name)
def test_blanks_are_no_seconds_and_an_empty_variable_is_unset(row: ClientSetting) -> None:
    unset, empty = parse_settings(Given(), ENVIRON), parse_settings(Given(), {**ENVIRON, row.variable: ""})
    assert getattr(empty, row.name) == getattr(unset, row.name)
    with pytest.raises(Misconfigured, match=row.variable):
        parse_settings(Given(), {**ENVIRON, row.variable: "  "})
    with pytest.raises(Misconfigured, match=row.variable):
        parse_settings(Given((), **{row.name: ""}), ENVIRON)


def test_the_api_key_is_not_shown() -> None:
    environ = {**ENVIRON, "CONFIGSVC_API_KEY": "canary"}
    given = Given(api_key=Secret("canary"))
    shown = [repr(parse_settings(Given(), environ)), repr(given), repr(Config(api_key="canary"))]
    assert not [text for text in shown if "canary" in text]


def test_one_kms_key_may_be_given_as_text() -> None:
    config = Config("n", url="https://h", api_key="k", kms_keys=KMS_KEY, environ={})
    assert parse_settings(config._given, {}).pin == parse_pin([KMS_KEY])  # noqa: SLF001  # what was given shows only in a call to KMS


def test_only_a_multi_region_key_is_the_same_in_every_region() -> None:
    key = "arn:aws:kms:{}:111122223333:key/{}"
    assert is_same_key(key.format("eu-west-1", "mrk-1"), key.format("us-east-1", "mrk-1"))
    assert not is_same_key(key.format("eu-west-1", "mrk-1"), key.format("us-east-1", "mrk-2"))
    assert not is_same_key(key.format("eu-west-1", "1"), key.format("us-east-1", "1"))
    assert not is_same_key(KMS_KEY, OTHER_KEY)


def test_optional_settings_have_neutral_defaults_and_read_variables_and_arguments() -> None:
    plain = parse_settings(Given(), ENVIRON)
    assert (plain.max_stale_seconds, plain.fallback, plain.floors, plain.sealed_keys) == (math.inf, None, {}, None)
    environ = {
        **ENVIRON,
        "CONFIGSVC_NAMESPACES": "payments.prod,shared.prod",
        "CONFIGSVC_MAX_STALE_SECONDS": "600",
        "CONFIGSVC_FALLBACK": "/var/task/f.json",
        "CONFIGSVC_MIN_REVISION": "payments.prod=41, shared.prod=7",
        "CONFIGSVC_DATA_KEY_SECONDS": "60",
    }
    found = parse_settings(Given(), environ)
    assert (found.max_stale_seconds, found.fallback, found.data_key_seconds) == (600, "/var/task/f.json", 60)
    assert found.floors == {"payments.prod": 41, "shared.prod": 7}
    assert found.start_seconds == 2
    given = Given(
        max_stale_seconds=700, fallback="g", min_revision={"shared.prod": 8}, data_key_seconds=5, start_seconds=3
    )
    found = parse_settings(given, environ)
    assert (found.max_stale_seconds, found.fallback, found.data_key_seconds, found.start_seconds) == (700, "g", 5, 3)
    assert found.floors == {"shared.prod": 8}


def test_one_number_is_a_minimum_revision_of_a_single_namespace_only() -> None:
    assert parse_settings(Given(), {**ENVIRON, "CONFIGSVC_MIN_REVISION": "41"}).floors == {"payments.prod": 41}
    assert parse_settings(Given(min_revision=41), ENVIRON).floors == {"payments.prod": 41}
    with pytest.raises(Misconfigured, match="CONFIGSVC_MIN_REVISION"):
        parse_settings(Given(("a", "b"), min_revision=41), ENVIRON)


@pytest.mark.parametrize(
    ("patterns", "key", "sealed"),
    [
        ("*", "anything", True),
        ("db.*", "db.url", True),
        ("db.*", "dbxurl", False),
        ("db.*, api_key", "api_key", True),
        ("*.password", "db.main.password", True),
        ("*.password", "password", False),
        ("db.url", "db.url2", False),
    ],
)
def test_patterns_of_sealed_keys_name_whole_keys(patterns: str, key: str, sealed: bool) -> None:  # noqa: FBT001  # a table
    found = parse_settings(Given(), {**ENVIRON, "CONFIGSVC_SEALED_KEYS": patterns}).sealed_keys
    assert found is not None
    assert found.matches(key) is sealed
