"""Every link in the documents leads somewhere, and every file that a document or a docstring names exists."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = frozenset(
    subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S607
)
DOCUMENTS = sorted(name for name in TRACKED if name.endswith(".md"))
TESTS = sorted(name for name in TRACKED if re.fullmatch(r"tests/.*\.py", name))
SOURCES = sorted(name for name in TRACKED - {*TESTS} if re.search(r"\.(?:py|toml|yaml)$|^Makefile$", name))
FOLDERS = frozenset(str(parent) for name in TRACKED for parent in Path(name).parents)

_CODE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!\[)`[^`\n]*`(?!\])")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(
    r"(?<![\w./<-])((?:\.ci|bench|client|configsvc|docs|examples|infra|local|scripts|tests|tools)/"
    r"[\w./-]*\.(?:env|json|md|mjs|py|svg|toml|txt|yaml)|[A-Z][A-Z_]+\.md)(?![\w*<{…-])"
)


def links(text: str) -> Iterator[str]:
    """The targets of the links to this repository."""
    yield from (
        target for target in _LINK.findall(_SPAN.sub("", _CODE.sub("", text))) if not re.match(r"[a-z]+:", target)
    )


def paths(text: str) -> list[str]:
    """The files and folders of this repository that a text names."""
    return [match[1] for match in _PATH.finditer(text)]


def docstrings(name: str) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions."""
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


@cache
def anchors(document: str) -> frozenset[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", (ROOT / document).read_text(encoding="utf-8")), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return frozenset(re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain)


def is_dangling(document: str, target: str) -> bool:
    """Whether a link leads to a file or a heading that does not exist."""
    path, _, anchor = target.partition("#")
    found = (ROOT / document).parent.joinpath(path).resolve() if path else ROOT / document
    name = found.relative_to(ROOT).as_posix()
    return not exists(name) or bool(anchor and anchor not in anchors(name))


def exists(name: str) -> bool:
    """Whether a file or folder of that name is in the repository; documents are named without their folder, too."""
    bare = name.rstrip("/")
    return bare in TRACKED or bare in FOLDERS or f"docs/{bare}" in TRACKED


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [each for each in links(text) if is_dangling(document, each)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    named, beside = paths((ROOT / document).read_text(encoding="utf-8")), Path(document).parent
    assert [each for each in named if not exists(each) and not exists((beside / each).as_posix())] == []


def test_every_file_that_the_sources_name_exists() -> None:
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in SOURCES}
    named = [(name, each) for name, text in texts.items() for each in paths(text)]
    assert [(name, each) for name, each in named if not exists(each)] == []


def test_every_file_that_a_docstring_of_a_test_names_exists() -> None:
    named = [(name, each) for name in TESTS for text in docstrings(name) for each in paths(text)]
    assert [(name, each) for name, each in named if not exists(each)] == []


def test_a_dangling_link_is_found() -> None:
    assert list(links("[a](docs/NONE.md#x) [b](https://example.com) [c](#d)")) == ["docs/NONE.md#x", "#d"]
    assert is_dangling("README.md", "docs/NONE.md")
    assert is_dangling("README.md", "docs/CLIENT.md#no-such-heading")
    assert not is_dangling("docs/CLIENT.md", "../README.md")


def test_a_path_that_does_not_exist_is_found() -> None:
    assert paths("see `tests/nowhere/x.py`, NOWHERE.md and docs/CLIENT.md.") == [
        "tests/nowhere/x.py", "NOWHERE.md", "docs/CLIENT.md",
    ]  # fmt: skip
    assert not exists("tests/nowhere/x.py")
    assert not exists("NOWHERE.md")
