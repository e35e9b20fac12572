"""The section "What it costs" of docs/OPERATIONS.md: every number in it is computed here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from infra.costs import model, peers, shipped
from infra.costs.markdown import bullets, dollars, number, table, wrap
from infra.costs.model import FLEETS, NAMESPACES, Fleet
from infra.costs.prices import times
from infra.costs.totals import Costs, compute
from infra.paths import ROOT

BEGIN, END = "<!-- make cost-docs writes from here -->", "<!-- to here -->"
PAGE = ROOT / "docs/OPERATIONS.md"
TEMPLATE = ROOT / "build/service/template.json"
_MILLION = 10**6
_POLL = 60


class _Intervals(NamedTuple):
    """Seconds from one read to the next: ours, of AppConfig, and of Parameter Store and Secrets Manager."""

    ours: int
    app: int
    stored: int


def render(costs: Costs) -> str:
    """The section, between its marks."""
    parts = [
        *_about(costs), *_fixed(costs), *_left_out(), *_million(costs), *_fleets(costs), *_savings(costs),
        *_compared(costs), *_prices(costs),
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def replace(page: str, text: str) -> str:
    """The page with the text between the marks.

    Raises:
        ValueError: the page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has no marks of `make cost-docs`.")
    return f"{before}{BEGIN}\n{text}{END}{after}"


def main() -> None:
    costs = compute(json.loads(TEMPLATE.read_text(encoding="utf-8")))
    PAGE.write_text(replace(PAGE.read_text(encoding="utf-8"), render(costs)), encoding="utf-8")
    print(PAGE.name)


def _about(costs: Costs) -> Iterator[str]:
    of, lines = costs.service.of, costs.service.lines
    yield from wrap(
        f"List prices of {costs.prices.region} on {costs.prices.date}, in US dollars and without free tiers; check "
        f"yours. A month has {of.days} days. The stage is `prod` as shipped: {costs.service.architecture}, "
        f"{costs.service.memory_mb:,} MB, access log and detailed metrics on, polls not traced. `make cost-docs` "
        "writes this section, from `infra/costs/prices.toml` and the assumptions in `infra/costs/model.py`:"
    )
    yield ""
    yield from bullets(
        f"An unchanged poll takes the function {of.poll_ms} ms, a snapshot {of.snapshot_ms} ms, a write {of.write_ms} "
        f"ms and {of.write_units} write units. {of.warm} instances of the service are warm.",
        f"A namespace has {of.keys} keys, {of.secrets} of them secret, and a snapshot of {of.snapshot_bytes / 1000:g} "
        "KB. All namespaces of a consumer come in one request.",
        f"A request writes {lines.report} bytes of Lambda's own lines and {lines.access} bytes of access log, and "
        f"unless it is an unchanged poll, {lines.request} bytes of request log. Logs are kept for {of.log_months} "
        f"months and compressed to {of.log_kept * 100:.0f} %.",
        f"A fleet's environments share {of.api_keys} API keys. A data key is unwrapped at the cold start, and when "
        "something changed, at most every hour.",
        "What API Gateway sends is charged as if it went to the internet.",
    )
    yield ""


def _fixed(costs: Costs) -> Iterator[str]:
    rows = [[part.about, dollars(costs.prices.cost(part.use))] for part in _parts(costs)]
    total = costs.prices.cost(costs.fixed)
    yield from wrap(f"**With nobody reading it**, the stage costs ${dollars(total)} a month:")
    yield ""
    yield from table(["a month", "$"], [*rows, ["**together**", f"**{dollars(total)}**"]])
    yield ""


def _left_out() -> Iterator[str]:
    """Charges that depend on options that prod does not set, or on what lies outside the stack."""
    yield from wrap(
        "Not in these numbers, and charged by AWS where you have them: `provisioned_concurrency`, `snapstart`, a WAF, "
        "the VPC endpoints of a private API or of the probe's subnets, a Route 53 zone, replicas of the KMS key, and "
        "the deployments bucket. After each of its first two yearly rotations, the KMS key costs as much again."
    )
    yield ""


def _parts(costs: Costs) -> list[shipped.Part]:
    return shipped.list_parts(costs.expanded, costs.service)


