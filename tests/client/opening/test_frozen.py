from __future__ import annotations

import bisect
import collections
import copy
import dataclasses
import heapq
import json
import operator
import pickle
import random
import types
from collections.abc import Callable
from typing import Any

import pytest

from configsvc.model.same_value import same_read
from configsvc_client._opening.frozen import freeze
from configsvc_client.testing import FakeService
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_plain_entry, make_snapshot

JSON = '{"hosts": ["a", {"port": 1}], "n": 1, "ports": [3, 1, 2]}'
Acts = Callable[[Any], object]


def value(text: str = JSON) -> Any:  # noqa: ANN401  # any JSON
    return Stage(make_snapshot([make_plain_entry("j", text, "application/json")])).config["j"]


REFUSED: dict[str, Acts] = {
    "update": lambda it: it.update(n=2),
    "item": lambda it: it.__setitem__("n", 2),
    "del": lambda it: it.__delitem__("n"),
    "pop of a dict": lambda it: it.pop("n"),
    "popitem": lambda it: it.popitem(),
    "clear of a dict": lambda it: it.clear(),
    "setdefault": lambda it: it.setdefault("new", 1),
    "|=": lambda it: it.__ior__({"n": 2}),
    "append": lambda it: it["hosts"].append("b"),
    "extend": lambda it: it["hosts"].extend("b"),
    "insert": lambda it: it["hosts"].insert(0, "b"),
    "pop of a list": lambda it: it["hosts"].pop(),
    "remove": lambda it: it["hosts"].remove("a"),
    "sort": lambda it: it["ports"].sort(),
    "reverse": lambda it: it["hosts"].reverse(),
    "clear of a list": lambda it: it["hosts"].clear(),
    "+=": lambda it: it["hosts"].__iadd__(["b"]),
    "*=": lambda it: it["hosts"].__imul__(2),
    "element": lambda it: it["hosts"].__setitem__(0, "b"),
    "slice": lambda it: it["hosts"].__setitem__(slice(None), ["b"]),
    "del of an element": lambda it: it["hosts"].__delitem__(0),
    "del of a slice": lambda it: it["hosts"].__delitem__(slice(0, 1)),
    "deep inside": lambda it: it["hosts"][1].update(port=2),
    "__init__ of a dict": lambda it: it.__init__({"n": 2}),
    "__init__ of a list": lambda it: it["hosts"].__init__(["b"]),
    "operator.setitem": lambda it: operator.setitem(it, "n", 2),
    "random.shuffle": lambda it: random.shuffle(it["ports"]),
    "bisect.insort": lambda it: bisect.insort(it["ports"], 4),
    "ChainMap": lambda it: collections.ChainMap(it).update(n=2),
    "exec into locals": lambda it: exec("n = 2", {}, it),  # noqa: S102  # that is the point
}
"""Writing as ordinary Python does it."""

WRITTEN_PAST_ITS_METHODS: dict[str, Acts] = {
    "heapq.heapify": lambda it: heapq.heapify(it["ports"]),
    "heapq.heappush": lambda it: heapq.heappush(it["ports"], 0),
    "heapq.heappop": lambda it: heapq.heappop(it["ports"]),
    "list.append": lambda it: list.append(it["hosts"], "b"),
    "list.sort": lambda it: list.sort(it["ports"]),
    "dict.update": lambda it: dict.update(it, n=2),
    "dict.__setitem__": lambda it: dict.__setitem__(it, "n", 2),
    "eval": lambda it: eval("n", it),  # noqa: S307  # that is the point
    "exec": lambda it: exec("pass", it),  # noqa: S102  # as above
    "the __dict__ of an object": lambda it: setattr(_with(it), "n", 2),
}
"""CLIENT.md and the docstring name these: a real dict and a real list cannot prevent them."""


class _Object:
    pass


def _with(members: dict[str, Any]) -> _Object:
    made = _Object()
    made.__dict__ = members
    return made


