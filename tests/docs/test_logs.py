"""The operations guide has every saved query, quotes them word for word, and explains every member of a log line."""

from __future__ import annotations

import json
import re
from textwrap import dedent

from infra.cloudformation import access_log, queries
from infra.cloudformation.queries import PLACEHOLDERS, QUERIES
from tests.docs.test_operations import GUIDE
from tests.support.infra.sample_logs import make_request_log

LOGS = {queries.REQUESTS: "requests", queries.ACCESS: "access", queries.UPKEEP: "upkeep", queries.PROBE: "probe"}
METRICS = r"[A-Z][A-Za-z]+|_aws"  # what CloudWatch counts, which no query needs to name


def list_blocks() -> list[str]:
    """The fenced blocks without a language, which are queries."""
    blocks = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [dedent(text).strip() for _, language, text in blocks if not language]


def list_rows(heading: str) -> list[list[str]]:
    section = GUIDE.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def list_members() -> list[list[str]]:
    """The members of the two tables of lines, row by row."""
    return [re.findall(r"`([^`]+)`", row[0]) for row in list_rows("What is in a line")]


def test_every_query_that_is_quoted_is_a_saved_one() -> None:
    assert list_blocks()
    assert set(list_blocks()) <= {query.text for query in QUERIES}


def test_the_table_has_every_query_with_its_log_and_its_question() -> None:
    assert list_rows("Ask the logs") == [
        [
            f"`{query.name}`", LOGS[query.log], query.about,
            ", ".join(f"`{word}`" for word in PLACEHOLDERS if word in query.text),
        ]
        for query in QUERIES
    ]  # fmt: skip


def test_every_member_of_both_lines_is_explained() -> None:
    explained = {name for row in list_members() for name in row}
    lines = [json.loads(event.message) for event in make_request_log() if event.message.startswith("{")]
    written = {name for line in lines for name in line if not re.fullmatch(METRICS, name)}
    assert explained - {"Problems"} == written | json.loads(access_log.FORMAT).keys()
