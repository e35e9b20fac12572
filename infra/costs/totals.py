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

    def of_one_more(self, seconds: int) -> Decimal:
        """US dollars a month for one more warm environment that reads one namespace."""
        return self.prices.cost(model.fleet(self.service, Fleet("one", 1), 1, seconds))

    def list_savings(self, of: Fleet) -> list[tuple[str, Decimal, str]]:
        """Changes that save: US dollars after each and after all, for a fleet with one namespace, and what is lost."""
        lines, assumed = self.service.lines, self.service.of
        silent = self.service._replace(lines=lines._replace(access=0))
        short = self.service._replace(of=assumed._replace(log_months=1))
        both = silent._replace(of=short.of)
        detailed = self.prices.cost(shipped.detailed_metrics(self.expanded))
        poll, seldom = 60, 300
        return [
            ("as shipped", self._changed(self.service, of, poll), ""),
            (
                f"consumers set `CONFIGSVC_POLL_SECONDS={seldom}`",
                self._changed(self.service, of, seldom),
                f"a change arrives after up to {seldom * 11 // 10} s",
            ),
            (
                "`access_log = false`",
                self._changed(silent, of, poll),
                "who polled, and whom API Gateway itself refused",
            ),
            ("`log_days = 30`", self._changed(short, of, poll), "who read and wrote more than a month ago"),
            ("`detailed_metrics = false`", self._changed(self.service, of, poll) - detailed, "latency by route"),
            ("all four", self._changed(both, of, seldom) - detailed, ""),
        ]

    def _changed(self, service: Service, of: Fleet, seconds: int) -> Decimal:
        fixed = shipped.fixed(self.expanded, service)
        return self.prices.cost(add(fixed, model.fleet(service, of, 1, seconds)))

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
