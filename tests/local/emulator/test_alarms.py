"""The additions that functions' metrics are recorded and alarms are judged as CloudWatch does: needed, and working."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from local.emulator.launcher import Emulator
from tests.support.local.alarms import Alarms
from tests.support.local.measuring import Measuring, deploy_measuring

pytestmark = pytest.mark.emulator

PERIODS = 600.0
"""Seconds after which an alarm of three minutes sees nothing of what was before."""


class Scene(NamedTuple):
    """A function, its alarm, and a queue that hears of it."""

    function: Measuring
    alarms: Alarms
    alarm: str
    queue: str

    @property
    def state(self) -> str:
        return self.alarms.state(self.alarm)


def make_scene(url: str, missing: str = "breaching") -> Scene:
    function, alarms = deploy_measuring(url), Alarms(url)
    topic, name = alarms.new_topic(), f"{function.name}-broken"
    queue = alarms.listen(topic)
    alarms.cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Tests", MetricName=function.name, Statistic="Maximum", Period=60,
        EvaluationPeriods=3,
        Dimensions=[{"Name": "service", "Value": function.name}], Threshold=1, AlarmActions=[topic], OKActions=[topic],
        ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData=missing,
    )  # fmt: skip
    return Scene(function, alarms, name, queue)


def count_metrics(scene: Scene) -> int:
    """How many metrics of the function exist."""
    dimensions = [{"Name": "service", "Value": scene.function.name}]
    return len(scene.alarms.cloudwatch.list_metrics(Namespace="Tests", Dimensions=dimensions)["Metrics"])


@pytest.fixture
def scene(emulator: Emulator) -> Scene:
    return make_scene(emulator.url)


def test_what_a_function_logs_raises_an_alarm_that_is_delivered(scene: Scene) -> None:
    scene.function.invoke(broken=1)

    assert scene.alarms.hear(scene.queue, scene.alarm, "ALARM")["OldStateValue"] == "INSUFFICIENT_DATA"


def test_an_alarm_ends_when_the_metric_is_good_again(scene: Scene) -> None:
    scene.function.invoke(broken=1)
    scene.alarms.let_pass(PERIODS)

    scene.function.invoke(broken=0)

    assert scene.alarms.hear(scene.queue, scene.alarm, "OK")["OldStateValue"] == "ALARM"


def test_one_bad_minute_of_three_is_no_alarm(scene: Scene) -> None:
    for broken in (0, 1):
        scene.function.invoke(broken=broken)
        scene.alarms.let_pass(60)

    assert scene.state == "OK"


def test_silence_is_an_alarm_where_missing_data_breaches(scene: Scene) -> None:
    scene.function.invoke(broken=0)
    assert scene.state == "OK"

    scene.alarms.let_pass(PERIODS)

    assert scene.alarms.hear(scene.queue, scene.alarm, "ALARM")


def test_silence_is_no_alarm_where_missing_data_does_not_breach(emulator: Emulator) -> None:
    quiet = make_scene(emulator.url, "notBreaching")
    quiet.function.invoke(broken=0)

    quiet.alarms.let_pass(PERIODS)

    assert quiet.state == "OK"


def test_an_alarm_sees_its_own_dimensions_only(scene: Scene) -> None:
    scene.function.invoke(broken=0)
    other = [{"MetricName": scene.function.name, "Value": 1, "Dimensions": [{"Name": "service", "Value": "other"}]}]

    scene.alarms.cloudwatch.put_metric_data(Namespace="Tests", MetricData=other)

    assert scene.state == "OK"


def test_a_function_that_raises_has_its_errors_judged(scene: Scene) -> None:
    topic, name = scene.alarms.new_topic(), f"{scene.function.name}-errors"
    queue = scene.alarms.listen(topic)
    scene.alarms.cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Dimensions=[{"Name": "FunctionName", "Value": scene.function.name}], Threshold=1, AlarmActions=[topic],
        ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip

    scene.function.invoke(**{"raise": True})

    assert scene.alarms.hear(queue, name, "ALARM")


def test_without_the_addition_no_metric_is_recorded_and_no_alarm_judged(stock_emulator: Emulator) -> None:
    stock = make_scene(stock_emulator.url)

    stock.function.invoke(broken=1)

    assert count_metrics(stock) == 0
    assert stock.state == "INSUFFICIENT_DATA"


def test_with_the_addition_the_metric_is_recorded(scene: Scene) -> None:
    scene.function.invoke(broken=1)

    assert count_metrics(scene) == 1


def test_without_the_addition_an_alarm_sees_other_dimensions(stock_emulator: Emulator) -> None:
    stock = make_scene(stock_emulator.url)
    other = [{"MetricName": stock.function.name, "Value": 1, "Dimensions": [{"Name": "service", "Value": "other"}]}]

    stock.alarms.cloudwatch.put_metric_data(Namespace="Tests", MetricData=other)

    assert stock.state == "ALARM"


def test_without_the_addition_silence_is_never_an_alarm(stock_emulator: Emulator) -> None:
    stock = make_scene(stock_emulator.url)

    stock.alarms.let_pass(PERIODS)  # judges what it judges, and makes nothing older

    assert stock.state == "INSUFFICIENT_DATA"


def test_metrics_and_alarms_survive_a_restart(tmp_path: Path) -> None:
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as first:
        before = make_scene(first.url)
        before.function.invoke(broken=1)
        assert before.state == "ALARM"

    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as second:
        alarms = Alarms(second.url)
        assert alarms.state(before.alarm) == "ALARM"
        after = Scene(before.function._replace(url=second.url), alarms, before.alarm, "")
        assert count_metrics(after) == 1

        after.alarms.let_pass(PERIODS)
        after.function.invoke(broken=0)

        assert after.state == "OK"
