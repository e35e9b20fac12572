"""`configsvc trust`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import _exit, _files, _output, _terminal
from configsvc_client.cli._canonical import canonical, digest, lines
from configsvc_client.cli._profiles import check
from configsvc_client.cli._trust_store import Trusted

_WEIGHTY = frozenset({"url", "kms_keys", "region", "aws_profile", "plain", "kms", "exec"})
_DECIDES = (
    "A trusted file decides where your API key is sent (url), which keys your secrets are sealed under (kms_keys, "
    "region, aws_profile), and what is stored in the clear (policy)."
)


@click.command("trust")
@click.option("--hash", "wanted", metavar="SHA256", help="Trust the file if its content has this hash; do not ask.")
def command(wanted: str | None) -> int:
    """Show the project file, and trust it if you agree.

    Until you trust .configsvc.toml, its url, kms_keys, region and aws_profile stop a command, its policy allows
    nothing, and a write needs -n. Trust is in the parsed content: the same settings in a worktree or on another branch
    are trusted too, and comments do not matter. --yes does not answer here: without a terminal, pass --hash.

    In CI, set CONFIGSVC_URL and CONFIGSVC_KMS_KEYS in the job's own settings, and CONFIGSVC_TRUST=project only in jobs
    that run reviewed commits.
    """
    path = _files.project_file(Path.cwd())
    if path is None:
        raise Misconfigured("There is no .configsvc.toml here or above. configsvc init writes one.")
    file, store = _files.project(path, os.environ), _files.trust_store()
    check(file)
    content = canonical(file.members)
    found = digest(content)
    if store.holds(content):
        _done(path, found, "is trusted already")
        return 0
    _show(path, _before(str(path), lines(content), store.all()), lines(content))
    if not _agreed(wanted, found):
        _terminal.say("It is not trusted.")
        return _exit.FAILED
    store.keep(content, str(path))
    _done(path, found, "is trusted")
    return 0


def _agreed(wanted: str | None, found: str) -> bool:
    """Whether the person trusts what was shown.

    Raises:
        click.UsageError: nobody can be asked, or the hash is of something else.
    """
    if wanted:
        if wanted.strip().lower() != found:
            raise click.UsageError(f"The hash of this file's content is {found}, not the one you passed.")
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"There is nobody to ask. If you trust what is shown: configsvc trust --hash {found}")
    return _terminal.agree("Trust it?")


def _before(path: str, now: list[str], trusted: Iterable[Trusted]) -> list[str]:
    """What was trusted before: last at this path, else whatever has most in common with the file."""
    wanted = set(now)
    shared = [(each, lines(each.content)) for each in trusted]
    ranked = [(each.path == path, len(wanted.intersection(held)), each.time, held) for each, held in shared]
    same_path, common, _, held = max(ranked, default=(False, 0, 0.0, []))
    return held if same_path or common else []


def _weighed(changed: tuple[str, str]) -> tuple[bool, str, str]:
    line, sign = changed
    return line.partition(" = ")[0].rpartition(".")[2] in _WEIGHTY, line, sign


def _show(path: Path, before: list[str], now: list[str]) -> None:
    """What differs from what was trusted before; what decides most comes last, so that no long list hides it."""
    changed = sorted({*((line, "-") for line in before), *((line, "+") for line in now)}, key=_weighed)
    same = set(before) & set(now)
    about = "changed since you trusted it" if before else "new to you"
    told = [f"{sign} {line}" for line, sign in changed if line not in same]
    _terminal.say(f"{path} is {about} ({len(same)} settings unchanged):", *told, _DECIDES)


def _done(path: Path, found: str, what: str) -> None:
    _output.done(f"{path} {what} ({found})", {"path": str(path), "hash": found, "trusted": True})
