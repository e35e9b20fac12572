"""Settings of a namespace: what they accept, and how they affect writes."""

from hashlib import sha256

import pytest

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, Conflict, InvalidRequest, TooLarge, Unprocessable
from configsvc.model.schema import KeySchema, parse_key_schema
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.data_keys import add_data_key, retire_data_key, rewrap_data_key
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, delete_namespace, get_namespace
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, NS, READER, NamespaceOptions, World, make_world, text

PORTS = parse_key_schema("ports.*", {"type": "integer", "maximum": 65535})


@pytest.fixture
def world() -> World:
    return make_world()


def test_by_default_everything_is_kept_and_nothing_validated(world: World) -> None:
    shown = get_namespace(world.ports, READER, NS)
    assert (shown["retention"], shown["schemas"]) == ({"versions": None, "log_days": None, "deleted_days": None}, [])


def test_retention_and_schemas_are_shown_as_set(world: World) -> None:
    world.set(retention=RetentionSettings(10, 400, 30), schemas=(PORTS,))
    shown = get_namespace(world.ports, READER, NS)
    assert shown["retention"] == {"versions": 10, "log_days": 400, "deleted_days": 30}
    assert shown["schemas"] == [{"keys": "ports.*", "schema": {"type": "integer", "maximum": 65535}}]


def test_retention_and_schemas_are_replaced_as_a_whole(world: World) -> None:
    world.set(retention=RetentionSettings(10, 400, 30), schemas=(PORTS,))
    world.set(retention=RetentionSettings(versions=5), schemas=())
    shown = get_namespace(world.ports, READER, NS)
    assert shown["retention"] == {"versions": 5, "log_days": None, "deleted_days": None}
    assert shown["schemas"] == []


def test_the_log_has_digests_of_schemas(world: World) -> None:
    world.set(schemas=(PORTS,))
    digest = sha256(PORTS.schema.encode()).hexdigest()
    assert world.log()[-1].details["schemas"] == [{"keys": "ports.*", "sha256": digest}]


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"description": "x" * (limits.DESCRIPTION + 1)}, TooLarge),
        ({"forms": ()}, InvalidRequest),
        ({"forms": ("plain", "plain")}, InvalidRequest),
        ({"snapshot_bytes": 0}, InvalidRequest),
        ({"snapshot_bytes": limits.SNAPSHOT_BYTES_MOST + 1}, TooLarge),
        ({"retention": RetentionSettings(versions=0)}, InvalidRequest),
        ({"retention": RetentionSettings(log_days=limits.RETENTION_DAYS + 1)}, InvalidRequest),
        ({"retention": RetentionSettings(deleted_days=0)}, InvalidRequest),
        ({"retention": RetentionSettings(deleted_days=limits.RETENTION_DAYS + 1)}, InvalidRequest),
        ({"schemas": (PORTS, PORTS)}, Unprocessable),
        ({"schemas": (KeySchema("*", '{"type":"intger"}'),)}, Unprocessable),
        ({"schemas": (KeySchema("*", '{"pattern":"(?!a)"}'),)}, Unprocessable),
    ],
)
def test_an_invalid_setting_changes_nothing(
    world: World, wanted: NamespaceOptions, refusal: type[ConfigsvcError]
) -> None:
    before = world.stored()
    with pytest.raises(refusal):
        world.set(**wanted)
    assert world.stored() == before


def test_the_list_of_cases_has_every_setting() -> None:
    assert set(NamespaceWanted._fields) == set(NamespaceOptions.__annotations__)


def test_a_read_only_namespace_accepts_only_settings_and_a_lift(world: World) -> None:
    world.put(text("a"))
    world.set(read_only=True)
    before = world.stored()
    for write in (
        lambda: world.put(text("b")),
        lambda: add_data_key(world.ports, ADMIN, NS, data_key(1), None),
        lambda: rewrap_data_key(world.ports, ADMIN, NS, data_key()._replace(wrapped="AAAA"), None),
        lambda: retire_data_key(world.ports, ADMIN, NS, kid(), None),
        lambda: delete_namespace(world.ports, ADMIN, NS, None),
        lambda: run_upkeep(world.ports, ADMIN, NS),
    ):
        with pytest.raises(Conflict):
            write()
    assert world.stored() == before
    assert lift_namespace(world.ports, ADMIN, NS, 100, None).status == 200
    assert world.set(read_only=False).status == 200
    assert world.put(text("b")).status == 201


def test_under_a_limit_below_its_size_a_namespace_only_shrinks(world: World) -> None:
    world.put(text("a", "x" * 500))
    world.put(text("b", "x" * 500))
    assert world.set(snapshot_bytes=600).status == 200
    assert world.fetch().status == 200
    with pytest.raises(TooLarge):
        world.put(text("c"))
    assert world.put(text("a", "x" * 400)).status == 201


def test_a_put_is_judged_by_the_settings_at_its_commit(world: World) -> None:
    world.repository.before_commit.append(lambda: world.set(schemas=(parse_key_schema("*", {"maxLength": 1}),)))
    with pytest.raises(Unprocessable):
        world.put(text("a", "long"))
