"""Log lines are JSON objects, and lines below the least severity are not written."""

from __future__ import annotations

import io
import json

from configsvc.adapters.metrics import JsonLog


def test_a_log_line_is_one_json_object() -> None:
    stream = io.StringIO()
    JsonLog(stream, "info").line("warning", text="a\nb\u2028\u00e9", number=1.5, nothing=None)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {"level": "warning", "text": "a\nb\u2028\u00e9", "number": 1.5, "nothing": None}


def test_lines_below_the_least_severity_are_not_written() -> None:
    stream = io.StringIO()
    log = JsonLog(stream, "warning")
    for level in ("debug", "info", "warning", "error"):
        log.line(level)
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["warning", "error"]
