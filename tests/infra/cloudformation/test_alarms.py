"""No alarm fires or flaps without traffic or after a cold start, each fires in its outage, and each ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.paths import STAGES
from infra.stage import load_unfinished
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded
from tests.support.infra.alarm import ALARM, OK, Metric, Samples, judge, metrics_of, run

_STAGES = [*(load_unfinished(path.stem) for path in sorted(STAGES.glob("*.toml"))), EVERYTHING, RESTORED]
_HOURS = 5
_MINUTES = 60 * _HOURS
_OUTAGE = range(120, 140)

ONE_IS_ENOUGH = {
    "error-lines": "the service logs an error only where somebody has to look",
    "unproven": "nobody but a thief, or a broken stage, invokes the function directly",
    "kms-key-rule": "each lost message hides a change of the KMS key",
    "upkeep-failed": "it runs once a day",
}


def silence_is_the_alarm(template: Template) -> set[str]:
    """The alarms that treat missing data as breaching: a probe that says nothing is a probe that found nothing out.

    Without a probe nobody else sees that heartbeats stop. Without schedules nobody waits for either.
    """
    found = template["Resources"]
    if found["HeartbeatSchedule"]["Properties"]["State"] != "ENABLED":
        return set()
    return {"probe"} if "Probe" in found else {"upkeep-overdue"}


class Outage(NamedTuple):
    """The trouble that an alarm is there for: so many values a minute, each so high."""

    values: int
    value: float = 1


OUTAGES = {
    "server-errors": Outage(20),
    "latency": Outage(20, 3000),
    "client-errors": Outage(120),
    "forbidden": Outage(5),
    "contended": Outage(5),
    "unproven": Outage(1),
    "function-errors": Outage(1),
    "kms-key-rule": Outage(1),
    "function-throttles": Outage(1),
    "error-lines": Outage(1),
    "table-read-throttles": Outage(1),
    "table-write-throttles": Outage(1),
    "throttled": Outage(1),
    "probe": Outage(1),
    "certificate": Outage(1, 3),
    "upkeep-failed": Outage(1),
    "upkeep-overdue": Outage(1, 3 * 86_400),
}


def name_of(alarm: Mapping[str, Any]) -> str:
    return str(alarm["AlarmName"]["Fn::Sub"]).removeprefix("${AWS::StackName}-")


@pytest.fixture(scope="module", params=_STAGES, ids=lambda stage: stage.name)
def template(request: pytest.FixtureRequest, built_package: Package) -> Template:
    return expanded(built_package, request.param)


def list_alarms(template: Template) -> dict[str, Mapping[str, Any]]:
    """The alarms that notify somebody, by name; those of the canary notify nobody."""
    found = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    return {name_of(each): each for each in found if "AlarmActions" in each}


@pytest.fixture(scope="module")
def alarms(template: Template) -> dict[str, Mapping[str, Any]]:
    return list_alarms(template)


@pytest.fixture(scope="module")
def limits(template: Template) -> dict[str, float]:
    return {
        name: float(each["Default"])
        for name, each in template["Parameters"].items()
        if each["Type"] == "Number" and "Default" in each
    }


Weather = Callable[[Metric, int], list[float]]
"""The values that a metric gets in a minute."""


def requests(number: int, milliseconds: float = 40, slow: float = 0) -> Callable[[Metric], list[float]]:
    """The reports of API Gateway and Lambda about so many good requests, of which one took `slow` milliseconds."""

    def report(metric: Metric) -> list[float]:
        if metric.name == "Latency":
            return [milliseconds] * (number - bool(slow)) + [slow] * bool(slow)
        is_counted = metric.name in {"4XXError", "5XXError"} or (
            metric.name in {"Errors", "Throttles"} and "APIHandler" in metric.dimensions
        )
        return [0.0] * number if is_counted else []

    return report


def scheduled(metric: Metric, minute: int) -> list[float]:
    """The reports of the scheduled functions while all is well."""
    always = {"ProbeFailed": [0.0], "UpkeepAge": [3600.0] if minute % 5 == 0 else []}
    return always.get(metric.name, [])


def each(minutes: int, report: Callable[[Metric], list[float]]) -> Weather:
    """The report, once in so many minutes, beside what the scheduled functions report."""
    return lambda metric, minute: [*scheduled(metric, minute), *(report(metric) if minute % minutes == 0 else [])]


def one(name: str) -> Callable[[Metric], list[float]]:
    """One request that is counted under the name, and otherwise like a good one."""
    good = requests(1)
    return lambda metric: [1.0] if metric.name == name and "Upkeep" not in metric.dimensions else good(metric)


CALM: dict[str, Weather] = {
    "no request at all": each(1, lambda _: []),
    "a request an hour": each(60, requests(1)),
    "a cold start an hour": each(60, requests(1, 4000)),
    "a cold start a minute": each(1, requests(1, 4000)),
    "a cold start among the requests of every minute": each(1, requests(10, slow=4000)),
    "a cold start among many requests of every minute": each(1, requests(200, slow=4000)),
    "a refused request an hour": each(60, one("4XXError")),
    "a failed request an hour": each(60, one("5XXError")),
    "a crash an hour": each(60, one("Errors")),
    "a throttled invocation an hour": each(60, one("Throttles")),
    "a throttled read an hour": each(60, one("ReadThrottleEvents")),
    "a throttled write an hour": each(60, one("WriteThrottleEvents")),
    "a denied request an hour": each(60, one("Denied")),
    "a contended write an hour": each(60, one("Contended")),
}


def samples_of(alarm: Mapping[str, Any], weather: Weather) -> Samples:
    return {metric: {minute: weather(metric, minute) for minute in range(_MINUTES)} for metric in metrics_of(alarm)}


@pytest.mark.parametrize("weather", CALM.values(), ids=CALM)
def test_no_alarm_leaves_ok_while_little_happens(
    alarms: dict[str, Mapping[str, Any]], limits: dict[str, float], weather: Weather
) -> None:
    for name, alarm in alarms.items():
        states = set(run(alarm, samples_of(alarm, weather), limits, _MINUTES))
        assert states == {OK}, name


def test_silence_of_everything_is_one_alarm_where_schedules_run(
    template: Template, alarms: dict[str, Mapping[str, Any]], limits: dict[str, float]
) -> None:
    wanted = silence_is_the_alarm(template)
    for name, alarm in alarms.items():
        states = set(run(alarm, {}, limits, _MINUTES))
        assert states == {ALARM if name in wanted else OK}, name
        assert (alarm["TreatMissingData"] == "breaching") == (name in wanted), name


def test_each_outage_and_exception_is_of_an_alarm(built_package: Package) -> None:
    names = {name for stage in _STAGES for name in list_alarms(expanded(built_package, stage))}
    assert names == OUTAGES.keys()
    assert names >= ONE_IS_ENOUGH.keys()


def test_every_alarm_fires_in_its_outage_and_ends_with_it(
    alarms: dict[str, Mapping[str, Any]], limits: dict[str, float]
) -> None:
    assert alarms.keys() <= OUTAGES.keys(), "describe the outage that the new alarm is for"
    for name, alarm in alarms.items():

        def weather(metric: Metric, minute: int, outage: Outage = OUTAGES[name]) -> list[float]:
            return [outage.value] * outage.values if minute in _OUTAGE else scheduled(metric, minute)

        states = list(run(alarm, samples_of(alarm, weather), limits, _MINUTES))
        fired = [minute for minute, state in enumerate(states) if state == ALARM]
        assert _OUTAGE.start <= fired[0] < _OUTAGE.stop, name
        assert fired == list(range(fired[0], fired[-1] + 1)), f"{name} flaps"
        assert states[-1] == OK, f"{name} never ends"


def test_one_occurrence_fires_only_where_one_is_enough(
    alarms: dict[str, Mapping[str, Any]], limits: dict[str, float]
) -> None:
    for name, alarm in alarms.items():
        value = OUTAGES[name].value

        def weather(metric: Metric, minute: int, value: float = value) -> list[float]:
            return [value] if minute == _OUTAGE.start else scheduled(metric, minute)

        fires = ALARM in run(alarm, samples_of(alarm, weather), limits, _MINUTES)
        if name != "upkeep-overdue":  # its metric is an age: one sample says that nothing ran for days
            assert fires == (name in ONE_IS_ENOUGH), name


@pytest.mark.parametrize(("requests_a_minute", "slow"), [(20, 4), (60, 10), (400, 8), (2000, 40)])
def test_latency_is_seen_with_little_and_with_much_traffic(
    alarms: dict[str, Mapping[str, Any]], limits: dict[str, float], requests_a_minute: int, slow: int
) -> None:
    alarm = alarms["latency"]
    values = [3000.0] * slow + [40.0] * (requests_a_minute - slow)
    samples = {metric: dict.fromkeys(_OUTAGE, values) for metric in metrics_of(alarm)}
    states = list(run(alarm, samples, limits, _MINUTES))
    assert (ALARM in states, states[-1]) == (True, OK)


# The tables of "Configuring how CloudWatch alarms treat missing data": points (0 good, X breaching, - missing), and the
# state where missing data is ignored, breaching, not breaching; "" retains the state.
OF_THREE = [
    ("0-X-X", OK, OK, OK),
    ("----0", OK, OK, OK),
    ("-----", "", ALARM, OK),
    ("0XX-X", ALARM, ALARM, ALARM),
    ("--X--", "", ALARM, OK),
]
TWO_OF_THREE = [
    ("0-X-X", ALARM, ALARM, ALARM),
    ("00X0X", ALARM, ALARM, ALARM),
    ("0-X--", OK, ALARM, OK),
    ("----0", OK, ALARM, OK),
    ("----X", "", ALARM, OK),
]


@pytest.mark.parametrize(
    ("wanted", "points", "states"),
    [(wanted, points, states) for wanted, rows in ((3, OF_THREE), (2, TWO_OF_THREE)) for points, *states in rows],
)
def test_the_evaluation_is_that_of_the_user_guide(wanted: int, points: str, states: list[str]) -> None:
    read = [{"0": False, "X": True, "-": None}[each] for each in points]
    for treatment, state in zip(("ignore", "breaching", "notBreaching"), states, strict=True):
        alarm = {"EvaluationPeriods": 3, "DatapointsToAlarm": wanted, "TreatMissingData": treatment}
        assert judge(alarm, read, "as before") == (state or "as before"), treatment
