"""A price list adds up, tier by tier."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.costs.prices import add, load, times

PRICES = load()
MONTHS = st.decimals(0, 10**12, places=3)


@pytest.mark.parametrize(
    ("name", "units", "usd"),
    [
        ("rest_requests", 0, "0"),
        ("rest_requests", 43_200_000, "151.2"),
        ("rest_requests", 333_000_000, "1165.5"),
        ("rest_requests", 334_000_000, "1168.3"),
        ("rest_requests", 2_000_000_000, "5413.1"),
        ("rest_requests", 21_000_000_000, "49763.1"),
        ("lambda_arm64", 8640, "0.115200576"),
        ("kms_requests", 720_000, "2.16"),
        ("appconfig_received", 10_000_000, "8000"),
        ("secret_calls", 8_640_000, "43.2"),
    ],
)
def test_units_cost_what_a_person_computes(name: str, units: int, usd: str) -> None:
    assert PRICES.prices[name].cost(Decimal(units)) == Decimal(usd)


@given(st.sampled_from(sorted(PRICES.prices)), MONTHS, MONTHS)
def test_more_units_cost_more_and_never_more_than_apart(name: str, some: Decimal, more: Decimal) -> None:
    price = PRICES.prices[name]
    together = price.cost(some + more)
    assert max(price.cost(some), price.cost(more)) <= together
    assert together <= (price.cost(some) + price.cost(more)) * Decimal("1.0000000001")


def test_uses_add_and_multiply_by_name() -> None:
    one = {"secrets": Decimal(1), "traces": Decimal(2)}
    assert add(one, {"traces": Decimal(3)}) == {"secrets": Decimal(1), "traces": Decimal(5)}
    assert times(one, 3) == {"secrets": Decimal(3), "traces": Decimal(6)}


def test_every_price_names_its_unit_and_its_source() -> None:
    for price in PRICES.prices.values():
        assert price.about
        assert "pricing" in price.source
        assert price.of > 0
        assert all(tier.usd > 0 for tier in price.tiers)
        assert [tier.up_to for tier in price.tiers].index(None) == len(price.tiers) - 1
