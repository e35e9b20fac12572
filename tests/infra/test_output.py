"""A command whose output nobody reads any more works on to its end, and prints no traceback."""

from __future__ import annotations

import subprocess
import sys

from infra.paths import ROOT

_COMMAND = """
import sys
from infra.output import say
for number in range(20_000):
    say(f"line {number}")
print("worked to its end", file=sys.stderr)
"""


def test_a_reader_that_stops_reading_ends_no_command() -> None:
    started = subprocess.Popen(
        (sys.executable, "-c", _COMMAND), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout
    assert started.stderr
    assert started.stdout.readline() == "line 0\n"
    started.stdout.close()
    assert started.stderr.read() == "worked to its end\n"
    assert started.wait(30) == 0
    started.stderr.close()
