"""Functions are evaluated as another implementation of CloudFormation, moto's, evaluates them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from moto.cloudformation.parsing import ResourceMap, clean_json

from infra.cloudformation.resolving import Known, list_references, resolve

NAMES = ("P", "Q", "R")
CONDITIONS = ("Same", "Other", "Both", "Either")
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        **{name: {"Type": "String"} for name in NAMES},
        "List": {"Type": "CommaDelimitedList"},
    },
    "Mappings": {"Map": {top: {second: top + second for second in "abc"} for top in "abc"}},
    "Conditions": {
        "Same": {"Fn::Equals": [{"Ref": "P"}, {"Ref": "Q"}]},
        "Other": {"Fn::Not": [{"Condition": "Same"}]},
        "Both": {"Fn::And": [{"Condition": "Other"}, {"Fn::Equals": [{"Ref": "R"}, "a"]}]},
        "Either": {"Fn::Or": [{"Condition": "Both"}, {"Fn::Equals": ["b", {"Ref": "Q"}]}]},
    },
    "Resources": {"Unused": {}},
}

letters = some.sampled_from("abc")
values = some.fixed_dictionaries(dict.fromkeys(NAMES, letters) | {"List": some.sampled_from(["a,b,c", "c,b,a"])})
references = some.sampled_from([{"Ref": name} for name in NAMES])
texts = some.recursive(
    letters | references,
    lambda inner: some.one_of(
        some.tuples(some.sampled_from(CONDITIONS), inner, inner).map(lambda of: {"Fn::If": list(of)}),
        some.lists(inner, min_size=1, max_size=3).map(lambda of: {"Fn::Join": ["-", of]}),
        inner.map(lambda of: {"Fn::Sub": ["${P}.${X}/${Q}", {"X": of}]}),
        some.tuples(some.integers(0, 2), some.lists(inner, min_size=3, max_size=3)).map(
            lambda of: {"Fn::Select": [str(of[0]), of[1]]}
        ),
        some.tuples(references, references).map(lambda of: {"Fn::FindInMap": ["Map", *of]}),
        inner.map(lambda of: {"Fn::Select": ["0", {"Fn::Split": ["b", of]}]}),
        some.just({"Fn::Select": ["1", {"Ref": "List"}]}),
        some.just({"Fn::Join": ["", {"Ref": "List"}]}),
    ),
    max_leaves=6,
)
nodes = some.recursive(
    texts, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(letters, inner, min_size=2, max_size=3)
)


def evaluate_elsewhere(node: Any, parameters: dict[str, str]) -> Any:  # noqa: ANN401  # JSON is any
    resources = ResourceMap("id", "name", parameters, {}, "us-east-1", "111122223333", TEMPLATE, None)
    resources.load_parameters()
    resources.load_mapping()
    resources.load_conditions()
    return clean_json(node, resources)


@given(nodes, values)
def test_a_value_is_what_moto_makes_of_it(node: Any, parameters: dict[str, str]) -> None:  # noqa: ANN401  # JSON is any
    assert resolve(node, Known.of(TEMPLATE, parameters)) == evaluate_elsewhere(node, parameters)


@given(nodes, values, values)
def test_a_value_changes_exactly_when_moto_s_does(node: Any, one: dict[str, str], other: dict[str, str]) -> None:  # noqa: ANN401  # JSON is any
    ours = [resolve(node, Known.of(TEMPLATE, each)) for each in (one, other)]
    theirs = [evaluate_elsewhere(node, each) for each in (one, other)]
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])


@given(nodes, values, letters)
def test_no_change_of_a_known_parameter_is_missed_while_others_are_not_known(
    node: Any,  # noqa: ANN401  # JSON is any
    parameters: dict[str, str],
    other: str,
) -> None:
    changed = parameters | {"P": other}
    if evaluate_elsewhere(node, parameters) != evaluate_elsewhere(node, changed):
        first, second = (resolve(node, Known.of(TEMPLATE, {"P": each["P"]})) for each in (parameters, changed))
        assert first != second


@given(nodes, values)
def test_a_value_that_waits_for_no_parameter_is_final(node: Any, parameters: dict[str, str]) -> None:  # noqa: ANN401  # JSON is any
    known = Known.of(TEMPLATE, parameters)
    partly = resolve(node, Known.of(TEMPLATE, {"P": parameters["P"], "List": parameters["List"]}))
    if not set(list_references(partly)) & {"Q", "R"}:
        assert partly == resolve(node, known)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Fn::Sub": "${!Kept}-${P}"}, "${Kept}-a"),
        ({"Fn::Sub": "${P}:${Table}"}, {"Fn::Join": ["", ["a:", {"Ref": "Table"}]]}),
        ({"Fn::Sub": "${Table.Arn}"}, {"Fn::GetAtt": ["Table", "Arn"]}),
        ({"Fn::GetAtt": "Table.Stream.Arn"}, {"Fn::GetAtt": ["Table", "Stream.Arn"]}),
        ({"Fn::Select": ["0", {"Fn::GetAZs": {"Ref": "P"}}]}, {"Fn::Select": ["0", {"Fn::GetAZs": "a"}]}),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": ["1"]}),
        (
            {"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "a", {"DefaultValue": {"Ref": "P"}}]},
            {"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "a", {"DefaultValue": "a"}, TEMPLATE["Mappings"]]},
        ),
        ({"Fn::If": ["Unknown", {"Ref": "P"}, "b"]}, {"Fn::If": [{"Condition": "Unknown"}, "a", "b"]}),
        ({"Fn::ImportValue": {"Fn::Sub": "${P}-x"}}, {"Fn::ImportValue": "a-x"}),
    ],
)
def test_what_only_cloudformation_knows_stays_with_its_arguments_evaluated(node: object, expected: object) -> None:
    assert resolve(node, Known.of(TEMPLATE, {"P": "a"})) == expected
