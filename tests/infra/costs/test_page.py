"""docs/OPERATIONS.md says what the price list and the shipped template give, and so does every other document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from infra.cloudformation.stage_templates import expand_stage
from infra.costs import page, peers, shipped
from infra.costs.lines import measure, render_access
from infra.costs.markdown import dollars
from infra.costs.model import FLEETS, NAMESPACES, Assumptions, Service, fleet
from infra.costs.prices import add
from infra.costs.totals import Costs, compute
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import Probe, load_unfinished

DOCUMENT = page.PAGE.read_text(encoding="utf-8")
_CODE = re.compile(r"```.*?```|`[^`]*`|<!-- make cost-docs.*?<!-- to here -->", re.DOTALL)
_QUOTED = re.compile(r"\$ ?([0-9][0-9.,]*[0-9]|[0-9])")


@pytest.fixture(scope="module")
def costs(built_package: Package) -> Costs:
    return compute(built_package.template)


def test_the_document_says_what_the_template_and_the_price_list_give(costs: Costs) -> None:
    assert page.replace(DOCUMENT, page.render(costs)) == DOCUMENT, "Run `make cost-docs`."


def test_the_section_holds_nothing_but_what_is_computed() -> None:
    section = DOCUMENT.partition("\n## What it costs\n")[2].partition("\n## ")[0].strip()
    assert section.startswith(page.BEGIN)
    assert section.endswith(page.END)
    assert section.count(page.END) == 1


def test_every_price_quoted_elsewhere_is_of_the_list(costs: Costs) -> None:
    prices = costs.prices
    versions = prices.cost(shipped.by_version(costs.expanded)).quantize(Decimal(1))
    known = {*(Decimal(tier.usd) for each in prices.prices.values() for tier in each.tiers), versions}
    assert {(name, quoted) for name, quoted in _quoted() if quoted not in known} == set()


def _quoted() -> Iterator[tuple[str, Decimal]]:
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("infra/stages/*.toml")]
    for path in paths:
        for found in _QUOTED.finditer(_CODE.sub("", path.read_text(encoding="utf-8"))):
            yield path.name, Decimal(found[1].replace(",", ""))


def test_prices_quoted_elsewhere_are_found() -> None:
    assert {name for name, _ in _quoted()} >= {"OPERATIONS.md", "prod.toml"}


def test_a_metric_math_alarm_counts_with_every_metric(costs: Costs) -> None:
    counted = shipped.count_alarm_metrics(costs.expanded)
    assert counted["CanaryErrorsAlarm"] == 4
    assert counted["CanaryLatencyAlarm"] == 5
    assert counted["ServerErrorsAlarm"] == 1
    alarms = [each for each in costs.expanded["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(counted) == len(alarms)


def test_the_parts_of_a_stage_sum_up_to_its_fixed_part(costs: Costs) -> None:
    parts = [costs.prices.cost(part.use) for part in shipped.list_parts(costs.expanded, costs.service)]
    assert sum(parts) == costs.prices.cost(costs.fixed)
    assert all(part > 0 for part in parts)


def test_what_is_said_of_the_other_stores_holds(costs: Costs) -> None:
    warm, changing, cold, _ = FLEETS
    ours = {of: costs.of_fleet(of, 1, 60) for of in FLEETS}
    app = {of: costs.of_peers(of, 1, 60, 60)[0] for of in FLEETS}
    stored = {of: costs.of_peers(of, 1, 60, peers.EXTENSION_SECONDS)[3] for of in FLEETS}
    assert app[warm] < ours[warm] / 10
    assert app[changing] > ours[changing]
    assert app[cold] > ours[cold] * 10
    assert stored[warm] < ours[warm]
    assert stored[cold] < ours[cold]
    assert costs.of_peers(warm, 1, 60, 60)[3] == pytest.approx(ours[warm], rel=Decimal("0.15"))
    assert costs.of_peers(warm, 5, 60, 60)[3] > costs.of_fleet(warm, 5, 60) * 3
    few = warm._replace(warm=5)
    app_few, _, standard, secret = costs.of_peers(few, 1, 60, 60)
    assert peers.parameter_calls(few, costs.service.of, 1, 60) / costs.service.of.seconds < peers.STANDARD_CALLS
    assert max(app_few, standard, secret) < costs.of_fleet(few, 1, 60)


def test_each_saving_saves_and_all_of_them_save_most(costs: Costs) -> None:
    shipped_, *savings, together = (amount for _, amount, _ in costs.list_savings(FLEETS[0]))
    assert shipped_ == costs.of_fleet(FLEETS[0], 1, 60)
    assert savings[0] == costs.of_fleet(FLEETS[0], 1, 300)
    assert together < min(savings) <= max(savings) < shipped_


@pytest.mark.parametrize("option", ["access_log", "log_days", "detailed_metrics"])
def test_a_saving_is_what_the_stage_costs_without_the_option(costs: Costs, built_package: Package, option: str) -> None:
    [(change, amount)] = [(change, amount) for change, amount, _ in costs.list_savings(FLEETS[0]) if option in change]
    value = {"false": False, "30": 30}[change.strip("`").rpartition(" = ")[2]]
    stage = load_unfinished("prod").model_copy(update={option: value})
    expanded = expand_stage(built_package.template, stage)
    months = Assumptions(log_months=1 if option == "log_days" else 12)
    service = Service(measure(expanded), stage.function.memory_mb, stage.function.architecture, months)
    used = add(shipped.fixed(expanded, service), fleet(service, FLEETS[0], 1, 60))
    assert amount == costs.prices.cost(used)


@pytest.mark.parametrize(
    ("options", "gone"),
    [({"probe": Probe(enabled=False)}, {"probe"}), ({"scheduled": False}, {"probe", "heartbeat", "upkeep"})],
    ids=["no probe", "no schedules"],
)
def test_a_stage_pays_for_no_run_that_it_does_not_have(
    costs: Costs, built_package: Package, options: dict[str, Any], gone: set[str]
) -> None:
    expanded = expand_stage(built_package.template, load_unfinished("prod").model_copy(update=options))
    runs = {"probe", "heartbeat", "upkeep"}
    left = {part.about.partition(":")[0] for part in shipped.list_parts(expanded, costs.service)}
    assert left & runs == runs - gone


def test_a_stage_without_a_probe_has_none_of_its_metrics(costs: Costs, built_package: Package) -> None:
    stage = load_unfinished("prod").model_copy(update={"probe": Probe(enabled=False)})
    without = shipped.standing(expand_stage(built_package.template, stage))
    fewer = shipped.standing(costs.expanded)["custom_metrics"] - without["custom_metrics"]
    assert fewer == len(shipped.PROBE_METRICS)


def test_one_more_environment_is_the_difference_between_two_fleets(costs: Costs) -> None:
    grown = FLEETS[0]._replace(warm=FLEETS[0].warm + 1)
    more = costs.of_fleet(grown, 1, 60) - costs.of_fleet(FLEETS[0], 1, 60)
    assert costs.of_one_more(60) == pytest.approx(more, rel=Decimal("0.05"))


def test_the_settings_that_save_exist(costs: Costs) -> None:
    options = (ROOT / "infra/stages/prod.toml").read_text() + (ROOT / "docs/CLIENT.md").read_text()
    names = re.findall(r"`(\w+) ?=", " ".join(change for change, _, _ in costs.list_savings(FLEETS[0])))
    assert len(names) == 4
    assert all(re.search(rf"\b{name}\b", options) for name in names)


def test_the_fleets_of_the_document_never_get_cheaper_with_namespaces(costs: Costs) -> None:
    for of in FLEETS:
        amounts = [costs.of_fleet(of, many, 60) for many in NAMESPACES]
        assert amounts == sorted(amounts)


def test_a_line_of_the_access_log_is_measured_as_rendered(costs: Costs) -> None:
    stage: dict[str, Any]
    [stage] = [each for each in costs.expanded["Resources"].values() if each["Type"] == "AWS::ApiGateway::Stage"]
    rendered = render_access(stage["Properties"]["AccessLogSetting"]["Format"])
    assert "$context" not in rendered
    assert measure(costs.expanded).access == len(rendered)
    assert len(rendered) > 200


def test_a_variable_without_a_sample_is_refused() -> None:
    assert render_access('{"a":"$context.status"}') == '{"a":"200"}\n'
    with pytest.raises(KeyError, match="nobodyKnows"):
        render_access('{"a":"$context.nobodyKnows"}')


def test_a_stage_without_an_access_log_writes_no_line(costs: Costs) -> None:
    assert measure({"Resources": {}}).access == 0
    assert measure({"Resources": {}}).request == costs.service.lines.request


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0", "0.00"), ("0.0451", "0.0451"), ("0.125", "0.13"), ("99.994", "99.99"), ("1234.5", "1,235")],
)
def test_amounts_are_rounded_by_their_size(amount: str, written: str) -> None:
    assert dollars(Decimal(amount)) == written


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks"):
        page.replace("nothing", "text")


def test_a_write_is_assumed_as_large_as_the_document_computes(costs: Costs) -> None:
    assert f"\n| put of 200 bytes, sealed | {costs.service.of.write_units} |" in DOCUMENT