def _million(costs: Costs) -> Iterator[str]:
    """Requests by the million, and what one poll consists of."""
    service = costs.service
    yield "**One million unchanged polls (304)** of one namespace:"
    yield ""
    use = {name: units for name, units in times(service.poll(), _MILLION).items() if units}
    rows = [
        [costs.prices.prices[name].about, number(units), dollars(costs.prices.prices[name].cost(units))]
        for name, units in use.items()
    ]
    yield from table(["", "units", "$"], [*rows, ["**together**", "", f"**{dollars(costs.prices.cost(use))}**"]])
    yield ""
    yield "**One million requests**, in $:"
    yield ""
    kinds = (
        ("unchanged polls", service.poll), ("changed snapshots", service.snapshot),
        ("cold starts of a consumer", service.cold_start), ("writes", lambda _: service.write()),
    )  # fmt: skip
    counted = [
        [name, *(dollars(costs.prices.cost(times(used(many), _MILLION))) for many in NAMESPACES)]
        for name, used in kinds
    ]
    yield from table(["", *(_name_namespaces(many) for many in NAMESPACES)], counted)
    yield ""


def _fleets(costs: Costs) -> Iterator[str]:
    yield "**Whole fleets**, in $ a month with the fixed part, polling every 60 s, or every 300 s:"
    yield ""
    rows = [
        [of.name, *(dollars(costs.of_fleet(of, many, seconds)) for seconds in (60, 300) for many in NAMESPACES)]
        for of in FLEETS
    ]
    head = [f"{seconds} s, {_name_namespaces(many)}" for seconds in (60, 300) for many in NAMESPACES]
    yield from table(["", *head], rows)
    yield ""
    warm = FLEETS[0]
    polls = Decimal(warm.warm * costs.service.of.seconds) / _POLL
    gateway = costs.prices.prices["rest_requests"].cost(polls) / costs.of_fleet(warm, 1, _POLL) * 100
    traced = costs.prices.prices["traces"].cost(model.default_traces(polls, costs.service.of))
    yield from wrap(
        f"{warm.name} send {polls / _MILLION:.1f} M polls a month at {_POLL} s. API Gateway is {gateway:.0f} % of the "
        "cost, so the poll interval sets it, and more namespaces hardly add to it. If X-Ray traced polls as it does by "
        f"default, it would add ${dollars(traced)}."
    )
    yield ""


def _savings(costs: Costs) -> Iterator[str]:
    """The price of one more environment, and the changes that save."""
    often, seldom = (dollars(costs.of_one_more(seconds)) for seconds in (60, 300))
    warm = FLEETS[0]
    yield from wrap(
        f"**One more warm environment** with one namespace costs ${often} a month at 60 s, and ${seldom} at 300 s. The "
        "client polls when a value is read and its interval, give or take a tenth, is over. An environment that is "
        "idle, or frozen by Lambda, polls less, so the fleets above show the most that they can cost."
    )
    yield ""
    yield from wrap(f"**To pay less**, for {warm.name} with one namespace, each change by itself:")
    yield ""
    rows = [[change, dollars(amount), lost] for change, amount, lost in costs.list_savings(warm)]
    yield from table(["change", "$ a month", "what you lose"], rows)
    yield ""
    yield from wrap(
        "The fixed part is paid once a stage, so a few consumers save most by sharing one: namespaces and grants keep "
        "them apart. The free tier of an account comes off all this, as far as nothing else uses it: each month, among "
        "others, 10 alarm metrics, 10 custom metrics, 5 GB of logs, 20,000 KMS requests, and a million requests and "
        "400,000 GB-seconds of Lambda."
    )
    yield ""


def _compared(costs: Costs) -> Iterator[str]:
    yield "**Beside AWS's own stores**, in $ a month. First, everybody reads every 60 s:"
    yield ""
    yield from _peers(costs, _Intervals(_POLL, _POLL, _POLL))
    yield ""
    yield from wrap(
        f"Then each at its own default: configsvc {_POLL} s, the AppConfig Agent {peers.AGENT_SECONDS} s, and the "
        f"Parameters and Secrets extension {peers.EXTENSION_SECONDS} s:"
    )
    yield ""
    yield from _peers(costs, _Intervals(_POLL, peers.AGENT_SECONDS, peers.EXTENSION_SECONDS))
    yield ""
    yield from bullets(*_verdicts(costs))
    yield ""


