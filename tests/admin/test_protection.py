"""The protection policy: which table applies, and what a file may say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client.admin import Policy, Protection, read_policy
from configsvc_client.admin.sealing.protection import SEALED, matches

KID = "A" * 43


def read(text: str) -> Policy:
    return read_policy(tomllib.loads(text).get("policy", {}), "p/.configsvc.toml")


def test_exact_counts_before_the_longest_prefix_and_that_before_star() -> None:
    policy = read(
        '[policy."*"]\nplain = ["a"]\n[policy."pay.*"]\nplain = ["b"]\n[policy."pay.eu.*"]\nplain = ["c"]\n'
        '[policy."pay.eu.prod"]\nplain = ["d"]\n'
    )
    names = ("orders", "pay", "pay.test", "pay.eu.test", "pay.eu.prod")
    assert [policy.of(each).plain for each in names] == [("a",), ("a",), ("b",), ("c",), ("d",)]


def test_tables_do_not_merge() -> None:
    policy = read(f'[policy."*"]\nplain = ["*"]\nexec = ["A"]\n[policy.secret]\nretired_kids = ["{KID}"]\n')
    assert policy.of("secret") == Protection(retired_kids=frozenset({KID}))


def test_without_a_table_everything_is_sealed_and_exec_has_no_allow_list() -> None:
    assert (Policy().of("any"), SEALED.exec) == (SEALED, None)
    assert read("[policy.any]\nexec = []").of("any").exec == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[policy.payments.prod]\nplain = []", r'Quote the namespace pattern: \[policy."payments.prod"\]'),
        ("[policy.payments]\nplain = []\n[policy.payments.prod]", "Quote the namespace pattern"),
        ("policy.payments.prod.plain = []", "Quote the namespace pattern"),
        ('[policy."payments.*"]\nplan = []', "unknown member: plan"),
        ('[policy."payments.*"]\nplain = "limits.*"', "plain must be a list of texts"),
        ('[policy."payments.*"]\nplain = [1]', "plain must be a list of texts"),
        ('[policy."payments.*"]\nplain = ["limits/*"]', "plain takes keys and patterns"),
        ('[policy."payments.*"]\nplain = [""]', "plain takes keys and patterns"),
        ('[policy."payments.*"]\nexec = ["db_*"]', "exec takes variables and patterns"),
        ('[policy."payments.*"]\nretired_kids = ["x"]', "retired_kids: A kid is"),
        ('[policy."pay*"]\nplain = []', "A namespace pattern must be"),
        ('[policy."Payments"]\nplain = []', "A namespace pattern must be"),
        ("[policy]\nplain = []", "has the member plain"),
        ('[[policy."payments.*"]]\nplain = []', "has the member payments"),
        ("policy = 1", "policy must contain tables"),
    ],
)
def test_what_a_policy_may_not_say_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        read(text)


TEXT: Any = "db.*"


@pytest.mark.parametrize("tables", [{"a": Protection(plain=TEXT)}, {"a/b": Protection()}, {"a": Protection(("a b",))}])
def test_a_policy_made_in_code_is_checked_as_one_of_a_file(tables: Mapping[str, Protection]) -> None:
    with pytest.raises(Misconfigured):
        Policy(tables)


def test_lists_do_in_code() -> None:
    made = Policy({"a": Protection(plain=["b"], exec=["C"], retired_kids=[KID])})  # type: ignore[arg-type]
    assert made == Policy({"a": Protection(("b",), (), ("C",), frozenset({KID}))})
    assert len({made, Policy()}) == 2


def test_a_pattern_with_many_stars_ends() -> None:
    assert not matches("a" * 255, ("*a" * 40 + "*b",))
