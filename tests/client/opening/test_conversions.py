"""`config.get(key, as_=type)`: what each type takes, and that nothing becomes something else without a word."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, List, NamedTuple, Self  # noqa: UP035  # as some still write it

import pytest

from configsvc_client.testing import FakeService
from tests.support.client.error_texts import collect_texts


class Level(enum.Enum):
    INFO = "info"


class Port(int):
    """Reads text in a way of its own."""

    def __new__(cls, value: int | str) -> Self:
        return super().__new__(cls, int(value, 0) if isinstance(value, str) else value)


class Number(enum.IntEnum):
    ONE = 1


class Name(str):
    __slots__ = ()


class Raw(bytes):
    pass


class Unhashable(NamedTuple):
    parts: list[int]

    def __call__(self, value: object) -> object:
        return [value]


def got(value: object, as_: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # whatever it becomes
    fake = FakeService()
    fake.put("k", value)
    return fake.config().get("k", as_=as_)


def each(kind: object, *values: object) -> list[tuple[Any, Any]]:
    return [(kind, value) for value in values]


TAKEN: list[tuple[Any, Any, Any]] = [
    *((bool, value, True) for value in (True, 1, 1.0, "true", "1", " Yes\n", "ON", b"true", b"1")),
    *((bool, value, False) for value in (False, 0, 0.0, "false", "0", "no", " Off ", b"false", b"0", b"False\n")),
    *((int, value, 10) for value in (10, 10.0, "10", " 10\n", b"10", "+1_0")),
    *((float, value, 10.5) for value in (10.5, "10.5", b" 10.5", "105e-1")),
    (float, 10, 10.0),
    (str, "text", "text"), (str, "é".encode(), "é"), (str, True, "true"), (str, 10.7, "10.7"),
    (str, {"a": ["é", None]}, '{"a":["é",null]}'),
    (bytes, b"\xff", b"\xff"), (bytes, "é", "é".encode()), (bytearray, "a", bytearray(b"a")),
    (list, [1, [2]], [1, [2]]), (tuple, [1, "a"], (1, "a")), (set, [1, 1], {1}), (frozenset, [1], frozenset({1})),
    (deque, [1, 2], deque([1, 2])), (dict, {"a": {"b": 1}}, {"a": {"b": 1}}),
    (OrderedDict, {"a": {"b": 1}}, OrderedDict(a={"b": 1})),
    (Decimal, 10.7, Decimal("10.7")), (Decimal, "0.10", Decimal("0.10")), (Decimal, 3, Decimal(3)),
    (Fraction, 0.1, Fraction(1, 10)), (Fraction, "1/3", Fraction(1, 3)),
    (Port, "0x50", Port(80)), (Port, 80.0, Port(80)), (Number, 1.0, Number.ONE), (Name, b"a", Name("a")),
    (Raw, "a", Raw(b"a")), (Level, "info", Level.INFO),
    (Path, "/a", Path("/a")), (json.loads, "[1]", [1]), (len, "abc", 3),
    (lambda text: text.split(","), "a,b", ["a", "b"]), (Unhashable([1]), "x", ["x"]),
]  # fmt: skip


@pytest.mark.parametrize(("as_", "value", "expected"), TAKEN)
def test_a_value_is_converted_to_what_it_means(as_: Callable[[Any], Any], value: object, expected: object) -> None:
    found = got(value, as_)
    assert found == expected
    assert type(found) is type(expected)


TRUE = True
REFUSED: list[tuple[Any, Any]] = [
    *each(bool, 2, -1, 0.5, "", "2", "maybe", b"", b"\xff", None, [], [0], {}, {"a": 1}),
    *each(int, TRUE, 10.7, "10.7", 1e300, 2.0**53, "true", "nan", "", None, [1], {}, b"\xff"),
    *each(float, TRUE, "nan", "-inf", "Infinity", "1e999", "", None, [1.0], {}, 10**400),
    *each(str, None, b"\xff"),
    *each(bytes, 10, TRUE, None, [1, 2], {}, 1.5),
    *each(bytearray, 10, TRUE, None, [1, 2], {}, 1.5),
    *each(OrderedDict, "", b"", [["a", 1]], None),
    *(pair for kind in (list, tuple, set, deque) for pair in each(kind, "a,b", "", b"ab", {"a": 1}, 5, TRUE, None)),
    (set, [[1]]),
    *each(dict, "", "ab", b"", [], ["ab"], [["a", 1]], 5, None),
    *each(Decimal, TRUE, "NaN", "sNaN", "Infinity", [0, [1], -1], None, "x"),
    *each(Fraction, TRUE, "1/0", None, "x"),
    *(pair for kind in (list[int], List[int], dict[str, int]) for pair in each(kind, "ab", [1], {"a": 1})),  # noqa: UP006  # as some still write it
    *each(Port, 80.5, TRUE, None), *each(Number, TRUE, 1.5, 2, "one"), *each(Name, b"\xff", None), *each(Raw, 10, [1]),
    (Level, "canary"), (Path, b"x"), (int | str, "1"),
]  # fmt: skip


@pytest.mark.parametrize(("as_", "value"), REFUSED)
def test_what_a_type_cannot_hold_as_it_is_meant_is_refused(as_: Callable[[Any], Any], value: object) -> None:
    with pytest.raises(ValueError, match="k cannot be read as "):
        got(value, as_)


@pytest.mark.parametrize(
    ("as_", "told"),
    [
        (int, "int, which takes whole numbers"),
        (bool, "bool, which takes true, false, yes, no, on, off, 1 and 0"),
        (list, "list, which takes a JSON array; for text pass a function, like as_=lambda text: text.split(',')"),
        (list[int], "list[int], which takes nothing: elements are not converted. Pass list or dict, or a function"),
        (Decimal, "Decimal, which takes finite numbers"),
        (Level, "Level"),
    ],
)
@pytest.mark.parametrize("value", ["canary-5f", {"canary-5f": ["canary-5f", None]}])
def test_a_failed_conversion_names_key_and_type_but_never_the_value(
    as_: Callable[[Any], Any], told: str, value: object
) -> None:
    with pytest.raises(ValueError, match="cannot be read") as caught:
        got(value, as_)
    assert str(caught.value) == f"k cannot be read as {told}"
    assert "canary" not in collect_texts(caught.value)


def test_a_converted_list_or_dict_belongs_to_the_reader(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"hosts": ["a", {"port": 1}], "limits": {"a": [1]}})
    config = configsvc_fake.config()
    hosts, limits = config.get("hosts", [], as_=list), config.get("limits", {}, as_=dict)
    hosts[1]["port"] = 2
    limits["a"].append(2)
    assert (config["hosts"], config["limits"]) == (["a", {"port": 1}], {"a": [1]})
