"""The bodies of writes become values of the model, or problems that name the field but not the value."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import errors, limits
from configsvc.model.change_set import Activate, ChangeSet, Delete, Put
from configsvc.model.grants import Grant
from configsvc.model.names import Key
from configsvc.service.verbs.namespaces import NamespaceWanted
from configsvc.web.bodies import changes, data_keys, grants, keys, namespaces
from configsvc.web.request import Preconditions

NONE = Preconditions(None, create_only=False)
CANARY = "canary-55aa"
VALUE: dict[str, object] = {"form": "plain", "content_type": "text/plain", "value": CANARY}


def encode(body: object) -> bytes:
    return json.dumps(body).encode()


def test_a_put_is_read_with_its_preconditions_and_message() -> None:
    body = encode({**VALUE, "message": "why", "activate": False, "declassify": True, "rotate_by": "2027-01-31"})
    put, message = keys.parse_put(Key("db.url"), body, Preconditions(41, create_only=False))
    wanted = Put("db.url", "plain", "text/plain", CANARY, False, True, "2027-01-31", 41, False)  # type: ignore[arg-type]  # noqa: FBT003
    assert (put, message) == (wanted, "why")


def test_omitted_fields_of_a_put_have_defaults() -> None:
    put, message = keys.parse_put(Key("k"), encode(VALUE), Preconditions(None, create_only=True))
    assert (put.activate, put.declassify, put.rotate_by, put.if_match, put.create_only, message) == (
        True, False, None, None, True, "",
    )  # fmt: skip


def test_a_change_set_is_read_in_order() -> None:
    operations = [
        {"op": "put", "key": "a", **VALUE, "if_match": 7},
        {"op": "activate", "key": "b", "version": 3},
        {"op": "delete", "key": "c", "if_match": 9},
        {"op": "put", "key": "d", **VALUE, "create_only": True},
    ]
    found = changes.parse_change_set(
        encode({"message": "why", "operations": operations}), Preconditions(5, create_only=False)
    )
    put, new = found.operations[0], found.operations[3]
    assert found == ChangeSet((put, Activate("b", 3), Delete("c", 9), new), "why", 5)  # type: ignore[arg-type]
    assert isinstance(put, Put)
    assert isinstance(new, Put)
    assert (put.key, put.value, put.if_match, put.create_only) == ("a", CANARY, 7, False)
    assert (new.if_match, new.create_only) == (None, True)


def test_an_operation_has_if_match_or_create_only_not_both() -> None:
    with pytest.raises(errors.Unprocessable, match="not both") as caught:
        parse_change_of(op="put", key="d", **VALUE, if_match=7, create_only=True)()
    assert caught.value.members["field"] == "create_only"


def test_namespaces_and_grants_are_read() -> None:
    assert namespaces.parse_settings(b"") == NamespaceWanted()
    assert namespaces.parse_settings(encode({"forms": ["kms"]})) == NamespaceWanted(forms=("kms",))
    body = encode({"grants": [{"actions": ["read", "write"], "namespaces": ["a.*", "b"]}]})
    assert grants.parse_grants(body) == (Grant(("read", "write"), ("a.*", "b")),)


def parse_put_of(**changed: object) -> Callable[[], object]:
    return lambda: keys.parse_put(Key("k"), encode({**VALUE, **changed}), NONE)


def parse_change_of(**operation: object) -> Callable[[], object]:
    return lambda: changes.parse_change_set(encode({"operations": [operation]}), NONE)


@pytest.mark.parametrize(
    ("refused", "field"),
    [
        (parse_put_of(form=CANARY), "form"),
        (parse_put_of(content_type=CANARY), "content_type"),
        (parse_put_of(value=[CANARY]), "value"),
        (parse_put_of(rotate_by=CANARY), "rotate_by"),
        (parse_put_of(activate=CANARY), "activate"),
        (parse_put_of(extra=CANARY), "extra"),
        (parse_change_of(op=CANARY, key="k"), "operations.0"),
        (parse_change_of(op="activate", key="k", version=CANARY), "operations.0.activate.version"),
        (parse_change_of(op="put", key=CANARY + "/"), "operations.0.put.form"),
        (parse_change_of(op="delete", key="k", value=CANARY), "operations.0.delete.value"),
    ],
)
def test_a_refusal_names_the_field_and_not_the_value(refused: Callable[[], object], field: str) -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        refused()
    problem = json.dumps(errors.to_problem(caught.value, "r"))
    assert field in {each["field"] for each in json.loads(problem)["errors"]}
    assert CANARY not in problem


def test_an_invalid_day_is_refused_without_quoting_it() -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        parse_put_of(rotate_by="2027-02-31")()
    assert "2027-02-31" not in json.dumps(errors.to_problem(caught.value, "r"))


def test_an_unknown_operation_gets_a_list_of_the_known_ones() -> None:
    for operation in ({"op": "move", "key": "k"}, {"key": "k"}):
        with pytest.raises(errors.InvalidRequest, match="put, activate or delete"):
            parse_change_of(**operation)()


def test_up_to_twenty_wrong_fields_are_reported_together() -> None:
    body = {f"field{number}": CANARY for number in range(50)}
    with pytest.raises(errors.InvalidRequest, match="53 fields are wrong") as caught:
        keys.parse_put(Key("k"), encode(body), NONE)
    assert len(caught.value.members["errors"]) == 20  # type: ignore[arg-type]


def test_only_an_exceeded_limit_is_413() -> None:
    long = "x" * (limits.MESSAGE + 1)
    with pytest.raises(errors.TooLarge):
        parse_put_of(message=long)()
    with pytest.raises(errors.InvalidRequest):
        parse_put_of(message=long, form=CANARY)()


FIELDS = st.sampled_from(["op", "key", "form", "content_type", "value", "version", "operations", "grants", "kid", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["put", "plain", "text/plain"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(FIELDS, each, max_size=4),
)


@given(st.dictionaries(FIELDS, JSON, max_size=8))
def test_any_object_is_a_value_or_a_refusal(body: dict[str, object]) -> None:
    readers: list[Callable[[bytes], object]] = [
        lambda sent: keys.parse_put(Key("k"), sent, NONE),
        lambda sent: changes.parse_change_set(sent, NONE),
        data_keys.parse_data_key,
        namespaces.parse_settings,
        grants.parse_grants,
    ]
    for read in readers:
        try:
            read(encode(body))
        except errors.ConfigsvcError as error:
            assert error.status in {400, 413}  # noqa: PT017  # either way is right
