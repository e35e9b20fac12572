import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tests.client.configs import Stage
from tests.client.sealing import found, plain

JSON = '{"hosts": ["a", {"port": 1}], "n": 1}'

CHANGES: list[Callable[[Any], object]] = [
    lambda value: value.update(n=2),
    lambda value: value.__setitem__("n", 2),
    lambda value: value.__delitem__("n"),
    lambda value: value.pop("n"),
    lambda value: value.popitem(),
    lambda value: value.clear(),
    lambda value: value.setdefault("new", 1),
    lambda value: value.__ior__({"n": 2}),
    lambda value: value["hosts"].append("b"),
    lambda value: value["hosts"].extend("b"),
    lambda value: value["hosts"].insert(0, "b"),
    lambda value: value["hosts"].pop(),
    lambda value: value["hosts"].remove("a"),
    lambda value: value["hosts"].sort(),
    lambda value: value["hosts"].reverse(),
    lambda value: value["hosts"].clear(),
    lambda value: value["hosts"].__iadd__(["b"]),
    lambda value: value["hosts"].__imul__(2),
    lambda value: value["hosts"].__setitem__(0, "b"),
    lambda value: value["hosts"].__delitem__(0),
    lambda value: value["hosts"][1].update(port=2),
]


@pytest.mark.parametrize("change", CHANGES)
def test_parsed_json_is_one_object_for_all_readers_and_nobody_can_change_it(change: Callable[[Any], object]) -> None:
    config = Stage(found([plain("j", JSON, "application/json")])).config
    with pytest.raises(TypeError, match="read-only"):
        change(config["j"])
    assert config["j"] == json.loads(JSON)
    assert config["j"] is config["j"]


def test_to_who_reads_it_is_a_dict_and_a_list() -> None:
    value = Stage(found([plain("j", JSON, "application/json")])).config["j"]
    assert isinstance(value, dict)
    assert isinstance(value["hosts"], list)
    assert json.dumps(value) == JSON
    assert {**value}["n"] == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])  # noqa: S301  # ours
def test_a_copy_is_ordinary_all_the_way_down(copied: Callable[[Any], Any]) -> None:
    value = copied(Stage(found([plain("j", JSON, "application/json")])).config["j"])
    value["hosts"][1]["port"] = 2
    value["hosts"].append("b")
    assert value == {"hosts": ["a", {"port": 2}, "b"], "n": 1}
    assert type(copy.copy(Stage(found([plain("j", "[1]", "application/json")])).config["j"])) is list
    assert type(copy.copy(Stage(found([plain("j", "{}", "application/json")])).config["j"])) is dict
