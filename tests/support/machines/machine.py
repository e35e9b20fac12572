"""The whole service against a plain model, on a table in a storm."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.model.errors import ConfigsvcError, Contended, Unavailable
from configsvc.model.grants import Grant
from configsvc.model.names import Key, Namespace
from configsvc.service.engine.ports import Caller, GrantsCache, Repository, ServicePorts, SnapshotCache, WriteOutcome
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.namespaces import NamespaceWanted
from configsvc.service.verbs.snapshots import SnapshotAnswer, fetch_snapshot
from configsvc.service.verbs.upkeep import run_upkeep
from configsvc.web.arrival import WRITE_SECONDS
from tests.support.machines import pruning, recount
from tests.support.machines.agreement import Witness
from tests.support.machines.drafts import CHIEF, NAMESPACES, OTHER, Draft, Step, resolve
from tests.support.machines.predict import ADMINISTRATOR, predict
from tests.support.machines.reads import ONE_REVISION, READINGS, Reading, predict_read, read
from tests.support.machines.reasons import list_reasons
from tests.support.machines.storm import Storm
from tests.support.machines.worlds import DAY, GRANTS_SECONDS, Answer, Outcome, Refusal, World, make_empty_world
from tests.support.machines.write_requests import AddDataKey, DeleteGrants, SetGrants, SetNamespace, WriteRequest, send
from tests.support.service.fakes import FakeChance, FakeClock
from tests.support.service.world import ADMIN, DEVELOPER, READER, ROLES

STEPS = st.binary(min_size=4, max_size=4).map(Step.of)
WAITS = (0.0, 4.0, 4.0, 11.0, DAY + 3600.0)
RETENTION = dict(zip(NAMESPACES, (RetentionSettings(2, 1, 1), RetentionSettings(1, None, 2), None), strict=True))
JSON_SCHEMAS = JsonSchemas()


def _keep_table(repository: Repository) -> Repository:
    return repository


class Build(NamedTuple):
    """The parts of the service; each may be one with a planted bug.

    `below` is between the storm and the table, `above` between the service and the storm.
    """

    table: Callable[[], Repository] = MemoryRepository
    below: Callable[[Repository], Repository] = _keep_table
    above: Callable[[Repository], Repository] = _keep_table
    grants: Callable[[FakeClock], GrantsCache] = lambda clock: RecentGrants(timer=clock.monotonic)
    snapshots: Callable[[], SnapshotCache] = RenderedSnapshots
    checked_every: int = 1


class ServiceMachine(RuleBasedStateMachine):
    """Each step is one request in some weather; its answer must be one that the model allows."""

    def __init__(self, build: Build) -> None:
        super().__init__()
        self.table = build.table()
        self.storm = Storm(build.below(self.table))
        self.clock, chance = FakeClock(), FakeChance()
        admins = (ADMINISTRATOR,)
        grants, snapshots = build.grants(self.clock), build.snapshots()
        self.ports = ServicePorts(build.above(self.storm), self.clock, chance, grants, snapshots, admins, JSON_SCHEMAS)
        self.others = ServicePorts(
            self.table, self.clock, chance, RecentGrants(timer=self.clock.monotonic), RenderedSnapshots(), admins,
            JSON_SCHEMAS,
        )  # fmt: skip
        self.build = build
        self.world = make_empty_world()
        self.worlds: list[World] = []
        self.witness = Witness()
        self.asked: list[WriteRequest] = []
        self.held: dict[str, SnapshotAnswer] = {}
        self.dirty: set[str] = set()
        self.tended: str | None = None
        self.steps = 0
        for asked in _list_first_writes():
            self._calmly(asked)

    @rule(step=STEPS)
    def write(self, step: Step) -> None:
        asked = resolve(self.world, step.draft, f"once-{len(self.asked)}" if step.once else None)
        self._write(asked, step)

    @rule(step=STEPS)
    def write_another(self, step: Step) -> None:
        self.write(step)

    @rule(step=STEPS)
    def repeat(self, step: Step) -> None:
        """Repeats an earlier request with its Idempotency-Key, or sends another one with that key."""
        if not self.asked:
            return
        first = self.asked[-1 - step.draft.more % min(len(self.asked), 4)]
        if step.draft.size % 5 == 0:
            other = resolve(self.world, step.draft).what
            first = first._replace(what=other) if type(other) is type(first.what) else first
        self._write(first, step)

    @rule(step=STEPS)
    def read(self, step: Step) -> None:
        wanted = self._reading(step.draft)
        self._brew(step)
        try:
            said = read(self._request(), wanted)
        except (Contended, Unavailable):
            assert self.storm.failed, "a read failed but the store did not"
            return
        self._judge_reading(wanted, said)

    @rule(step=STEPS)
    def poll(self, step: Step) -> None:
        """Polls as a reader that holds a snapshot; 304 means that it is current."""
        ns = step.draft.ns
        held = self.held.get(ns)
        self._brew(step)
        try:
            fetched = fetch_snapshot(self._request(), READER, ns, held.etag if held else None)
        except (Contended, Unavailable):
            assert self.storm.failed
            return
        except ConfigsvcError as error:
            self._judge_reading(Reading("snapshot", ns, READER), Refusal(error.code))
            return
        self._judge_poll(ns, held, fetched)

    @rule(step=STEPS)
    def tend(self, step: Step) -> None:
        """Lets time pass, and runs upkeep."""
        self.clock.pass_by(WAITS[step.draft.other % len(WAITS)])
        self._upkeep(step)

    def _upkeep(self, step: Step) -> None:
        """Runs upkeep in many transactions: what is gone is looked up whenever someone slips in, and afterwards."""
        ns, who = step.draft.ns, CHIEF if step.draft.who is OTHER else step.draft.who
        self.tended = ns
        self._brew(step)
        try:
            report = run_upkeep(self._request(), who, ns)
        except (Contended, Unavailable):
            assert self.storm.failed or self.storm.conflicts or len(self.worlds) > 1
        except ConfigsvcError as error:
            refusal = Refusal(error.code)
            assert refusal in [pruning.predict_refusal(world, who, ns) for world in self.worlds]
        else:
            self._follow()
            left = self.world.space(ns)
            if len(self.worlds) == 1 and not self.storm.conflicts:
                assert report["done"]
                # A purge adds a record to the log: the one that was newest before waits for the next upkeep.
                assert report["keys_purged"] or not pruning.list_outdated(left, self.clock.now().seconds)
                assert not pruning.list_surplus(left)
                assert not pruning.list_due(left, self.clock.now().seconds)
                assert report["oldest_revision"] == min(left.log)
        self._follow()
        self.tended = None

    def _follow(self) -> None:
        """Removes from the model what upkeep has removed so far, if it was allowed to."""
        if self.tended is None:
            return
        found = recount.read_stored(self.table, self.tended)
        if found:
            space = pruning.follow_upkeep(self.world.space(self.tended), found, self.clock.now().seconds)
            self.world = self.world.having(self.tended, space)
            self.dirty.add(self.tended)

    @invariant()
    def agree(self) -> None:
        self.steps += 1
        if self.steps % self.build.checked_every == 0:
            self._check()

    def teardown(self) -> None:
        self._check()

    def _check(self) -> None:
        for ns in sorted(self.dirty):
            self.witness.check(self.table, self.world, ns)
        self.dirty.clear()

    def _request(self) -> ServicePorts:
        """Returns the ports of one request: without a deadline, constant conflicts would hold it for ever."""
        self.clock.pass_by(0)  # so that pauses of several requests are not added up
        return self.ports.within(WRITE_SECONDS)

    def _write(self, asked: WriteRequest, step: Step) -> None:
        if asked.once:
            self.asked.append(asked)
        unchanged = list[Outcome]()

        def predict_now() -> None:
            predicted = self._predict(asked)
            unchanged.extend(result for after, result in predicted if isinstance(result, Refusal) or after is None)

        self._brew(step, predict_now)
        predict_now()
        try:
            said = _to_answer(send(self._request(), asked))
        except (Contended, Unavailable):
            self._unavailable(asked)
            return
        except ConfigsvcError as error:
            said = Refusal(error.code)
        self._judge(asked, said, unchanged)

    def _predict(self, asked: WriteRequest) -> list[tuple[World | None, Outcome]]:
        """Predicts the outcomes in the present world; None stands for the world in which nothing changes."""
        now = self.clock.now().seconds
        views = self._views(self.world, asked.who)
        predicted = [(view, *predict(view, asked, now)) for view in views]
        return [(None if after is view else after, result) for view, after, result in predicted]

    def _judge(self, asked: WriteRequest, said: Outcome, unchanged: Sequence[Outcome]) -> None:
        """Checks that a committed outcome follows from the world it met, and any other from a world it could see."""
        if not self.storm.committed:
            assert said in unchanged or self._has_reason(asked, said), (
                f"{asked}: {said}, and the model says {unchanged or self._predict(asked)}"
            )
            return
        predicted = self._predict(asked)
        fitting = [after for after, result in predicted if after and result == said]
        assert fitting, f"{asked}: {said}, and the model says {predicted[0][1]}"
        self._become(asked, fitting[0])

    def _has_reason(self, asked: WriteRequest, said: Outcome) -> bool:
        """Whether the refusal held at some moment while others slipped in; a success has no reason."""
        if not isinstance(said, Refusal):
            return False
        now = self.clock.now().seconds
        return len(self.worlds) > 1 and any(said in list_reasons(world, asked, now) for world in self.worlds)

    def _unavailable(self, asked: WriteRequest) -> None:
        """Accepts an unavailable service only if the store failed or kept conflicting; what is committed counts."""
        assert self.storm.failed or self.storm.conflicts > 5, f"{asked} was given up for no reason"
        if not self.storm.committed:
            return
        predicted = self._predict(asked)
        fitting = [after for after, result in predicted if after and isinstance(result, Answer)]
        assert fitting, f"{asked} was committed, and the model refuses it: {predicted[0][1]}"
        self._become(asked, fitting[0])

    def _become(self, asked: WriteRequest, after: World) -> None:
        """Replaces the world by the one that a write made."""
        if not isinstance(asked.what, SetGrants | DeleteGrants):
            self.dirty.add(asked.what.ns)
        self.world = replace(after, still_held={}) if after.still_held else after

    def _calmly(self, asked: WriteRequest) -> None:
        """Writes as another process, which sees the table as it is."""
        predicted = self._predict(asked)
        try:
            said = _to_answer(send(self.others, asked))
        except ConfigsvcError as error:
            said = Refusal(error.code)
        fitting = [after for after, result in predicted if result == said]
        assert fitting, f"{asked}: {said}, and the model says {predicted[0][1]}"
        if fitting[0]:
            self._become(asked, fitting[0])

    def _brew(self, step: Step, after_slip: Callable[[], None] = lambda: None) -> None:
        waiting = list(step.slips)

        def slip() -> None:
            if waiting:
                self._follow()
                self._calmly(resolve(self.world, waiting.pop(0)))
                self.worlds.append(self.world)
                after_slip()

        self.worlds = [self.world]
        self.storm.brew(step.weather, slip, step.cut)

    def _views(self, world: World, who: Caller) -> list[World]:
        """Returns the worlds that a process may see: with grants that it still caches."""
        principals = [principal for principal in (who.api_key, who.principal) if principal]
        return _list_views(world, principals, self.clock.now().seconds) if who is OTHER else [world]

    def _judge_reading(self, wanted: Reading, said: object) -> None:
        worlds = [view for world in self.worlds for view in self._views(world, wanted.who)]
        possible = [predict_read(world, wanted) for world in worlds]
        if wanted.kind in ONE_REVISION or len(self.worlds) == 1 or isinstance(said, Refusal):
            assert said in possible, f"{wanted}: {said}, and the model says {possible}"

    def _judge_poll(self, ns: Namespace, held: SnapshotAnswer | None, fetched: SnapshotAnswer) -> None:
        wanted = Reading("snapshot", ns, READER)
        body = fetched.body if fetched.body is not None else held and held.body
        assert body is not None
        assert json.loads(body) in [predict_read(world, wanted) for world in self.worlds]
        assert (fetched.status == 304) == (held is not None and held.etag == fetched.etag)
        self.witness.saw(ns, fetched.etag, body)
        self.held[ns] = SnapshotAnswer(200, fetched.etag, body)

    def _reading(self, draft: Draft) -> Reading:
        space = self.world.space(draft.ns)
        known = space.keys.get("abcd"[draft.key])
        who = (READER, CHIEF, OTHER, READER)[draft.flags % 4]
        kind = READINGS[draft.size % len(READINGS)]
        if kind == "grants":
            who = (ADMIN, OTHER)[draft.flags % 2]
        back = draft.other % 12
        return Reading(
            kind, draft.ns, who, Key("abcd"[draft.key]), max(1, (known.latest if known else 1) + 1 - draft.more % 4),
            max(1, space.revision + 1 - back), None if draft.more % 2 else max(1, space.revision - draft.back),
            (ROLES + "Other", "api-key:otherkey")[draft.kid % 2],
        )  # fmt: skip


def _to_answer(outcome: WriteOutcome) -> Outcome:
    return Answer(outcome.status, outcome.body, outcome.etag)


def _list_views(world: World, principals: Sequence[str], now: float) -> list[World]:
    """Returns the world with each set of grants that was replaced within 10 seconds."""
    choices = [
        {
            world.grants.get(principal, ()),
            *(old for whose, old, at in world.superseded if whose == principal and now < at + GRANTS_SECONDS),
        }
        for principal in principals
    ]
    every = [dict(zip(principals, chosen, strict=True)) for chosen in product(*choices)]
    return [world, *(replace(world, still_held=held) for held in every)] if len(every) > 1 else [world]


def _list_first_writes() -> list[WriteRequest]:
    """Lists the first writes: grants, and namespaces with a data key."""
    every = (Grant(("read", "write", "admin"), ("*",)),)
    reads = (Grant(("read",), ("*",)),)
    payments = (Grant(("write",), ("payments.*",)),)
    granted = {
        "api-key:chiefkey": reads, "api-key:readerkey": reads, "api-key:devkey": reads, ROLES + "Chief": every,
        ROLES + "Developer": payments,
    }  # fmt: skip
    return [
        *(WriteRequest(SetGrants(principal, grants), ADMIN) for principal, grants in granted.items()),
        *(WriteRequest(SetNamespace(ns, NamespaceWanted(retention=kept)), ADMIN) for ns, kept in RETENTION.items()),
        *(WriteRequest(AddDataKey(ns, 0, 0), ADMIN) for ns in NAMESPACES),
    ]


__all__ = ["DEVELOPER", "Build", "ServiceMachine"]
