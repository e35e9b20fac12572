"""The line of the embedded metric format, by AWS's rules for it and beside what Powertools writes.

The rules are those of the CloudWatch user guide, "Specification: Embedded metric format", and of PutMetricData for the
values of dimensions.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
from typing import Any

import pytest
from aws_lambda_powertools.metrics import Metrics
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.metric_properties import MetricUnit
from jsonschema_rs import Draft202012Validator

from configsvc.model.errors import Unavailable
from configsvc.model.names import Namespace
from configsvc_client import Config
from configsvc_client.metrics import embedded
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_envelope, make_plain_entry, make_snapshot, seal_values

NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x20-\x7e]+$"}
DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "additionalProperties": False,
    "properties": {
        "Namespace": NAME,
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "maxItems": 30, "items": {**NAME, "maxLength": 250}},
        },
        "Metrics": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["Name"],
                "additionalProperties": False,
                "properties": {
                    "Name": NAME,
                    "Unit": {"enum": [each.value for each in MetricUnit] + ["None"]},
                    "StorageResolution": {"enum": [1, 60]},
                },
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 10**12, "maximum": 10**13},
                "CloudWatchMetrics": {"type": "array", "items": DIRECTIVE},
            },
        }
    },
}


def read(line: str) -> dict[str, Any]:
    """A document, checked as CloudWatch would: each reference leads to a member of the right kind at the root."""
    assert "\n" not in line
    assert len(line) < 256 * 1024
    document: dict[str, Any] = json.loads(line)
    Draft202012Validator(SCHEMA).validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                assert isinstance(value, int | float)
                assert not isinstance(value, bool)
        for name in (each for dimensions in directive["Dimensions"] for each in dimensions):
            assert isinstance(document[name], str)
            assert 1 <= len(document[name].strip()) <= 1024
    return document


def metrics(document: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """The values with their units."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: (document[each["Name"]], each["Unit"]) for each in directive["Metrics"]}


def dimensions(document: dict[str, Any]) -> dict[str, str]:
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    return {name: document[name] for name in names}


def warm(**environ: str) -> Stage:
    shared = make_snapshot([make_plain_entry("b", "1")], namespace=Namespace("shared.prod"), revision=7)
    stage = Stage(seal_values({"a": "1"}), shared, **environ)
    stage.config.snapshot()
    return stage


def test_a_config_that_is_well() -> None:
    stage = warm(AWS_LAMBDA_FUNCTION_NAME="payments")
    stage.clock.advance(3.25)
    before = int(time.time() * 1000)
    document = read(embedded(stage.config))
    assert before <= document["_aws"]["Timestamp"] <= time.time() * 1000
    assert metrics(document) == {
        "Age": (3.25, "Seconds"), "Unhealthy": (0, "Count"), "Refused": (0, "Count"), "Failing": (0, "Count"),
        "Broken": (0, "Count"), "Revision.payments.prod": (1, "None"), "Revision.shared.prod": (7, "None"),
    }  # fmt: skip
    assert dimensions(document) == {"FunctionName": "payments"}
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "configsvc"
    assert (document["State"], document["Reason"]) == ("ok", "")


def test_a_config_that_fails_refuses_and_lacks_keys() -> None:
    broken = make_envelope("db.password", b"x")._replace(value="e30....")
    stage = Stage(
        make_snapshot([broken]), make_snapshot([make_plain_entry("b", "1")], namespace=Namespace("shared.prod"))
    )
    stage.config.snapshot()
    stage.serve(make_snapshot([make_plain_entry("b", "2")], namespace=Namespace("shared.prod"), tag="ff"))
    for error in (None, Unavailable("down")):
        stage.gateway.fail = [error] if error else []
        stage.clock.advance(600)
        stage.config.snapshot()
    line = embedded(stage.config)
    document = read(line)
    values = {name: value for name, (value, _) in metrics(document).items()}
    assert (values["Unhealthy"], values["Refused"], values["Failing"], values["Broken"]) == (1, 1, 1, 1)
    assert (values["Age"], document["State"], document["Reason"]) == (1200, "refused", "not_taken")
    assert "db.password" not in line


def test_before_the_first_load_there_is_no_age_and_nothing_is_asked() -> None:
    stage = Stage(seal_values({"a": "1"}))
    document = read(embedded(stage.config))
    assert metrics(document) == {
        each: (each == "Unhealthy", "Count") for each in ("Unhealthy", "Refused", "Failing", "Broken")
    }
    assert stage.gateway.asked == []
    assert read(embedded(Config(environ={})))["Reason"] == "misconfigured"


def test_dimensions_and_namespace_are_one_s_own_to_choose() -> None:
    stage = warm(AWS_LAMBDA_FUNCTION_NAME="payments")
    document = read(embedded(stage.config, namespace="shop/config", dimensions={"Service": "pay", "Stage": "prod"}))
    assert dimensions(document) == {"Service": "pay", "Stage": "prod"}
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "shop/config"
    for none in (embedded(stage.config, dimensions={}), embedded(warm().config)):
        assert dimensions(read(none)) == {}


@pytest.mark.parametrize(
    "refused",
    [
        {"Age": "x"}, {"_aws": "x"}, {"Revision.x": "1"}, {"State": "x"}, {"": "x"}, {":x": "x"}, {"é": "x"},
        {"a" * 251: "x"}, {"a": ""}, {"a": " "}, {"a": "é"}, {"a": "x\ny"}, {"a": "x" * 1025},
        {"a": 1}, {str(each): "x" for each in range(31)},
    ],
)  # fmt: skip
def test_dimensions_that_cloudwatch_would_not_take_are_refused(refused: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="dimension"):
        embedded(warm().config, dimensions=refused)


@pytest.mark.parametrize("refused", ["", " ", "é", "x" * 256])
def test_a_namespace_that_cloudwatch_would_not_take_is_refused(refused: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        embedded(warm().config, namespace=refused)


def test_more_namespaces_than_a_line_has_room_for_are_left_out() -> None:
    names = [Namespace(f"payments{number}.prod") for number in range(120)]
    stage = Stage(*(make_snapshot([], namespace=each) for each in names))
    stage.config.snapshot()
    assert len(metrics(read(embedded(stage.config)))) == 100


def test_powertools_writes_documents_of_the_same_shape() -> None:
    powertools = Metrics(namespace="configsvc", service="payments")
    powertools.add_metric("Age", MetricUnit.Seconds, 3.25)
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        powertools.flush_metrics()
    theirs, ours = read(written.getvalue().strip()), read(embedded(warm().config, dimensions={"service": "payments"}))
    assert dimensions(theirs) == dimensions(ours)
    assert theirs["_aws"].keys() == ours["_aws"].keys()
    (their_directive,), (our_directive,) = (each["_aws"]["CloudWatchMetrics"] for each in (theirs, ours))
    assert their_directive.keys() == our_directive.keys()
    assert their_directive["Metrics"][0].items() <= {"Name": "Age", "Unit": "Seconds"}.items()
