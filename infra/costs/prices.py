"""The price list, read from prices.toml, and what a use of AWS costs by it."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

PRICES = Path(__file__).parent / "prices.toml"

Use = Mapping[str, Decimal]
"""Units used, by the name of their price."""


class Tier(NamedTuple):
    """A price for units up to a number in a month; None for all further units."""

    up_to: Decimal | None
    usd: Decimal


class Price(NamedTuple):
    """A price in US dollars for `of` units.

    Args:
        about: the unit, with its service.
        source: the page of AWS that lists it.
        compared: whether public texts of third parties give the same price.
    """

    about: str
    tiers: tuple[Tier, ...]
    of: Decimal
    source: str
    compared: bool

    def cost(self, units: Decimal) -> Decimal:
        """Return US dollars for the units of one month."""
        done, total = Decimal(0), Decimal(0)
        for tier in self.tiers:
            until = units if tier.up_to is None else min(units, tier.up_to)
            total += max(until - done, Decimal(0)) * tier.usd
            done = max(done, until)
        return total / self.of


class PriceList(NamedTuple):
    """The prices of one region on one day."""

    date: dt.date
    region: str
    prices: Mapping[str, Price]

    def cost(self, use: Use) -> Decimal:
        """Return US dollars for everything used in one month."""
        return sum((self.prices[name].cost(units) for name, units in use.items()), Decimal(0))

    def first(self, name: str) -> Decimal:
        """Return US dollars for one unit, in the first tier."""
        price = self.prices[name]
        return price.tiers[0].usd / price.of


def load(path: Path = PRICES) -> PriceList:
    """Read a price list.

    Raises:
        KeyError: a price lacks a member.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    prices = {name: _price(found) for name, found in content["prices"].items()}
    return PriceList(content["date"], content["region"], prices)


def _price(found: Mapping[str, Any]) -> Price:
    tiers = found.get("tiers") or [[0, found["usd"]]]
    return Price(
        found["about"],
        tuple(Tier(Decimal(up_to) or None, Decimal(usd)) for up_to, usd in tiers),
        Decimal(found["of"]),
        found["source"],
        found["compared"],
    )


def add(*uses: Use) -> Use:
    """Return the sum of the uses."""
    names = dict.fromkeys(name for use in uses for name in use)
    return {name: sum((use.get(name, Decimal(0)) for use in uses), Decimal(0)) for name in names}


def times(use: Use, many: Decimal | int) -> Use:
    """Return the use, so many times."""
    return {name: units * many for name, units in use.items()}