ORDINARY: dict[str, Acts] = {
    "plain of a dict": lambda it: it.plain(),
    "plain of a list": lambda it: it["hosts"].plain(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda it: pickle.loads(pickle.dumps(it)),  # noqa: S301  # ours
    "as_=dict": lambda _: Stage(make_snapshot([make_plain_entry("j", JSON, "application/json")])).config.get(
        "j", as_=dict
    ),
    "dataclasses.asdict": lambda it: dataclasses.asdict(_Settings(it))["limits"],
    "deepcopy of everything": lambda _: copy.deepcopy(
        dict(Stage(make_snapshot([make_plain_entry("j", JSON, "application/json")])).config)
    ),
}
SHALLOW: dict[str, Acts] = {
    "copy": copy.copy,
    "copy of a list": lambda it: copy.copy(it["hosts"]),
    ".copy()": lambda it: it.copy(),
    ".copy() of a list": lambda it: it["hosts"].copy(),
    "type(value)()": lambda it: type(it)(it),
    "type(value)() of a list": lambda it: type(it["hosts"])(it["hosts"]),
    "|": lambda it: it | {"more": 1},
    "+": lambda it: it["hosts"] + ["b"],
    "*": lambda it: it["hosts"] * 2,
    "slice": lambda it: it["hosts"][:],
    "**": lambda it: {**it},
    "sorted": lambda it: sorted(it["ports"]),
    "fromkeys": lambda it: it.fromkeys(["a"], 1),
}


@dataclasses.dataclass
class _Settings:
    limits: Any


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_all_readers_are_handed_one_object_and_ordinary_python_cannot_change_it(change: Acts) -> None:
    config = Stage(make_snapshot([make_plain_entry("j", JSON, "application/json")])).config
    with pytest.raises(TypeError, match=r"read-only; change a copy of it: value\.plain\(\)"):
        change(config["j"])
    assert config["j"] == json.loads(JSON)
    assert config["j"] is config["j"]


@pytest.mark.parametrize("change", WRITTEN_PAST_ITS_METHODS.values(), ids=WRITTEN_PAST_ITS_METHODS)
def test_documented_bypasses_write_and_plain_copies_prevent_it(change: Acts) -> None:
    it = value()
    change(it.plain())
    assert it == json.loads(JSON)
    change(it)
    assert it != json.loads(JSON)


@pytest.mark.parametrize("act", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_copy_is_one_all_the_way_down(act: Acts) -> None:
    it = value()
    kinds = set()
    left = [act(it)]
    while left:
        each = left.pop()
        kinds.add(type(each))
        left += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
    assert kinds <= {dict, list, str, int}
    assert it == json.loads(JSON)


@pytest.mark.parametrize("act", SHALLOW.values(), ids=SHALLOW)
def test_what_python_makes_of_it_is_ordinary(act: Acts) -> None:
    it = value()
    assert type(act(it)) in (dict, list)
    assert it == json.loads(JSON)


def test_to_who_reads_it_is_a_dict_and_a_list() -> None:
    it = value()
    assert isinstance(it, dict)
    assert isinstance(it["hosts"], list)
    assert json.dumps(it) == JSON
    assert {**it}["n"] == 1
    assert types.MappingProxyType(it)["n"] == 1


def test_a_member_called_plain_is_reached_as_any_other() -> None:
    it = value('{"plain": 1}')
    assert (it["plain"], it.plain()) == (1, {"plain": 1})


@pytest.mark.parametrize("change", [*WRITTEN_PAST_ITS_METHODS.values(), lambda it: list.append(it["hosts"], it)])
def test_whoever_writes_past_the_methods_breaks_no_refresh(configsvc_fake: FakeService, change: Acts) -> None:
    """Snapshots are compared as they were sealed, so a value that contains itself breaks no comparison."""
    configsvc_fake.put("j", json.loads(JSON))
    configsvc_fake.put("other", "1", namespace="other")
    config, seen = configsvc_fake.config("test", "other"), list[frozenset[str]]()
    config.on_change("", seen.append)
    change(config["j"])
    configsvc_fake.put("other", "2", namespace="other")
    assert config.refresh()
    assert (config["other"], seen) == ("2", [frozenset({"other"})])
    configsvc_fake.put("j", {"n": 2})
    assert config.refresh()
    assert (config["j"], seen[1:]) == ({"n": 2}, [frozenset({"j"})])
    assert (config.last_error, config.refused) == (None, {})


def test_a_value_that_holds_itself_is_compared_all_the_same() -> None:
    one, other = freeze([1]), freeze([1])
    list.append(one, one)
    list.append(other, one)
    assert same_read(one, one)
    assert same_read([one], [one])
    assert not same_read(one, freeze([1, [2]]))


def test_revisions_are_an_ordinary_dict_that_changes_nothing() -> None:
    config = Stage(make_snapshot([make_plain_entry("j", JSON, "application/json")], revision=7)).config
    for held in (config, config.snapshot()):
        revisions = held.revisions
        assert type(revisions) is dict
        assert json.dumps(revisions) == json.dumps({"payments.prod": 7})
        assert pickle.loads(pickle.dumps(revisions)) == copy.deepcopy(revisions) == revisions  # noqa: S301  # ours
        revisions["payments.prod"] = 0
        assert held.revisions == {"payments.prod": 7}
