"""A masked value: what writes it out by mistake, or walks through the parts of objects, gets the mask."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable

import pytest

from configsvc_client import Secret
from configsvc_client._aws.sigv4 import Credentials, sign

CANARY = "canary-3141592"


@pytest.mark.parametrize("show", [repr, str, ascii, "{}".format, "{:>30}".format, "%s".__mod__, "%r".__mod__])
def test_text_made_of_a_secret_holds_a_mask(show: Callable[[object], str]) -> None:
    assert "***" in show(Secret(CANARY))
    assert CANARY not in show(Secret(CANARY))


@pytest.mark.parametrize("take", [dict, list, json.dumps, pickle.dumps, bytes, iter])
def test_nothing_takes_a_secret_apart(take: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        take(Secret(CANARY))


@dataclasses.dataclass
class _Database:
    password: Secret


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: dataclasses.asdict(_Database(it))["password"]])
def test_a_secret_goes_along_where_the_settings_around_it_are_copied(copied: Callable[[Secret], object]) -> None:
    secret = Secret(CANARY)
    assert copied(secret) is secret


def test_no_attribute_of_a_secret_shows_it() -> None:
    secret = Secret(CANARY)
    shown = [repr(getattr(secret, name)) for name in dir(secret)]
    assert not [text for text in shown if CANARY in text]
    assert vars(secret) == {}
    assert secret.reveal() == CANARY


def test_what_signs_and_what_is_signed_are_masked() -> None:
    credentials = Credentials("AKID", CANARY, CANARY)
    headers = {"x-api-key": Secret(CANARY)}
    made = sign("GET", "https://h/", headers, b"", service="kms", region="r", credentials=credentials, now=0)
    assert CANARY not in repr((credentials, made))
    assert "Signature" not in repr(made)
    assert made["X-Amz-Security-Token"] is credentials.token
