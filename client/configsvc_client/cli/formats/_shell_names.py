"""Names that a shell can assign: the rest is a syntax error, or the shell keeps or changes the value itself."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Found by asking: bash 5.2 refuses or changes what these are assigned, and dash an OPTIND that is no number. Most are
# readonly or dynamic by bash(1), Shell Variables.
_OWN = frozenset({
    "_", "BASHOPTS", "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV", "BASH_CMDS", "BASH_COMMAND", "BASH_LINENO",
    "BASH_SOURCE", "BASH_SUBSHELL", "BASH_VERSINFO", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME",
    "GROUPS", "HISTCMD", "LINENO", "OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM",
    "UID",
})  # fmt: skip


def why_not_assignable(name: str) -> str:
    """Why no shell can assign a variable, for a sentence that begins with its name; empty if one can."""
    if not _NAME.fullmatch(name):
        return "not a name that a shell can assign"
    return "a variable that bash keeps for itself" if name in _OWN else ""
