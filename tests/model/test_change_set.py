"""The shape and the values of a change set, checked without opening anything."""

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Put, check_change_set, check_put
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import ConfigsvcError, InvalidEnvelope, InvalidRequest, TooLarge, Unprocessable
from configsvc.model.snapshot import ContentType, Form


def put(form: Form, value: str, content_type: ContentType = "text/plain") -> Put:
    return Put(names.parse_key("a"), form, content_type, value)


@pytest.mark.parametrize(
    "good",
    [
        put("plain", ""),
        put("plain", "x" * limits.STORED_VALUE),
        put("plain", '{"a": [1, "ä", null]}', "application/json"),
        put("kms", to_base64std(b"x")),
        put("kms", to_base64std(b"x" * limits.KMS_CIPHERTEXT), "application/octet-stream"),
    ],
    ids=["empty", "256 KiB", "json", "kms", "kms, the longest"],
)
def test_a_value_that_matches_its_form_is_accepted(good: Put) -> None:
    assert check_change_set(ChangeSet((good,))).operations == (good,)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (put("plain", "x" * (limits.STORED_VALUE + 1)), TooLarge),
        (put("plain", "ä" * (limits.STORED_VALUE // 2) + "x"), TooLarge),
        (put("plain", "AAAA", "application/octet-stream"), Unprocessable),
        (put("plain", "{", "application/json"), Unprocessable),
        (put("plain", "NaN", "application/json"), Unprocessable),
        (put("plain", "[" * 100_000, "application/json"), Unprocessable),
        (put("kms", ""), Unprocessable),
        (put("kms", "AAB="), Unprocessable),
        (put("kms", "A A="), Unprocessable),
        (put("kms", to_base64std(b"x" * (limits.KMS_CIPHERTEXT + 1))), Unprocessable),
        (put("envelope", "a.b.c.d.e"), InvalidEnvelope),
        (put("envelope", ""), InvalidEnvelope),
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
    assert "canary" not in repr(put("plain", "canary"))
    assert "canary" not in repr(ChangeSet((put("plain", "canary"),)))
