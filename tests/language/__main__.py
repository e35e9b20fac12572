"""`python -m tests.language`: find phrases that read as if translated. `make check` runs it; exit 1 names each place.

phrases.toml lists the phrases, what to write instead, and the folders that are not rewritten yet.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.language.phrases import Phrase, find, find_unneeded, read

_ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = ("LICENSE", "tests/language/", "vendor/")
_SUFFIXES = {".md", ".py", ".sh", ".toml", ".yaml", ""}


def main() -> int:
    """Print each phrase found, and each exemption that hides nothing."""
    table = read(_ROOT)
    texts = {name: (_ROOT / name).read_text(encoding="utf-8") for name in _files()}
    found = {name: list(find(text, table.phrases)) for name, text in texts.items()}
    lines = [_line(name, *each) for name, all_of in found.items() if not table.exempts(name) for each in all_of]
    lines += [
        f"tests/language/phrases.toml: {each} holds none of these phrases: take it out of `exempt`"
        for each in find_unneeded(table.exempt, (name for name, all_of in found.items() if all_of))
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


def _files() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    names = [name for name in done.stdout.splitlines() if Path(name).suffix in _SUFFIXES]
    return [name for name in names if (_ROOT / name).is_file() and not name.startswith(_LEFT_OUT)]


def _line(name: str, line: int, text: str, phrase: Phrase) -> str:
    return f"{name}:{line}: {text!r}: {phrase.write}"


if __name__ == "__main__":
    sys.exit(main())
