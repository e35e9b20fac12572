"""Writes through a proxy that loses answers and throttles: one write is one version, whatever the network does."""

from collections.abc import Iterator

import pytest

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_calls import Calls
from configsvc.adapters.dynamo_client import connect
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.model.errors import PreconditionFailed, Throttled, Unavailable
from configsvc.service.engine.ports import Idempotency, ServicePorts, StoreBusy, WriteOutcome
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.snapshots import fetch_snapshot
from local.emulator.launcher import Emulator
from local.emulator.microburst import Microburst, Rule
from tests.support.contracts import tables
from tests.support.machines import recount
from tests.support.machines.planted import Dropping, is_answer
from tests.support.races.writers import NS, prepare
from tests.support.service.world import DEVELOPER, READER, ROLES, text

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

GIVEN_UP = 2.0
"""Seconds of a call: enough for several tries; a test waits that long."""

LOST: Rule = {"response": {"abort_frac": 0.0}}
CONFLICT: Rule = {
    "error": {
        "code": "TransactionCanceledException",
        "status": 400,
        "fields": {"CancellationReasons": [{"Code": "TransactionConflict"}]},
    }
}
THROTTLED: Rule = {"error": {"code": "ThrottlingException", "status": 400}}


def make_rule(operation: str, fault: Rule, times: int | None = None) -> Rule:
    limit = {} if times is None else {"times": times}
    return {"service": "dynamodb", "operation": operation, **fault, **limit}


@pytest.fixture(scope="module")
def proxy(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Microburst]:
    with Microburst(emulator.url, log=tmp_path_factory.mktemp("microburst") / "log") as running:
        tables.make_client(running.url).list_tables()  # the first request of the proxy takes seconds
        yield running


class Faulty:
    """The service with its own client through the proxy, and the table itself, without the proxy."""

    def __init__(self, emulator: Emulator, proxy: Microburst) -> None:
        client = tables.make_client(emulator.url)
        table = tables.create_table(client)
        self.table = DynamoRepository(client, table)
        self.proxy = proxy
        prepare(self.table)
        repository = DynamoRepository(connect(), table, Calls(SystemClock(), SystemRandomness(), alone=GIVEN_UP))
        self.ports = ServicePorts(
            repository, SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(), (ROLES + "Admin",),
            JsonSchemas(),
        )  # fmt: skip

    def put(self, once: str | None = "k1", *, create_only: bool = False) -> WriteOutcome:
        asked = Idempotency(once, "PUT", "/v1/x", "digest") if once else None
        return put_key(
            self.ports.within(GIVEN_UP), DEVELOPER, NS, text("db.url", create_only=create_only), "why", asked
        )

    def versions(self) -> int:
        found = recount.read_stored(self.table, NS)
        assert found
        recount.check(found)
        return len(found.versions)


@pytest.fixture
def faulty(emulator: Emulator, proxy: Microburst, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", tables.REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    proxy.rules()
    yield Faulty(emulator, proxy)
    proxy.rules()


def test_s33_a_write_whose_answer_was_lost_is_retried_and_commits_once(faulty: Faulty) -> None:
    faulty.proxy.rules(make_rule("TransactWriteItems", LOST, 1))
    assert faulty.put(None).status == 201
    assert len(faulty.proxy.read_fired()) == 1
    assert faulty.versions() == 1


def test_s33_an_idempotency_key_gets_the_first_answer_after_lost_answers(faulty: Faulty) -> None:
    faulty.proxy.rules(make_rule("TransactWriteItems", LOST))
    with pytest.raises(Unavailable):
        faulty.put()
    assert len(faulty.proxy.read_fired()) >= 3
    assert faulty.versions() == 1
    faulty.proxy.rules()
    answered = faulty.put()
    assert (answered.status, answered.body["version"], answered.body["revision"]) == (201, 1, 2)
    assert faulty.versions() == 1


def test_s33_without_a_kept_answer_there_is_a_second_version(faulty: Faulty) -> None:
    faulty.ports = faulty.ports._replace(repository=Dropping(faulty.ports.repository, is_answer))
    faulty.proxy.rules(make_rule("TransactWriteItems", LOST))
    with pytest.raises(Unavailable):
        faulty.put()
    faulty.proxy.rules()
    assert faulty.put().body["version"] == 2


def test_s33_without_a_key_the_failed_precondition_describes_the_present_state(faulty: Faulty) -> None:
    faulty.proxy.rules(make_rule("TransactWriteItems", LOST))
    with pytest.raises(Unavailable):
        faulty.put(None, create_only=True)
    faulty.proxy.rules()
    with pytest.raises(PreconditionFailed) as refused:
        faulty.put(None, create_only=True)
    assert refused.value.members.items() >= {"key": "db.url", "revision": 2, "latest": 1}.items()
    assert refused.value.members["changed_by"] == DEVELOPER.principal


@pytest.mark.parametrize("fault", [CONFLICT, THROTTLED], ids=["conflict", "throttled"])
def test_s32_a_write_is_retried(faulty: Faulty, fault: Rule) -> None:
    faulty.proxy.rules(make_rule("TransactWriteItems", fault, 2))
    assert faulty.put().status == 201
    assert len(faulty.proxy.read_fired()) == 2
    assert faulty.versions() == 1


@pytest.mark.parametrize(("fault", "code"), [(CONFLICT, "contended"), (THROTTLED, "throttled")])
def test_s32_a_write_that_keeps_failing_ends_with_retry_after(faulty: Faulty, fault: Rule, code: str) -> None:
    faulty.proxy.rules(make_rule("TransactWriteItems", fault))
    with pytest.raises(Throttled) as given_up:
        faulty.put()
    assert (given_up.value.status, given_up.value.code, given_up.value.members) == (429, code, {"retry_after": 1})
    assert len(faulty.proxy.read_fired()) >= 3
    assert faulty.versions() == 0


@pytest.mark.parametrize("operation", ["BatchGetItem", "Query"])
def test_s31_a_throttled_read_is_retried_and_then_refused(faulty: Faulty, operation: str) -> None:
    faulty.put()
    faulty.proxy.rules(make_rule(operation, THROTTLED, 2))
    assert fetch_snapshot(faulty.ports, READER, NS, None).status == 200
    faulty.ports.grants.forget(READER.api_key or "")
    faulty.proxy.rules(make_rule(operation, THROTTLED))
    with pytest.raises(StoreBusy) as given_up:
        fetch_snapshot(faulty.ports._replace(snapshots=RenderedSnapshots()), READER, NS, None)
    assert given_up.value.members == {"retry_after": 1}
    assert len(faulty.proxy.read_fired()) >= 3
