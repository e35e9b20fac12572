"""Totals of a stage with a fleet, and of the fleet elsewhere, in US dollars a month."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from infra.cloudformation.stage_templates import expand_stage
from infra.costs import model, peers, shipped
from infra.costs.lines import measure
from infra.costs.model import Assumptions, Fleet, Service
from infra.costs.prices import PriceList, add, load
from infra.stage import Stage, load_unfinished

STAGE = "prod"


class Costs:
    """The costs of a stage.

    Args:
        template: the finished SAM template.
        stage: whose options it gets.
    """

    def __init__(self, template: Mapping[str, Any], prices: PriceList, stage: Stage) -> None:
        self._template, self._stage = template, stage
        self.expanded, self.prices = expand_stage(dict(template), stage), prices
        function, days = stage.function, Assumptions().days
        kept = Assumptions(log_months=max(1, stage.log_days // days))
        self.service = Service(measure(self.expanded), function.memory_mb, function.architecture, kept)
        self.fixed = shipped.fixed(self.expanded, self.service)

    def changed(self, **options: object) -> Costs:
        """The costs if the stage had these options instead."""
        return Costs(self._template, self.prices, self._stage.model_copy(update=options))

    def of_fleet(self, of: Fleet, namespaces: int, seconds: int) -> Decimal:
        """US dollars a month, with the fixed part."""
        return self.prices.cost(add(self.fixed, model.fleet(self.service, of, namespaces, seconds)))

    def of_one_more(self, seconds: int) -> Decimal:
        """US dollars a month for one more warm environment that reads one namespace."""
        return self.prices.cost(model.fleet(self.service, Fleet("one", 1), 1, seconds))

    def list_savings(self, of: Fleet) -> list[tuple[str, Decimal, str]]:
        """Changes that save: US dollars after each and after all, for a fleet with one namespace, and what is lost."""
        less: dict[str, object] = {"access_log": False, "log_days": 30, "detailed_metrics": False}
        silent, short, coarse = (self.changed(**{name: value}) for name, value in less.items())
        poll, seldom = 60, 300
        return [
            ("as shipped", self.of_fleet(of, 1, poll), ""),
            (
                f"consumers set `CONFIGSVC_POLL_SECONDS={seldom}`",
                self.of_fleet(of, 1, seldom),
                f"a change arrives after up to {seldom * 11 // 10} s",
            ),
            (
                "`access_log = false`",
                silent.of_fleet(of, 1, poll),
                "who polled, whom API Gateway itself refused, and the alarm `throttled`",
            ),
            ("`log_days = 30`", short.of_fleet(of, 1, poll), "who read and wrote more than a month ago"),
            ("`detailed_metrics = false`", coarse.of_fleet(of, 1, poll), "latency by route"),
            ("all four", self.changed(**less).of_fleet(of, 1, seldom), ""),
        ]

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
    return Costs(template, load(), load_unfinished(STAGE))
