"""The load of `make load`, small: the same service, consumers, writer and counts. It does not measure speed."""

from __future__ import annotations

import pytest

from bench.load.plan import Plan
from bench.load.promises import promises
from bench.load.run import Result, run
from infra.packaging.service_zip import Package

pytestmark = pytest.mark.slow

SMALL = Plan(clients=50, arriving=3, polling=4, poll=1.0, namespaces=5, entries=3, processes=2)


@pytest.fixture(scope="module")
def result(built_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(SMALL, built_package, tmp_path_factory.mktemp("load"))


def test_every_promise_is_held_under_load(result: Result) -> None:
    assert [each for each in promises(result) if not each.held] == []


def test_every_consumer_arrived_and_polled_while_others_wrote(result: Result) -> None:
    assert len(result.seen.consumers) == SMALL.clients
    assert all(each.revisions for each in result.seen.consumers)
    assert any(len(each.revisions) > 1 for each in result.seen.consumers)
    assert any(each.unchanged for each in result.seen.consumers)
    assert len({each.namespace for each in result.written}) > 1


def test_what_locust_counts_is_what_the_consumers_saw(result: Result) -> None:
    assert sum(row.requests for row in result.seen.rows) == sum(each.polls for each in result.seen.consumers)
