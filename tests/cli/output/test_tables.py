"""Tables on terminals of any width: nothing is wider than the terminal, and no word that fits is cut."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from configsvc_client.cli.output import escaping, layout, words
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

ROLE = "arn:aws:sts::123456789012:assumed-role/Role/session"
NOW = datetime(2027, 3, 10, 0, 30, tzinfo=UTC)
STYLES = re.compile(r"\x1b\[[0-9;]*m")

_word = st.one_of(
    st.text("abcdefghij0123456789.-_/:", min_size=1, max_size=40),
    st.text(min_size=1, max_size=12),
    st.sampled_from(
        ("漢字かな交じり", "😀👍🏽❤️", "a" * 90, "payments.database.password.primary", ROLE, "2027-01-15T08:00:00Z")
    ),
)
_cell = st.lists(_word, max_size=6).map(" ".join).map(escaping.escape_cell)
_tables = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.lists(st.sampled_from(("key", "content type", "revision", "what to do")), min_size=count, max_size=count),
        st.lists(st.lists(_cell, min_size=count, max_size=count), min_size=1, max_size=4),
    )
)


@given(_cell, st.integers(8, 200))
@example(f"{ROLE} may write", 24)
@example("  leading and  double blanks", 10)
def test_folding_cuts_no_word_that_fits_and_loses_nothing(text: str, width: int) -> None:
    lines = layout.fold(text, width)
    assert all(layout.measure_widest([line]) <= width for line in lines)
    assert re.sub(" ", "", text) == re.sub(" ", "", "".join(lines))
    whole = {word for line in lines for word in line.split(" ")}
    assert {word for word in text.split(" ") if 0 < layout.measure_widest([word]) <= width} <= whole


@given(_tables, st.integers(24, 200))
@example((["key", "key"], [["", "00000000000000000000000/0"]]), 24)
def test_no_line_is_wider_than_the_terminal_and_every_cell_is_there(
    table: tuple[list[str], list[list[str]]], width: int
) -> None:
    headings, rows = table
    widths = layout.fit_columns(headings, rows, width)
    if widths is not None:
        assert sum(widths) + layout.GAP * (len(widths) - 1) <= width
        for at, each in enumerate(widths):
            assert layout.measure_longest_part([headings[at], *(row[at] for row in rows)], width) <= each
        return
    for row, lines in zip(rows, layout.lay_out_records(headings, rows, width), strict=True):
        assert all(layout.measure_widest([label + text]) <= width for label, text in lines)
        shown = "".join(text for _, text in lines).replace(" ", "")
        assert shown == "".join(row).replace(" ", "")


def test_word_wider_than_terminal_keeps_the_table_a_table() -> None:
    keys = ["db.password", "k" * 90]
    assert layout.fit_columns(("key", "form"), [(key, "envelope") for key in keys], 80) == [70, 8]
    assert layout.fit_columns(("key", "form"), [(key, "envelope") for key in [*keys, "k" * 75]], 80) is None


def test_first_column_is_widened_if_that_saves_lines() -> None:
    headings = ("key", "form", "content type", "active", "latest", "revision", "state")
    row = (
        "payments.service1.database.replica.password",
        "envelope",
        "application/json",
        "1",
        "1",
        "3",
        "served, overdue",
    )
    widths = layout.fit_columns(headings, [row], 80)
    assert widths
    assert layout.fold(row[0], widths[0]) == ["payments.service1.", "database.replica.", "password"]


def _cells(text: str) -> int:
    """Counts the cells of a text without combining characters, by Unicode's East Asian Width (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


@pytest.mark.parametrize("text", ["漢字かな交じり", "plain.text", "😀", "한글"])
def test_a_wide_character_takes_two_cells(text: str) -> None:
    assert layout.measure_widest([text]) == _cells(text)


def test_folded_line_continues_indented() -> None:
    assert layout.fold_hanging('+ policy."payments.*" plain = ["limits.*", "log.level"]', 30) == [
        '+ policy."payments.*" plain =', '  ["limits.*", "log.level"]',
    ]  # fmt: skip
    assert layout.fold_hanging("short", 30) == ["short"]


def test_words_are_cut_at_dots_before_dashes_and_times_are_not_cut() -> None:
    assert layout.fold("payments.database-main.password", 16) == ["payments.", "database-main.", "password"]
    assert layout.fold("database-password_of_the_primary", 16) == ["database-", "password_of_the_", "primary"]
    assert layout.fold("http://127.0.0.1:8080/stage/v1", 16) == ["http://", "127.0.0.1:8080/", "stage/v1"]
    assert layout.fold("I-_3eQ0qZxhc2sFB5wqOcZxgy", 16) == ["I-_3eQ0qZxhc2sFB", "5wqOcZxgy"]
    assert layout.fold("at 2027-01-15T08:00:00.123Z by me", 24) == ["at", "2027-01-15T08:00:00.123Z", "by me"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2027-03-10T00:29:58.000Z", "just now"),
        ("2027-03-10T00:29:15.000Z", "45 s ago"),
        ("2027-03-10T00:18:00.000Z", "12 min ago"),
        ("2027-03-09T22:30:00.000Z", "2 h ago"),
        ("2027-03-09T00:20:00.000Z", "yesterday"),
        ("2027-03-08T23:50:00.000Z", "2 days ago"),
        ("2027-02-24T12:00:00.000Z", "14 days ago"),
        ("2026-12-31T23:00:00.000Z", "2026-12-31"),
        ("2027-03-10T00:31:00.000Z", "2027-03-10T00:31:00.000Z"),
        ("", ""),
        ("not a time", "not a time"),
        ("0001-01-01T00:00:00Z", "0001-01-01"),
    ],
)
def test_past_times_are_relative_to_now(text: str, said: str) -> None:
    assert words.describe_age(text, NOW, lambda time: time.astimezone(UTC)) == said


