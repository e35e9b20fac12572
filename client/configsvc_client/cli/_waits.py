"""Editors that hand the file to a window and return at once, unless an option makes them wait.

They would be given a file that is wiped before anybody sees it, and some keep a copy of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import Misconfigured


class Waiting(NamedTuple):
    """What makes an editor wait: the option to advise, and all spellings of it."""

    advised: str
    spellings: tuple[str, ...]


_WAIT = Waiting("--wait", ("--wait", "-w"))
_FORK = Waiting("-f", ("-f", "--nofork"))
_JETBRAINS = ("clion", "goland", "idea", "phpstorm", "pycharm", "rider", "rubymine", "rustrover", "webstorm")
_EDITORS: dict[str, Waiting] = {
    **dict.fromkeys(("code", "code-insiders", "code-oss", "codium", "vscodium", "cursor", "windsurf"), _WAIT),
    **dict.fromkeys(("subl", "sublime_text", "atom", "pulsar", "zed", "zeditor", "mate", "bbedit", "nova"), _WAIT),
    **dict.fromkeys(("gedit", "xed", *_JETBRAINS), _WAIT),
    **dict.fromkeys(("gvim", "gview", "mvim"), _FORK),
    "gnome-text-editor": Waiting("--standalone", ("--standalone", "-s")),
    "kate": Waiting("--block", ("--block", "-b")),
    "open": Waiting("-W -n", ("-W", "--wait-apps")),
}
"""By the name of the program, from each one's own `--help` or manual."""

_NEVER = frozenset({"xdg-open", "gio", "kde-open", "exo-open"})
_IN_TERMINAL = frozenset({"ed", "emacs", "ex", "helix", "hx", "joe", "kak", "micro", "nano", "nvim", "vi", "vim"})
_NOT = ("-n", "--no-wait")


def check_waits(variable: str, command: Sequence[str]) -> None:
    """Refuse an editor that would return before anything is edited.

    Args:
        variable: that names it.
        command: its words.

    Raises:
        Misconfigured: says what to set.
    """
    name = Path(command[0]).name.removesuffix(".exe").removesuffix(".cmd")
    if name in _NEVER:
        raise Misconfigured(f"{name} returns before anything is edited. Set {variable} to an editor that waits.")
    if name == "emacsclient" and any(each in _NOT for each in command[1:]):
        raise Misconfigured(f"emacsclient returns at once with --no-wait. Take that out of {variable}.")
    waiting = _EDITORS.get(name)
    if waiting is None or any(_is(each, waiting) for each in command[1:]):
        return
    advised = shlex.quote(shlex.join([*command, *waiting.advised.split()]))
    raise Misconfigured(f"{name} returns before anything is edited. Make it wait: {variable}={advised}")


def is_known_to_wait(command: Sequence[str]) -> bool:
    """Whether a program works in the terminal, so that it ends only when the person has ended it."""
    return Path(command[0]).name in _IN_TERMINAL


def _is(word: str, waiting: Waiting) -> bool:
    """Whether a word is that option, alone or among short ones: `-nw`."""
    if word in waiting.spellings:
        return True
    letters = word[1:] if word[:1] == "-" and word[1:2] != "-" else ""
    return letters.isalpha() and any(each[1:] in letters for each in waiting.spellings if len(each) == 2)  # noqa: PLR2004  # `-w`
