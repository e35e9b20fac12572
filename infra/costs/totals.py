"""Totals of a stage with a fleet, and of the fleet elsewhere, in US dollars a month."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from infra.cloudformation.stage_templates import expand_stage
from infra.costs import model, peers, shipped
from infra.costs.lines import measure
from infra.costs.model import Fleet, Service
from infra.costs.prices import PriceList, add, load
from infra.stage import load_unfinished

STAGE = "prod"


class Costs:
    """The costs of a stage.

    Args:
        expanded: its template.
    """

    def __init__(self, expanded: Mapping[str, Any], prices: PriceList) -> None:
        function = load_unfinished(STAGE).function
        self.expanded, self.prices = expanded, prices
        self.service = Service(measure(expanded), function.memory_mb, function.architecture)
        self.fixed = shipped.fixed(expanded, self.service)

    def of_fleet(self, of: Fleet, namespaces: int, seconds: int) -> Decimal:
        """US dollars a month, with the fixed part."""
        return self.prices.cost(add(self.fixed, model.fleet(self.service, of, namespaces, seconds)))

    def of_peers(self, of: Fleet, namespaces: int, app: int, stored: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """US dollars a month: AppConfig, Parameter Store of higher and of standard throughput, Secrets Manager."""
        to = (of, self.service.of, namespaces)
        uses = (
            peers.appconfig(*to, app),
            peers.parameter_store(*to, stored, standard=False),
            peers.parameter_store(*to, stored, standard=True),
            peers.secrets_manager(*to, stored),
        )
        first, second, third, fourth = map(self.prices.cost, uses)
        return first, second, third, fourth


def compute(template: Mapping[str, Any]) -> Costs:
    """The costs of prod, from the finished SAM template."""
    return Costs(expand_stage(dict(template), load_unfinished(STAGE)), load())
