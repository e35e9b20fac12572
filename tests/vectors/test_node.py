"""An independent implementation with Node's WebCrypto, written from docs/ENVELOPE.md."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "envelopes.json").read_text())
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: apt-get install nodejs")


@pytest.fixture(scope="module")
def node() -> dict[str, Any]:
    """Node's result for each vector."""
    assert NODE
    command = [NODE, str(HERE / "open.mjs"), str(HERE / "envelopes.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_node_derives_the_same_kids(node: dict[str, Any]) -> None:
    assert node["kids"] == [vector["kid"] for vector in VECTORS["kids"]]


def test_node_opens_every_envelope_that_must_open(node: dict[str, Any]) -> None:
    assert node["opens"] == [{"opened": vector["plaintext"]} for vector in VECTORS["opens"]]


def test_node_refuses_every_hostile_envelope(node: dict[str, Any]) -> None:
    names = [vector["name"] for vector in VECTORS["refused"]]
    opened = [name for name, outcome in zip(names, node["refused"], strict=True) if "refused" not in outcome]
    assert opened == []


def test_node_opens_a_two_key_ciphertext_only_under_its_kid(node: dict[str, Any]) -> None:
    for vector, (first, second) in zip(VECTORS["opens_under_two_keys"], node["opens_under_two_keys"], strict=True):
        assert first == {"opened": vector["plaintexts"][0]}
        assert "refused" in second
