"""Putting a value: versions, preconditions, forms, and the cost of a put."""

import pytest

from configsvc.model import names
from configsvc.model.change_set import Put
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import (
    ConfigsvcError,
    Conflict,
    Forbidden,
    InvalidEnvelope,
    PreconditionFailed,
    PreconditionRequired,
    Unprocessable,
    VersionClaimed,
)
from configsvc.model.names import Key, Namespace
from configsvc.service.engine.ports import Write
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.read_keys import get_key
from tests.support.service.sealed import envelope, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, ROLES, World, grant, make_world, sealed, text


@pytest.fixture
def world() -> World:
    return make_world()


def test_the_first_put_is_version_1_and_served(world: World) -> None:
    outcome = world.put(text("db.url"))
    assert outcome.status == 201
    assert outcome.body == {"namespace": NS, "key": "db.url", "version": 1, "revision": 3, "active": 1}
    assert outcome.etag == '"3"'


def test_each_put_is_the_next_version_and_the_next_revision(world: World) -> None:
    outcomes = [world.put(text("db.url", str(number))).body for number in range(3)]
    assert [(each["version"], each["revision"]) for each in outcomes] == [(1, 3), (2, 4), (3, 5)]


def test_a_put_costs_one_read_and_one_transaction(world: World) -> None:
    world.clock.pass_by(11)
    world.put(sealed("db.password", 1))
    assert world.repository.calls == ["get", "commit"]


def test_a_put_reads_all_its_records_in_one_batch(world: World) -> None:
    world.put(sealed("db.password", 1))
    assert [address.sk for address in world.repository.read][:6] == [
        "HEAD", "SETTINGS", "K#db.password", "U#db.password", "V#db.password#0000000001", f"D#{kid()}",
    ]  # fmt: skip


def test_a_staged_put_is_not_served(world: World) -> None:
    world.put(text("db.url", "old"))
    before = world.fetch()
    outcome = world.put(text("db.url", "new", activate=False))
    assert (outcome.body["version"], outcome.body["active"]) == (2, 1)
    assert world.fetch() == before


def test_a_put_with_if_match_succeeds_only_at_that_revision(world: World) -> None:
    world.put(text("db.url"))
    world.put(text("other"))
    with pytest.raises(PreconditionFailed) as failed:
        world.put(text("db.url", if_match=4))
    assert failed.value.members["revision"] == 3
    assert world.put(text("db.url", if_match=3)).body["version"] == 2


def test_if_match_on_an_absent_key_fails(world: World) -> None:
    with pytest.raises(PreconditionFailed):
        world.put(text("db.url", if_match=1))


def test_create_only_fails_on_served_but_not_staged_keys(world: World) -> None:
    world.put(text("db.url", activate=False))
    world.put(text("db.url", create_only=True))
    with pytest.raises(PreconditionFailed):
        world.put(text("db.url", create_only=True))


def test_a_namespace_may_require_a_precondition(world: World) -> None:
    world.set(require_preconditions=True)
    with pytest.raises(
        PreconditionRequired, match=r"If-None-Match: \* \(in a change set if_match or create_only\)"
    ) as asked:
        world.put(text("db.url"))
    assert asked.value.members == {"key": "db.url"}
    assert world.put(text("db.url", create_only=True)).status == 201
    with pytest.raises(PreconditionFailed, match=r"If-None-Match \(in a change set create_only\)"):
        world.put(text("db.url", create_only=True))
    assert world.change(text("db.url"), if_match=world.head().revision).status == 200


def test_a_read_only_namespace_refuses_puts(world: World) -> None:
    world.set(read_only=True)
    with pytest.raises(Conflict, match=f"namespace set {NS} --no-read-only"):
        world.put(text("db.url"))


def test_a_refused_form_is_answered_with_the_accepted_ones(world: World) -> None:
    world.set(forms=("envelope", "kms"))
    with pytest.raises(Unprocessable, match="accepts envelope, kms, not plain") as refused:
        world.put(text("db.url"))
    assert refused.value.members == {"key": "db.url"}


def test_an_identical_envelope_gets_the_first_answer(world: World) -> None:
    first = world.put(sealed("db.password", 1))
    world.put(text("other"))
    before = world.stored()
    again = world.put(sealed("db.password", 1)._replace(if_match=99))
    assert (again.status, again.body, again.etag) == (200, first.body, first.etag)
    assert world.stored() == before


def test_another_envelope_for_a_used_version_learns_the_next(world: World) -> None:
    world.put(sealed("db.password", 1))
    with pytest.raises(VersionClaimed) as refused:
        world.put(sealed("db.password", 1, ciphertext=b"other"))
    assert refused.value.members["next_version"] == 2


def test_an_identical_envelope_that_is_no_longer_the_latest_is_refused(world: World) -> None:
    world.put(sealed("db.password", 1))
    world.put(sealed("db.password", 2))
    with pytest.raises(VersionClaimed) as refused:
        world.put(sealed("db.password", 1))
    assert refused.value.members["next_version"] == 3


