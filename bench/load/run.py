"""One run: the service, its consumers and a writer, and all that was counted."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bench.load.clients import Seen, consume
from bench.load.counted import Calls
from bench.load.plan import Plan
from bench.load.service import fill_namespaces, run_service
from bench.load.writer import Writer, Written
from infra.packaging.service_zip import Package


class Result(NamedTuple):
    """The observations of the consumers, the writes during the run, and the calls at the table."""

    plan: Plan
    seen: Seen
    written: list[Written]
    calls: Calls


def run(plan: Plan, built: Package, scratch: Path) -> Result:
    """Set up, load, and count from the first consumer on.

    Args:
        plan: how much.
        built: the service's zip and template.
        scratch: an empty folder.

    Raises:
        RuntimeError: locust itself failed.
    """
    with run_service(built, scratch, plan.processes) as service:
        namespaces = fill_namespaces(service.stage, plan)
        names = [each.story.namespace for each in namespaces]
        service.table.reset()
        with Writer(namespaces) as writer:
            seen = consume(service.stage.url, service.stage.reader.value, names, plan, scratch)
        return Result(plan, seen, writer.written, service.table.reset())
