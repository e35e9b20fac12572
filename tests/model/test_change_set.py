"""The shape and the values of a change set, checked without opening anything."""

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Put, check_change_set, check_put
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import ConfigsvcError, InvalidEnvelope, InvalidRequest, TooLarge, Unprocessable
from configsvc.model.snapshot import ContentType, Form


def make_put(form: Form, value: str, content_type: ContentType = "text/plain") -> Put:
    return Put(names.parse_key("a"), form, content_type, value)


@pytest.mark.parametrize(
    "good",
    [
        make_put("plain", ""),
        make_put("plain", "x" * limits.STORED_VALUE),
        make_put("plain", '{"a": [1, "ä", null]}', "application/json"),
        make_put("kms", to_base64std(b"x")),
        make_put("kms", to_base64std(b"x" * limits.KMS_CIPHERTEXT), "application/octet-stream"),
    ],
    ids=["empty", "256 KiB", "json", "kms", "kms, the longest"],
)
def test_a_value_that_matches_its_form_is_accepted(good: Put) -> None:
    assert check_change_set(ChangeSet((good,))).operations == (good,)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (make_put("plain", "x" * (limits.STORED_VALUE + 1)), TooLarge),
        (make_put("plain", "ä" * (limits.STORED_VALUE // 2) + "x"), TooLarge),
        (make_put("plain", "AAAA", "application/octet-stream"), Unprocessable),
        (make_put("plain", "{", "application/json"), Unprocessable),
        (make_put("plain", "NaN", "application/json"), Unprocessable),
        (make_put("plain", "[" * 100_000, "application/json"), Unprocessable),
        (make_put("kms", ""), Unprocessable),
        (make_put("kms", "AAB="), Unprocessable),
        (make_put("kms", "A A="), Unprocessable),
        (make_put("kms", to_base64std(b"x" * (limits.KMS_CIPHERTEXT + 1))), Unprocessable),
        (make_put("envelope", "a.b.c.d.e"), InvalidEnvelope),
        (make_put("envelope", ""), InvalidEnvelope),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else each.form,
)
def test_a_value_that_does_not_match_its_form_is_refused_unseen(bad: Put, error: type[ConfigsvcError]) -> None:
    with pytest.raises(error) as refused:
        check_put(bad)
    assert len(bad.value) < 4 or bad.value not in f"{refused.value} {refused.value.members}"


def test_a_change_set_has_1_to_40_operations_on_distinct_keys() -> None:
    many = [Delete(names.parse_key(f"k{number}")) for number in range(limits.OPERATIONS + 1)]
    check_change_set(ChangeSet(tuple(many[:-1])))
    with pytest.raises(TooLarge):
        check_change_set(ChangeSet(tuple(many)))
    with pytest.raises(InvalidRequest):
        check_change_set(ChangeSet(()))
    with pytest.raises(InvalidRequest):
        check_change_set(ChangeSet((many[0], Activate(many[0].key, 1))))


def test_a_put_does_not_show_its_value() -> None:
    assert "canary" not in repr(make_put("plain", "canary"))
    assert "canary" not in repr(ChangeSet((make_put("plain", "canary"),)))
