"""The additions about API keys, needed and working: events say which was used, and a disabled one is refused."""

import pytest

from local.emulator.launcher import Emulator
from tests.support.local.rest_api import RestApi, deploy_rest_api

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def api(emulator: Emulator) -> RestApi:
    return deploy_rest_api(emulator.url)


def test_the_event_names_the_key_that_was_used(api: RestApi) -> None:
    first, second = api.new_key(), api.new_key()

    status, identity = api.get("/keyed", {"x-api-key": second.value})

    assert status == 200
    assert (identity["apiKeyId"], identity["apiKey"]) == (second.id, second.value)
    assert first.id != second.id


def test_a_method_that_needs_no_key_names_none(api: RestApi) -> None:
    status, identity = api.get("/open", {"x-api-key": api.new_key().value})

    assert status == 200
    assert "apiKeyId" not in identity


def test_a_caller_cannot_name_a_key_in_a_header(api: RestApi) -> None:
    key = api.new_key()

    _status, identity = api.get("/keyed", {"x-api-key": key.value, "apiKeyId": "another"})

    assert identity["apiKeyId"] == key.id


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "unknown"}])
def test_an_unknown_key_is_refused_by_the_gateway(api: RestApi, headers: dict[str, str]) -> None:
    status, body = api.get("/keyed", headers)

    assert (status, body) == (403, {"message": "Forbidden"})


def test_without_the_addition_the_event_names_no_key(stock_emulator: Emulator) -> None:
    api = deploy_rest_api(stock_emulator.url)

    status, identity = api.get("/keyed", {"x-api-key": api.new_key().value})

    assert status == 200
    assert "apiKeyId" not in identity


def test_a_disabled_key_is_refused_until_it_is_enabled(api: RestApi) -> None:
    key = api.new_key()
    for value, expected in (("false", 403), ("true", 200)):
        api.set_enabled(key, value)
        assert api.get("/keyed", {"x-api-key": key.value})[0] == expected


def test_without_the_addition_a_disabled_key_still_works(stock_emulator: Emulator) -> None:
    api = deploy_rest_api(stock_emulator.url)
    key = api.new_key()
    api.set_enabled(key, "false")
    assert api.get("/keyed", {"x-api-key": key.value})[0] == 200
