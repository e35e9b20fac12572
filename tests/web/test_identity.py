"""The caller, as API Gateway identifies it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.grants import UPKEEP
from configsvc.service.engine.ports import Caller
from configsvc.web.event import collect_headers, identify_caller
from tests.support.web.events import build_event


def identify(identity: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Caller:
    made = build_event("GET", "/v1/x", identity=identity, headers=headers)
    return identify_caller(made, collect_headers(made))


def test_the_api_key_is_identified_by_api_gateways_id() -> None:
    found = identify({"apiKeyId": "a1b2c3"}, {"x-api-key": "another", "apiKeyId": "another"})
    assert found.api_key == "api-key:a1b2c3"


@pytest.mark.parametrize("identifier", [None, "", "a:b", "test-invoke-api-key-id", "a b", "a/b", 7.5])
def test_an_invalid_id_is_nobody(identifier: object) -> None:
    assert identify({"apiKeyId": identifier}).api_key is None


def test_the_keys_value_alone_is_nobody() -> None:
    assert identify({"apiKey": "abc"}, {"x-api-key": "abc"}).api_key is None


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Deploy/s", "arn:aws:iam::123456789012:role/Deploy"),
        ("arn:aws:iam::123456789012:user/team/ann", "arn:aws:iam::123456789012:user/ann"),
        ("arn:aws:iam::123456789012:root", None),
        ("arn:aws:sts::123456789012:federated-user/bob", None),
        ("", None),
        (None, None),
    ],
)
def test_the_principal_is_the_role_or_user_and_the_arn_is_kept(arn: str | None, principal: str | None) -> None:
    found = identify({"userArn": arn})
    assert (found.principal, found.arn) == (principal, arn or "")


def test_no_identity_is_nobody() -> None:
    found = identify({})
    assert (found.api_key, found.principal, found.arn, found.source_ip) == (None, None, "", "")


def test_source_ip_and_user_agent_come_from_api_gateway() -> None:
    identity = {"sourceIp": "203.0.113.9", "userAgent": "x" * 1000}
    found = identify(identity, {"X-Forwarded-For": "198.51.100.1", "User-Agent": "other"})
    assert found.source_ip == "203.0.113.9"
    assert found.user_agent == "x" * 256


NEAR_UPKEEP = st.one_of(
    st.sampled_from([UPKEEP, f"{UPKEEP}\n", f"arn:aws:iam::123456789012:role/{UPKEEP}", f"user/{UPKEEP}", "upkeep"]),
    st.text(),
)


@given(
    key=NEAR_UPKEEP, arn=NEAR_UPKEEP, more=st.dictionaries(st.sampled_from(["user", "caller", "apiKey"]), NEAR_UPKEEP)
)
def test_no_event_of_api_gateway_makes_a_caller_upkeep(key: str, arn: str, more: dict[str, str]) -> None:
    found = identify({"apiKeyId": key, "userArn": arn, **more}, {"X-Api-Key": UPKEEP})
    assert UPKEEP not in (found.api_key, found.principal)
