"""A Config and its snapshots are read as mappings are, and are none to what takes mappings apart."""

import inspect
import json
import os
from collections import ChainMap
from collections.abc import Mapping
from string import Template
from typing import Any

import pytest

from configsvc_client import CannotOpen, Config, Snapshot
from configsvc_client.testing import FakeService

VALUES = {"db.url": "postgres://db", "limits": {"daily": 5}, "raw": b"\x00"}


def same(one: object, other: object) -> bool:
    return one == other


@pytest.fixture(params=["config", "snapshot"])
def read(request: pytest.FixtureRequest, configsvc_fake: FakeService) -> Config | Snapshot:
    configsvc_fake.put_all(VALUES)
    config = configsvc_fake.config()
    return config if request.param == "config" else config.snapshot()


def test_what_reads_mappings_by_their_methods_reads_it(read: Config | Snapshot) -> None:
    assert dict(read) == {**read} == VALUES
    assert (same(VALUES, read), same(read, dict(read)), same(read, {"db.url": 1})) == (True, True, False)
    assert set(read) == set(read.keys()) == set(VALUES)
    assert (len(read), len(read.items()), len(read.values())) == (3, 3, 3)
    assert sorted(key for key, _ in read.items()) == sorted(VALUES)
    assert ("db.url", "postgres://db") in read.items()
    assert VALUES["limits"] in read.values()
    assert ("db.url" in read, "absent" in read) == (True, False)
    assert {} | dict(read.items()) == VALUES
    assert ChainMap[str, Any]({}, read)["db.url"] == "postgres://db"  # type: ignore[arg-type]  # it is only read
    assert "{db.url}".replace("db.url", "limits").format_map(read) == "{'daily': 5}"
    assert Template("${limits}").substitute(read) == "{'daily': 5}"
    environ = os.environ.copy()
    environ.update({key: str(value) for key, value in read.items()})
    assert environ["db.url"] == "postgres://db"


def test_it_is_no_mapping_and_nothing_takes_it_apart(read: Config | Snapshot) -> None:
    assert Mapping not in type(read).__mro__
    assert not issubclass(type(read), Mapping)
    assert vars(read) == {}
    assert not [name for name in dir(read) if name.startswith("_") and not name.endswith("__")]
    with pytest.raises(TypeError):
        json.dumps(read)
    with pytest.raises(TypeError):
        reversed(read)  # type: ignore[call-overload]
    for name, value in inspect.getmembers_static(read):
        assert "postgres" not in repr(value), name


def test_views_show_what_they_are_of(read: Config | Snapshot) -> None:
    assert repr(read.items()).startswith(f"items of {type(read).__name__}(")
    assert "postgres" not in repr([read.items(), read.values(), read.get, read.items])


def test_a_broken_key_raises_why_where_all_are_read(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all(VALUES)
    configsvc_fake.damage("limits")
    snapshot = configsvc_fake.config().snapshot()
    assert ("limits" in snapshot, len(snapshot), set(snapshot)) == (True, 3, set(VALUES))
    for read in (dict, lambda it: list(it.values()), lambda it: it == VALUES):
        with pytest.raises(CannotOpen, match="limits"):
            read(snapshot)


def test_a_class_of_your_own_has_attributes_of_its_own(configsvc_fake: FakeService) -> None:
    class Own(Config):
        def __init__(self, name: str) -> None:
            super().__init__(environ=configsvc_fake.environ(), world=configsvc_fake.world)
            self.name = name

    configsvc_fake.put_all(VALUES)
    own = Own("mine")
    assert (own.name, own["db.url"], vars(own)) == ("mine", "postgres://db", {"name": "mine"})
