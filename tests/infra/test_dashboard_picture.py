"""docs/dashboard.svg is the dashboard that prod has, and everything in it can be read."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from infra.cloudformation.stage_templates import expand_stage
from infra.dashboard_picture import sample, svg
from infra.dashboard_picture.draw import TITLE_SIZE, place
from infra.dashboard_picture.picture import PICTURE, drawn, read_body
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import load_unfinished

_MOST = 160 * 1024
_SVG = "{http://www.w3.org/2000/svg}"
SHOWN = PICTURE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def widgets(built_package: Package) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_body(expand_stage(built_package.template, load_unfinished("prod")))["widgets"]
    return found


def list_texts() -> list[ET.Element]:
    return list(ET.fromstring(SHOWN).iter(f"{_SVG}text"))  # noqa: S314  # our own file


def test_the_picture_is_drawn_from_the_template_of_today(built_package: Package) -> None:
    assert drawn(built_package.template) == SHOWN, "Run `make dashboard-picture`."


def test_no_reference_is_left_in_the_picture() -> None:
    assert not [each.text for each in list_texts() if "${" in (each.text or "")]


def test_every_title_is_in_the_picture_and_fits_its_widget(widgets: list[dict[str, Any]]) -> None:
    titles = {each.text for each in list_texts()}
    for widget in widgets:
        title = widget["properties"].get("title")
        assert title is None or title in titles
        assert title is None or svg.measure(title, TITLE_SIZE) < place(widget).width


def test_every_text_is_within_one_widget(widgets: list[dict[str, Any]]) -> None:
    areas = [place(each) for each in widgets]
    for text in list_texts():
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        end = x + svg.measure(text.text or "", size)
        inside = [at for at in areas if at.x <= x and at.y < y < at.y + at.height and end <= at.x + at.width + size]
        assert len(inside) == 1, text.text


def test_texts_on_one_line_do_not_overlap() -> None:
    found = sorted(
        (float(each.attrib["y"]), float(each.attrib["x"]), float(each.attrib["font-size"]), each.text or "")
        for each in list_texts()
    )
    for (y, x, size, text), (below, right, _, _) in itertools.pairwise(found):
        assert y != below or x + svg.measure(text, size) <= right + 1, text


def test_each_table_has_rows_of_the_saved_query(widgets: list[dict[str, Any]]) -> None:
    tables = [each["properties"] for each in widgets if each["type"] == "log"]
    assert all(sample.answer(each["query"]) for each in tables)
    assert len(tables) == 6


def test_the_picture_is_small_and_asks_nobody() -> None:
    assert len(SHOWN.encode()) <= _MOST
    assert set(re.findall(r"https?://[^\s\"'<)]*", SHOWN)) == {"http://www.w3.org/2000/svg"}
    assert "${" not in SHOWN


def test_operations_shows_the_picture() -> None:
    section = (ROOT / "docs/OPERATIONS.md").read_text().partition("\n## The dashboard\n")[2].partition("\n## ")[0]
    assert "](dashboard.svg)" in section
    assert [line[2] for line in section.splitlines() if re.match(r"\| [1-5]\. ", line)] == list("12345")


def test_operations_names_only_widgets_that_there_are(widgets: list[dict[str, Any]]) -> None:
    section = (ROOT / "docs/OPERATIONS.md").read_text().partition("\n## The dashboard\n")[2].partition("\n## ")[0]
    titles = " ".join(str(each["properties"].get("title")) for each in widgets)
    named = set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", section))
    assert len(named) >= 6
    assert all(name in titles for name in named)


def test_a_text_is_cut_to_its_room() -> None:
    assert svg.cut("short", 100) == "short"
    cut = svg.cut("a text that is far too long", 100)
    assert cut.endswith("…")
    assert svg.measure(cut) <= 100


def test_the_sample_is_the_same_each_time() -> None:
    assert sample.make_series("Count", "Count") == sample.make_series("Count", "Count")
    assert sample.make_series("Invocations", "42", 0.1).values[:50] == (0.0,) * 50
