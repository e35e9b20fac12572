"""Grants: patterns, principals, and who the first administrators are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import grants, names
from configsvc.model.errors import InvalidName
from configsvc.model.grants import Grant, Principal
from tests.support.model.strategies import NAMESPACES

ROLE = "arn:aws:iam::123456789012:role/Deployer"


@given(namespace=NAMESPACES)
def test_an_exact_pattern_matches_itself_and_a_star_everything(namespace: str) -> None:
    assert grants.covers(grants.parse_pattern(namespace), namespace)
    assert grants.covers(grants.parse_pattern("*"), namespace)


@given(prefix=NAMESPACES.filter(lambda name: len(name) < 62), namespace=NAMESPACES)
def test_a_prefix_matches_only_namespaces_below_it(prefix: str, namespace: str) -> None:
    pattern = grants.parse_pattern(f"{prefix}.*")
    assert grants.covers(pattern, f"{prefix}.x")
    assert not grants.covers(pattern, prefix)
    assert grants.covers(pattern, namespace) == namespace.startswith(f"{prefix}.")


@pytest.mark.parametrize("text", ["", "**", "*.prod", "pay*", "a.*.b", "Payments", "a/*", "*\n"])
def test_other_patterns_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        grants.parse_pattern(text)


FEW = st.sampled_from(["a", "a.b", "a.b.c", "b"]).map(names.parse_namespace)
SOME_GRANTS = st.lists(
    st.builds(
        Grant,
        st.lists(st.sampled_from(grants.ACTIONS), min_size=1, max_size=2, unique=True).map(tuple),
        st.lists(FEW | st.just("*") | FEW.map("{}.*".format), min_size=1, max_size=2).map(tuple),
    ),
    max_size=3,
)


@given(granted=SOME_GRANTS, namespace=FEW, action=st.sampled_from(grants.ACTIONS))
def test_only_what_a_single_grant_allows_is_allowed(
    granted: list[Grant], namespace: names.Namespace, action: grants.Action
) -> None:
    parts = namespace.split(".")
    naming = {"*", namespace, *(".".join([*parts[:count], "*"]) for count in range(1, len(parts)))}
    named = [each for each in granted if action in each.actions and naming & set(each.namespaces)]
    assert grants.allows(granted, action, namespace) == bool(named)


@given(held=SOME_GRANTS, wanted=SOME_GRANTS, namespace=FEW, action=st.sampled_from(grants.ACTIONS))
def test_what_is_lacking_is_exactly_what_is_not_allowed(
    held: list[Grant], wanted: list[Grant], namespace: names.Namespace, action: grants.Action
) -> None:
    lacking = grants.find_lacking(held, wanted)
    either = grants.allows(held, action, namespace) or grants.allows(wanted, action, namespace)
    assert grants.allows([*held, *lacking], action, namespace) == either
    assert grants.allows(wanted, action, namespace) or not grants.allows(lacking, action, namespace)
    assert all(each.actions and each.namespaces for each in lacking)
    assert grants.find_lacking([*held, *lacking], wanted) == ()


@pytest.mark.parametrize(
    ("held", "wanted", "lacking"),
    [
        ("payments.*", "payments.prod", False),
        ("payments.*", "payments.eu.*", False),
        ("payments.*", "payments.*", False),
        ("*", "payments.*", False),
        ("payments.*", "payments", True),
        ("payments.prod", "payments.*", True),
        ("payments.*", "*", True),
    ],
)
def test_a_wider_pattern_has_what_a_narrower_one_has(held: str, wanted: str, *, lacking: bool) -> None:
    having, asked = Grant(("read",), (held,)), Grant(("read",), (wanted,))
    assert grants.find_lacking([having], [asked]) == ((asked,) if lacking else ())
    assert grants.find_lacking([having._replace(actions=("admin",))], [asked]) == (asked,)


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Deployer/session", ROLE),
        ("arn:aws:sts::123456789012:assumed-role/Deployer/a@b.c", ROLE),
        ("arn:aws:iam::123456789012:role/Deployer", ROLE),
        ("arn:aws:iam::123456789012:role/ci/prod/Deployer", ROLE),
        ("arn:aws-cn:sts::123456789012:assumed-role/D/s", "arn:aws-cn:iam::123456789012:role/D"),
        ("arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/alice"),
        ("arn:aws:iam::123456789012:user/team/alice", "arn:aws:iam::123456789012:user/alice"),
        ("arn:aws:sts::123456789012:federated-user/alice", None),
        ("arn:aws:iam::123456789012:root", None),
        ("arn:aws:sts::123456789012:role/Deployer", None),
        ("arn:aws:iam::123456789012:assumed-role/Deployer/s", None),
        ("arn:aws:iam::123456789012:role/Deployer\n", None),
        ("", None),
    ],
)
def test_an_arn_is_normalized_to_its_role_or_user(arn: str, principal: str | None) -> None:
    assert grants.normalize_arn(arn) == principal


@pytest.mark.parametrize(
    "text", ["api-key:", "api-key:a/b", "alice", "arn:aws:iam::123456789012:role/ci/Deployer", ROLE + "\n", "*"]
)
def test_a_principal_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidName):
        grants.parse_principal(text)
    assert grants.parse_principal(ROLE) == ROLE
    assert grants.parse_api_key_id("a1B2") == "api-key:a1B2"


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (ROLE, True),
        ("arn:aws:iam::123456789012:role/Dep*", True),
        ("arn:aws:iam::123456789012:role/*", True),
        ("arn:aws:iam::123456789012:user/*", False),
        ("arn:aws:iam::123456789012:role/Deploy", False),
        ("arn:aws:iam::210987654321:role/*", False),
    ],
)
def test_a_star_in_an_administrators_pattern_matches_only_names(pattern: str, *, named: bool) -> None:
    assert grants.is_administrator([grants.parse_admin_pattern(pattern)], Principal(ROLE)) == named


@pytest.mark.parametrize("text", ["*", "arn:aws:iam::*:role/Admin", "arn:aws:iam::123456789012:*", ROLE + "/x", ""])
def test_an_administrators_pattern_has_its_star_in_the_name(text: str) -> None:
    with pytest.raises(InvalidName):
        grants.parse_admin_pattern(text)


def test_no_pattern_means_no_administrator() -> None:
    assert not grants.is_administrator([], Principal(ROLE))


@given(
    pattern=st.from_regex(r"arn:aws[a-z-]{0,9}:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@*-]{1,64}", fullmatch=True)
)
def test_no_administrators_pattern_matches_upkeep(pattern: str) -> None:
    assert not grants.is_administrator([grants.parse_admin_pattern(pattern)], grants.UPKEEP)


def test_nobody_can_grant_to_upkeep_or_be_listed_as_it() -> None:
    with pytest.raises(InvalidName):
        grants.parse_principal(grants.UPKEEP)
    with pytest.raises(InvalidName):
        grants.parse_admin_pattern(grants.UPKEEP)
    assert grants.normalize_arn(grants.UPKEEP) is None