def _peers(costs: Costs, every: _Intervals) -> Iterator[str]:
    head = [
        "", "configsvc", "AppConfig", "Parameter Store, higher throughput", "the same, standard", "its calls a second",
        "Secrets Manager",
    ]  # fmt: skip
    yield from table(head, (_peer_row(costs, of, many, every) for of in FLEETS for many in NAMESPACES))


def _peer_row(costs: Costs, of: Fleet, many: int, every: _Intervals) -> list[str]:
    appconfig, higher, standard, secrets = (dollars(each) for each in costs.of_peers(of, many, every.app, every.stored))
    calls = peers.parameter_calls(of, costs.service.of, many, every.stored) / costs.service.of.seconds
    stored = [
        amount if calls <= most else "refused"
        for amount, most in ((higher, peers.HIGHER_CALLS), (standard, peers.STANDARD_CALLS))
    ]
    name = f"{of.name}, {_name_namespaces(many)}"
    return [name, dollars(costs.of_fleet(of, many, every.ours)), appconfig, *stored, f"{calls:.1f}", secrets]


def _verdicts(costs: Costs) -> Iterator[str]:
    warm, changing, cold, _ = FLEETS
    ours = {of: dollars(costs.of_fleet(of, 1, _POLL)) for of in (warm, changing, cold)}
    app = {of: dollars(costs.of_peers(of, 1, _POLL, _POLL)[0]) for of in (warm, changing, cold)}
    secret = {of: dollars(costs.of_peers(of, 1, _POLL, peers.EXTENSION_SECONDS)[3]) for of in (warm, cold)}
    yield (
        f"**AppConfig** is far cheaper for environments that stay warm while nothing changes: ${app[warm]} against "
        f"${ours[warm]} for {warm.name} and one namespace. It charges every configuration received, so ten changes a "
        f"day bring it to ${app[changing]} against ${ours[changing]}, and {cold.cold_starts / _MILLION:.0f} M cold "
        f"starts to ${app[cold]} against ${ours[cold]}. It is not made for secrets."
    )
    yield (
        f"**Secrets Manager**, with one secret of JSON for each namespace and the extension's "
        f"{peers.EXTENSION_SECONDS} s, is cheaper for one namespace: ${secret[warm]} against ${ours[warm]}, or "
        f"${secret[cold]} against "
        f"${ours[cold]} for the cold starts. It charges every read of every secret, changed or not, so every 60 s it "
        "costs as much as configsvc, and several times that for five namespaces or with a secret for each value."
    )
    yield (
        "**Parameter Store** is free for plain values within its standard throughput. Each SecureString that is read "
        "costs a Decrypt, and with higher throughput each parameter that is read has a price, too. A namespace is too "
        "large for one parameter, which holds 4 KB, or 8 KB at a price, so each key is one. They are read with "
        f"GetParametersByPath, {peers.PAGE} keys a call. `refused` means more calls a second on average than the "
        f"account's quota, {peers.STANDARD_CALLS} with standard and {peers.HIGHER_CALLS} with higher throughput; below "
        "it, environments that start together are still throttled. GetParameters, which takes names instead of a path, "
        "has a quota of 1,000 with higher throughput, at the same price."
    )
    yield (
        "A small stage pays the fixed part: for a few environments each of the three is cheaper, Parameter Store with "
        "standard throughput."
    )


def _prices(costs: Costs) -> Iterator[str]:
    yield from wrap(
        "**The price list.** `yes`: public texts of third parties give the same price. AWS's own price list was not "
        "asked."
    )
    yield ""
    rows = [
        [price.about, _describe_tiers(price.tiers), f"{price.of:,}", price.source, "yes" if price.compared else "no"]
        for price in costs.prices.prices.values()
    ]
    yield from table(["what", "$", "for", "source: AWS's page", "compared"], rows)


def _describe_tiers(tiers: Sequence[Any]) -> str:
    return ", ".join(
        f"{tier.usd} up to {tier.up_to / _MILLION:,.0f} M" if tier.up_to else f"{tier.usd}" for tier in tiers
    )


def _name_namespaces(many: int) -> str:
    return "1 namespace" if many == 1 else f"{many} namespaces"