@pytest.mark.parametrize(
    "value",
    [
        envelope("db.user", 1),
        envelope("db.password", 1, namespace="payments.dev"),
        envelope("db.password", 1, content_type="application/json"),
        envelope("db.password", 1, kid=kid(7)),
    ],
    ids=["another key", "another namespace", "another content type", "another namespace's data key"],
)
def test_a_misplaced_envelope_is_refused(world: World, value: str) -> None:
    before = world.stored()
    with pytest.raises(InvalidEnvelope):
        world.put(Put(names.parse_key("db.password"), "envelope", "text/plain", value))
    assert world.stored() == before


def test_a_data_key_of_another_namespace_is_not_live_here(world: World) -> None:
    create_namespace(world.ports, ADMIN, Namespace("payments.dev"), NamespaceWanted(), None)
    value = envelope("db.password", 1, namespace="payments.dev")
    with pytest.raises(InvalidEnvelope):
        put_key(
            world.ports,
            DEVELOPER,
            Namespace("payments.dev"),
            Put(names.parse_key("db.password"), "envelope", "text/plain", value),
            "",
            None,
        )


def test_a_sealed_key_accepts_plain_only_with_declassify_and_admin(world: World) -> None:
    world.put(sealed("db.password", 1))
    with pytest.raises(Unprocessable) as open_value:
        world.put(text("db.password"))
    assert open_value.value.members == {"key": "db.password"}
    with pytest.raises(Forbidden, match=f"the admin action on {NS}") as lacking:
        world.put(text("db.password", declassify=True))
    assert lacking.value.members == {
        "action": "admin", "namespace": NS, "principal": ROLES + "Developer", "lacks": "iam", "key": "db.password",
    }  # fmt: skip
    set_grants(world.ports, ADMIN, ROLES + "Developer", (grant("write", "admin"),), None)
    assert world.put(text("db.password", declassify=True)).body["version"] == 2
    assert world.put(text("db.password")).body["version"] == 3


def test_a_staged_sealed_version_counts_as_the_latest(world: World) -> None:
    world.put(text("db.password"))
    world.put(sealed("db.password", 2)._replace(activate=False))
    with pytest.raises(Unprocessable):
        world.put(text("db.password"))


def test_a_kms_value_is_stored_unchanged(world: World) -> None:
    value = to_base64std(b"ciphertext")
    world.put(Put(names.parse_key("token"), "kms", "text/plain", value))
    body, etag = get_key(world.ports, READER, NS, Key("token"))
    assert (body["form"], body["value"], etag) == ("kms", value, '"3"')


@pytest.mark.parametrize("wrong", [text("db.url", form="kms"), text("a", content_type="application/json", value="{")])
def test_a_value_that_contradicts_its_form_is_refused(world: World, wrong: Put) -> None:
    before = world.stored()
    with pytest.raises(ConfigsvcError) as refused:
        world.put(wrong)
    assert refused.value.status == 422
    assert world.stored() == before
    assert wrong.value not in str(refused.value) or len(wrong.value) < 6


@pytest.mark.parametrize(
    ("wrong", "members"),
    [
        (text("a", form="kms"), {"key": "a"}),
        (sealed("a", 3), {"key": "a", "next_version": 1}),
        (sealed("a", 1)._replace(content_type="application/json"), {"key": "a"}),
        (sealed("a", 1)._replace(key=names.parse_key("b")), {"key": "b"}),
        (sealed("a", 1, number=7), {"key": "a", "kid": kid(7)}),
    ],
    ids=["form", "version", "content type", "another key", "data key"],
)
def test_a_refused_put_names_its_key_and_what_to_do(world: World, wrong: Put, members: dict[str, object]) -> None:
    world.set(forms=("plain", "envelope"))
    with pytest.raises(ConfigsvcError) as refused:
        world.put(wrong)
    assert {name: refused.value.members.get(name) for name in members} == members


def test_a_put_is_logged_with_author_and_reason_but_no_value(world: World) -> None:
    world.put(text("db.url", "old"))
    world.put(text("db.url", "postgres://canary"))
    record = world.log()[-1]
    assert (record.revision, record.served, record.message) == (4, 4, "why")
    assert record.changes == (("db.url", "put", 2, 1, 2),)
    assert record.principal == ROLES + "Developer"
    assert record.arn.endswith("/session")
    assert (record.api_key, record.source_ip, record.correlation_id) == ("api-key:devkey", "192.0.2.1", "c-1")
    assert record.at == "2027-01-15T08:00:00.000Z"
    assert "canary" not in repr(record)


def test_a_floor_raises_the_next_version(world: World) -> None:
    head = world.head()
    world.repository.commit([Write(head._replace(floor=40, revision=head.revision + 1), head.revision)])
    assert world.put(text("db.url")).body["version"] == 41
    assert world.put(text("db.url")).body["version"] == 42
