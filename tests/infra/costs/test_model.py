"""Units that requests, fleets and the other stores use, recomputed by hand and over random fleets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.costs import peers
from infra.costs.lines import Lines
from infra.costs.model import Assumptions, Fleet, Service, default_traces, fleet
from infra.costs.prices import PriceList, Use, load

PRICES: PriceList = load()
SERVICE = Service(Lines(report=250, access=300, request=800), 1024, "arm64")
SIZES = st.integers(0, 5000)
FLEETS = st.builds(Fleet, st.just("any"), SIZES, st.integers(0, 50), st.integers(0, 10**8))
NAMESPACES = st.integers(1, 9)
SECONDS = st.integers(1, 3600)


def cost(of: Fleet, namespaces: int, seconds: int) -> Decimal:
    return PRICES.cost(fleet(SERVICE, of, namespaces, seconds))


def test_an_unchanged_poll_is_a_request_and_a_read_of_each_namespace() -> None:
    assert SERVICE.poll(3) == {
        "rest_requests": 1,
        "table_reads": 3,
        "gb_out": Decimal("0.0000004"),
        "lambda_requests": 1,
        "lambda_arm64": Decimal("0.005"),
        "log_gb": Decimal("0.00000055"),
        "log_gb_kept": Decimal("0.00000132"),
    }


def test_a_cold_start_gets_every_snapshot_and_unwraps_every_data_key() -> None:
    used = SERVICE.cold_start(5)
    assert used["kms_requests"] == 5
    assert used["gb_out"] == Decimal("0.0001")
    assert used["log_gb"] == Decimal("0.00000135")
    assert used["rest_requests"] == 1


def test_a_write_is_a_transaction_and_a_new_snapshot_in_each_warm_instance() -> None:
    used = SERVICE.write()
    assert used["table_writes"] == 14
    assert used["table_reads"] == 4 + 2 * 5


def test_a_thousand_warm_environments_are_43_million_polls() -> None:
    used = fleet(SERVICE, Fleet("warm", 1000), 1, 60)
    assert used["rest_requests"] == 43_200_000
    assert used["table_reads"] == 43_200_000 + 10 * 2 * 259_200
    assert used["kms_requests"] == 0  # what is unchanged is not opened again
    assert PRICES.prices["rest_requests"].cost(used["rest_requests"]) == Decimal("151.2")


def test_ten_changes_a_day_replace_polls_and_add_writes() -> None:
    used = fleet(SERVICE, Fleet("changing", 1000, changes=10), 1, 60)
    assert used["rest_requests"] == 43_200_000 + 300
    assert used["table_writes"] == 300 * 14
    assert used["kms_requests"] == 300_000
    assert used["gb_out"] == pytest.approx(Decimal("0.0000004") * 42_900_300 + Decimal("0.00002") * 300_000)


def test_no_more_polls_find_a_change_than_there_are_polls() -> None:
    used = fleet(SERVICE, Fleet("seldom", 10, changes=50), 1, 3600)
    assert used["gb_out"] == pytest.approx(Decimal("0.00002") * 7200 + Decimal("0.0000004") * 1500)


def test_a_data_key_is_unwrapped_at_most_every_hour() -> None:
    assert fleet(SERVICE, Fleet("busy", 10, changes=100), 1, 60)["kms_requests"] == 10 * 30 * 24


def test_the_default_sampling_traces_one_a_second_and_a_twentieth() -> None:
    assert default_traces(Decimal(43_200_000), Assumptions()) == 2_592_000 + 2_030_400
    assert default_traces(Decimal(1000), Assumptions()) == 1000


@given(FLEETS, NAMESPACES, SECONDS, SECONDS)
def test_polling_more_often_never_costs_less(of: Fleet, namespaces: int, one: int, other: int) -> None:
    assert cost(of, namespaces, min(one, other)) >= cost(of, namespaces, max(one, other))


@given(FLEETS, NAMESPACES, SECONDS)
def test_another_namespace_never_costs_less_but_less_than_another_fleet(of: Fleet, many: int, seconds: int) -> None:
    fewer, more = cost(of, many, seconds), cost(of, many + 1, seconds)
    assert fewer <= more <= fewer + cost(of, 1, seconds)


@given(FLEETS, NAMESPACES, SECONDS, SIZES)
def test_a_larger_fleet_never_costs_less(of: Fleet, many: int, seconds: int, further: int) -> None:
    least = cost(of, many, seconds)
    assert cost(of._replace(warm=of.warm + further), many, seconds) >= least
    assert cost(of._replace(cold_starts=of.cold_starts + further), many, seconds) >= least


def test_peers_are_charged_as_their_pages_say() -> None:
    of, assumed = Fleet("some", 1000, changes=10, cold_starts=1_000_000), Assumptions()
    reads = Decimal(2 * (1000 * 43_200 + 1_000_000))
    app: Use = {"appconfig_requests": reads + 2_000_000, "appconfig_received": Decimal(300_000 + 2_000_000)}
    assert peers.appconfig(of, assumed, 2, 60) == app
    assert peers.secrets_manager(of, assumed, 2, 60) == {"secrets": 2, "secret_calls": reads}
    assert peers.parameter_store(of, assumed, 2, 60, standard=False) == {
        "ssm_interactions": reads * 20,  # each parameter that is returned, in however few calls
        "kms_requests": reads * 5,
    }
    assert peers.parameter_store(of, assumed, 2, 60, standard=True) == {"kms_requests": reads * 5}
