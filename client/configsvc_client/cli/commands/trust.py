"""Show the project file, and trust it if you agree.

Until you trust .configsvc.toml, commands that need its url, kms_keys, region or aws_profile stop, its policy allows
nothing, and a write needs -n. Trust applies to the parsed content: the same settings in a worktree or on another branch
are trusted too, and comments do not matter. --yes does not answer this question: without a terminal, pass --hash.

In CI, set CONFIGSVC_URL and CONFIGSVC_KMS_KEYS in the job's own settings, and CONFIGSVC_TRUST=project only in jobs that
run reviewed commits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import exit_codes
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import files
from configsvc_client.cli.settings.settings_file import check
from configsvc_client.cli.settings.trust import (
    TrustedContent,
    canonicalize,
    compute_digest,
    parse_canonical,
    render_lines,
)

_DECIDES = (
    "A trusted file decides where your API key is sent (url), which keys your secrets are sealed under (kms_keys, "
    "region, aws_profile), and what is stored in the clear (policy)."
)

_LONGEST = 1_000
"""The most characters in a line that a person can check."""

_SCREEN = 24
_UNLISTED = "has no exec list: its namespaces may set every variable that is not known to be dangerous"


@click.command(help=__doc__)
@click.option("--hash", "wanted", metavar="SHA256", help="Trust the file if its content has this hash, without asking.")
def command(wanted: str | None) -> int:
    path = files.find_project_file(Path.cwd())
    if path is None:
        raise Misconfigured("No .configsvc.toml in this folder or its parents. To write one: configsvc init")
    file, store = files.read_project(path, os.environ), files.open_trust_store()
    check(file)
    content = canonicalize(file.members)
    found = compute_digest(content)
    if store.holds(content):
        _report_done(path, found, "is already trusted")
        return 0
    now = _check_readable(path, _render_content(content))
    _show(path, _find_before(str(path), now, store.all()), now)
    if not _ask_trust(wanted, found):
        terminal.say("The file is not trusted.")
        return exit_codes.FAILED
    store.keep(content, str(path))
    _report_done(path, found, "is trusted")
    return 0


def _ask_trust(wanted: str | None, found: str) -> bool:
    """Returns whether the person trusts what was shown.

    Raises:
        click.UsageError: there is nobody to ask, or the hash is a different one.
    """
    if wanted:
        if wanted.strip().lower() != found:
            raise click.UsageError(f"The hash of this file's content is {found}, not the one you passed.")
        return True
    if not terminal.can_ask():
        raise click.UsageError(
            f"Cannot ask without a terminal. If you trust what is shown: configsvc trust --hash {found}"
        )
    return terminal.agree("Trust it?")


def _find_before(path: str, now: list[str], trusted: Iterable[TrustedContent]) -> list[str]:
    """Finds the content trusted before: the last at this path, else the one most like the file."""
    wanted = set(now)
    shared = [(each, _render_content(each.content)) for each in trusted]
    ranked = [(each.path == path, len(wanted.intersection(held)), each.time, held) for each, held in shared]
    same_path, common, _, held = max(ranked, default=(False, 0, 0.0, []))
    return held if same_path or common else []


def _render_content(content: str) -> list[str]:
    """Renders a content as lines, and adds what they imply: a table without an exec list replaces one with a list."""
    found = parse_canonical(content).get("policy", {})
    tables = {name: each for name, each in found.items() if isinstance(each, dict)} if isinstance(found, dict) else {}
    some = any("exec" in each for each in tables.values())
    return render_lines(content) + [
        f"policy.{json.dumps(name)} {_UNLISTED}" for name, each in tables.items() if some and "exec" not in each
    ]


def _check_readable(path: Path, now: list[str]) -> list[str]:
    """Returns the lines unless one is so long that something could hide in it.

    Raises:
        Misconfigured: one is.
    """
    longest = max(map(len, now), default=0)
    if longest > _LONGEST:
        raise Misconfigured(f"{path} has a text of {longest} characters, too long to check by eye. Shorten it.")
    return now


def _show(path: Path, before: list[str], now: list[str]) -> None:
    """Shows the differences from the trusted content, the most important last, where a terminal still shows them."""
    changed = sorted({*((line, "-") for line in before), *((line, "+") for line in now)}, key=_order)
    same = set(before) & set(now)
    about = "changed since you trusted it" if before else "new to you"
    changes = [f"{sign} {line}" for line, sign in changed if line not in same] or ["Only the order of lists differs."]
    counted = [f"These are {len(changes)} lines: check all of them."] if len(changes) > _SCREEN else []
    terminal.say_folded(f"{path} is {about} ({len(same)} settings unchanged):", *changes, *counted, _DECIDES)


def _order(changed: tuple[str, str]) -> tuple[int, int, str, str]:
    """Orders lines: profiles and namespaces, policy, other settings, then policy patterns, the widest last."""
    line, sign = changed
    if line.startswith("policy."):
        widens = "*" in line.partition(" ")[2] or line.endswith(_UNLISTED)
        return (3, -len(line), line, sign) if widens else (1, 0, line, sign)
    return (0 if line.startswith(("profiles.", "namespaces")) else 2, 0, line, sign)


def _report_done(path: Path, found: str, what: str) -> None:
    records.report_done(f"{path} {what} ({found})", {"path": str(path), "hash": found, "trusted": True})