def test_yesterday_follows_the_local_time_zone() -> None:
    said = words.describe_age(
        "2027-03-08T23:50:00.000Z", NOW, lambda time: time.astimezone(timezone(timedelta(hours=-8)))
    )
    assert said == "yesterday"  # 15:50 on the 8th; it is 16:30 on the 9th


@pytest.mark.parametrize(
    ("text", "now", "said"),
    [
        ("2027-03-26T22:30:00Z", "2027-03-29T10:00:00Z", "3 days ago"),  # 23:30 on the 26th, in winter time
        ("2027-10-29T22:30:00Z", "2027-11-01T10:00:00Z", "2 days ago"),  # 00:30 on the 30th, in summer time
        ("2027-01-31T23:30:00Z", "2027-07-01T10:00:00Z", "2027-02-01"),  # 00:30 on the 1st
    ],
)
def test_days_are_calendar_days_across_clock_changes(text: str, now: str, said: str) -> None:
    # The time zone cannot be set for one call, so a new process is used.
    code = (
        "import sys; from datetime import datetime; from configsvc_client.cli.output import words; "
        "now = datetime.fromisoformat(sys.argv[2]).astimezone(); print(*words.shorten_times(now)([sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, text, now],
        env={"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == said


def test_principals_are_short_unless_two_would_look_the_same() -> None:
    user, key = "arn:aws:iam::123456789012:user/team/ann", "api-key:a1b2"
    assert words.shorten_principals([ROLE, user, key, "", "arn:aws:iam::123456789012:root"]) == [
        "Role/session", "user/ann", key, "", "root",
    ]  # fmt: skip
    other = ROLE.replace("123456789012", "210987654321")
    assert words.shorten_principals([ROLE, other]) == ["123456789012:Role/session", "210987654321:Role/session"]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "widest"), [(80, 80), (24, 24), (0, 80)])
def test_every_table_fits_the_terminal(
    service: Loopback, namespace: str, tmp_path: Path, width: int, widest: int
) -> None:
    writer = Shell(service.environ("writer", namespace))
    key = "payments.database.replica.password"
    writer.ok("put", key, "-", "--rotate-by", "2026-01-31", given="x")
    writer.ok("put", "log.level", "info", "--plain", "-m", "a message that takes more than one line of a terminal")
    file = tmp_path / "f.json"
    file.write_text(json.dumps({key: "y"}))
    admin = Shell(service.environ("admin", namespace))
    commands = [
        (writer, ("list",)), (writer, ("list", "--long")), (writer, ("history", key)), (writer, ("log",)),
        (writer, ("log", "--long")), (admin, ("grants",)), (writer, ("namespace", "list", namespace)),
        (writer, ("namespace", "show")), (writer, ("data-key", "list")), (writer, ("doctor",)),
        (writer, ("diff", "--from", "2")), (writer, ("import", str(file), "--dry-run")),
        (writer, ("copy", "payments.*", "--to", service.namespace(f"{namespace}.to"), "--dry-run")),
        (writer, ("rollback", "--to-revision", "3", "--dry-run")),
    ]  # fmt: skip
    for shell, command in commands:
        done = shell.on_terminal(*command, width=width)
        lines = [STYLES.sub("", line) for line in done.out.splitlines()]
        assert done.code == 0, done
        table = [line for line in lines if not line.startswith((namespace, "Nothing was"))]  # sentences do not fold
        assert max(map(_cells, table)) <= widest, (command, done.out)
    piped = writer.but(COLUMNS="24").ok("list", "-o", "plain")
    assert all(line.count("\t") >= 5 for line in piped.splitlines())


def test_times_and_principals_are_short_on_a_terminal_only(service: Loopback, namespace: str) -> None:
    shell = Shell(service.environ("writer", namespace))
    shell.ok("put", "k", "v", "--plain")
    arn = "arn:aws:iam::123456789012:user/writer"
    for command in (("history", "k"), ("log",)):
        shown = STYLES.sub("", shell.on_terminal(*command).out)
        assert "user/writer" in shown
        assert arn not in shown
        assert "ago" in shown or "just now" in shown
    assert arn in STYLES.sub("", shell.on_terminal("log", "--long", width=200).out)
    assert all(arn in shell.ok("log", "-o", each) for each in ("plain", "table"))
