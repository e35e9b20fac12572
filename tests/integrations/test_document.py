"""docs/INTEGRATIONS.md shows the examples as they are in the tree."""

from __future__ import annotations

import re

from tests.integrations.running import EXAMPLES, ROOT

PAGE = (ROOT / "docs" / "INTEGRATIONS.md").read_text()
SHOWN = re.findall(r"^\[(\S+)\]\(\.\./examples/integrations/\1\)\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_block_is_the_file_it_names() -> None:
    assert {name for name, text in SHOWN if text != (EXAMPLES / name).read_text()} == set()
    assert len(SHOWN) == PAGE.count("```") / 2


def test_every_example_is_shown_once() -> None:
    examples = sorted(each.name for each in EXAMPLES.iterdir() if each.is_file())
    assert sorted(name for name, _ in SHOWN) == examples
