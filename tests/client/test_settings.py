import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client import Config
from configsvc_client._pin import pin, same_key
from configsvc_client._settings import Given, settings
from tests.client.configs import ENVIRON
from tests.client.fakes import KMS_KEY, OTHER_KEY


def test_variables_are_read_and_have_their_defaults() -> None:
    found = settings(Given(), {**ENVIRON, "CONFIGSVC_NAMESPACES": " payments.prod, shared.prod ,"})
    assert found.url.origin + found.url.path == "https://api.example/prod"
    assert found.namespaces == ("payments.prod", "shared.prod")
    assert found.pin.arns == (KMS_KEY,)
    assert (found.poll_seconds, found.start_seconds, found.refresh_seconds, found.data_key_ttl) == (60, 8, 0.8, 3600)


def test_arguments_win_over_variables() -> None:
    given = Given(("a",), "https://b.example", "key", (OTHER_KEY,), 5, 6, 7)
    found = settings(given, {**ENVIRON, "CONFIGSVC_POLL_SECONDS": "2"})
    assert (found.url.host, found.api_key, found.namespaces) == ("b.example", "key", ("a",))
    assert found.pin.arns == (OTHER_KEY,)
    assert (found.poll_seconds, found.start_seconds, found.refresh_seconds) == (5, 6, 7)
    assert settings(Given(), {**ENVIRON, "CONFIGSVC_POLL_SECONDS": "2"}).poll_seconds == 2


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
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        settings(Given(), {**ENVIRON, name: value})


def test_the_api_key_is_not_shown() -> None:
    environ = {**ENVIRON, "CONFIGSVC_API_KEY": "canary"}
    shown = [repr(settings(Given(), environ)), repr(Given(api_key="canary")), repr(Config(api_key="canary"))]
    assert not [text for text in shown if "canary" in text]


def test_one_kms_key_may_be_given_as_text() -> None:
    config = Config("n", url="https://h", api_key="k", kms_keys=KMS_KEY, environ={})
    assert settings(config._given, {}).pin == pin([KMS_KEY])  # noqa: SLF001  # what was given shows only in a call to KMS


def test_a_multi_region_key_is_one_key_in_every_region_and_no_other_is() -> None:
    key = "arn:aws:kms:{}:111122223333:key/{}"
    assert same_key(key.format("eu-west-1", "mrk-1"), key.format("us-east-1", "mrk-1"))
    assert not same_key(key.format("eu-west-1", "mrk-1"), key.format("us-east-1", "mrk-2"))
    assert not same_key(key.format("eu-west-1", "1"), key.format("us-east-1", "1"))
    assert not same_key(KMS_KEY, OTHER_KEY)
