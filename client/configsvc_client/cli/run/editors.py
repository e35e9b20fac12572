"""Runs the user's editor on a private file. Editors that return at once need an option that makes them wait."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.output import stdio, terminal
from configsvc_client.cli.private_folder import end_in_order, make_private_folder


class WaitOption(NamedTuple):
    """The option that makes an editor wait: the one to advise, and all its spellings."""

    advised: str
    spellings: tuple[str, ...]


_WAIT = WaitOption("--wait", ("--wait", "-w"))
_FORK = WaitOption("-f", ("-f", "--nofork"))
_JETBRAINS = ("clion", "goland", "idea", "phpstorm", "pycharm", "rider", "rubymine", "rustrover", "webstorm")
_EDITORS: dict[str, WaitOption] = {
    **dict.fromkeys(("code", "code-insiders", "code-oss", "codium", "vscodium", "cursor", "windsurf"), _WAIT),
    **dict.fromkeys(("subl", "sublime_text", "atom", "pulsar", "zed", "zeditor", "mate", "bbedit", "nova"), _WAIT),
    **dict.fromkeys(("gedit", "xed", *_JETBRAINS), _WAIT),
    **dict.fromkeys(("gvim", "gview", "mvim"), _FORK),
    "gnome-text-editor": WaitOption("--standalone", ("--standalone", "-s")),
    "kate": WaitOption("--block", ("--block", "-b")),
    "open": WaitOption("-W -n", ("-W", "--wait-apps")),
}
"""By program name, taken from each program's own `--help` or manual."""

_NEVER = frozenset({"xdg-open", "gio", "kde-open", "exo-open"})
_IN_TERMINAL = frozenset({"ed", "emacs", "ex", "helix", "hx", "joe", "kak", "micro", "nano", "nvim", "vi", "vim"})
_NOT = ("-n", "--no-wait")


def check_waits(variable: str, command: Sequence[str]) -> None:
    """Refuses an editor that would return before anything is edited.

    Args:
        variable: that names the editor.
        command: its words.

    Raises:
        Misconfigured: says what to set.
    """
    name = Path(command[0]).name.removesuffix(".exe").removesuffix(".cmd")
    if name in _NEVER:
        raise Misconfigured(f"{name} returns before anything is edited. Set {variable} to an editor that waits.")
    if name == "emacsclient" and any(each in _NOT for each in command[1:]):
        raise Misconfigured(f"emacsclient returns at once with --no-wait. Remove that option from {variable}.")
    waiting = _EDITORS.get(name)
    if waiting is None or any(_is_option(each, waiting) for each in command[1:]):
        return
    advised = shlex.quote(shlex.join([*command, *waiting.advised.split()]))
    raise Misconfigured(f"{name} returns before anything is edited. Make it wait: {variable}={advised}")


def is_known_to_wait(command: Sequence[str]) -> bool:
    """Whether a program runs in the terminal, so that it ends only when the user quits it."""
    return Path(command[0]).name in _IN_TERMINAL


def _is_option(word: str, waiting: WaitOption) -> bool:
    """Whether a word is that option, alone or combined with other short ones: `-nw`."""
    if word in waiting.spellings:
        return True
    letters = word[1:] if word[:1] == "-" and word[1:2] != "-" else ""
    return letters.isalpha() and any(each[1:] in letters for each in waiting.spellings if len(each) == 2)  # noqa: PLR2004  # `-w`


_USUAL = "vi"
_UNSEEING = ("", "dumb")


class Editor:
    """The editor of $VISUAL or $EDITOR, else vi. A blank variable counts as not set.

    Args:
        environ: the variables.
        terminal: whether an editor that needs a terminal has one.

    Raises:
        Misconfigured: the variable is not a command, the editor would return before anything is edited, or no variable
            is set and vi cannot run.
    """

    def __init__(self, environ: Mapping[str, str], *, terminal: bool) -> None:
        self._name = next((name for name in ("VISUAL", "EDITOR") if environ.get(name, "").strip()), "")
        self._command = self._split(environ[self._name]) if self._name else [_USUAL]
        if self._name:
            check_waits(self._name, self._command)
        elif not terminal or environ.get("TERM", "") in _UNSEEING:
            raise Misconfigured(
                "No editor is set, and vi needs a terminal. Set EDITOR to a command that works without a terminal, or "
                "store the value with: configsvc put KEY -"
            )

    @property
    def may_return_early(self) -> bool:
        """Whether the editor may open a window and return, so that nobody may have seen an unchanged file."""
        return not is_known_to_wait(self._command)

    def edit(self, content: bytes, suffix: str, theirs: bytes | None = None) -> bytes:
        """Lets the user edit the content, and returns the result.

        The content is in a file only while the editor runs. The file is wiped, with everything left in its folder.

        Args:
            content: the content to start with.
            suffix: of the file's name, by which editors choose their highlighting.
            theirs: content to show in a second file.

        Raises:
            Misconfigured: the editor cannot be started, failed or removed the file. Store nothing then.
        """
        with _ignore_interrupts(), end_in_order(), make_private_folder() as folder:
            path, second = folder / f"value{suffix}", folder / f"theirs{suffix}"
            _write_file(path, content)
            if theirs is not None:
                _write_file(second, theirs)
            self._run([str(path)] if theirs is None else [str(path), str(second)])
            return _read_left(path)

    def _split(self, text: str) -> list[str]:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise Misconfigured(f"{self._name} is not a command: {str(error).lower()}. Nothing was stored.") from None
        if not words or not words[0]:
            raise Misconfigured(f"{self._name} names no command. Nothing was stored.")
        return [os.path.expanduser(words[0]), *words[1:]]  # noqa: PTH111  # a name without a folder stays one

    def _run(self, paths: list[str]) -> None:
        streams = stdio.get_helper_streams()
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own
                [*self._command, *paths], stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr
            )
        except OSError as error:
            raise Misconfigured(self._explain_failed_start(error)) from None
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if code < 0:
            raise Misconfigured(f"The editor was killed by {_describe_signal(-code)}. Nothing was stored.")
        if code:
            raise Misconfigured(f"The editor failed with exit code {code}. Nothing was stored.")

    def _explain_failed_start(self, error: OSError) -> str:
        from shutil import which

        name = self._command[0]
        missing = isinstance(error, FileNotFoundError) and not which(name) and not Path(name).exists()
        reason = "command not found" if missing else "it is a folder" if Path(name).is_dir() else error.strerror
        return (
            f"The editor {name} cannot be started: {reason}. Nothing was stored. Set {self._name or 'EDITOR'} to an "
            "editor that is installed."
        )


def find_editor() -> Editor:
    """The editor of this process's variables.

    Raises:
        Misconfigured: as `Editor`.
    """
    return Editor(os.environ, terminal=terminal.can_ask() and terminal.is_terminal())


def _describe_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read_left(path: Path) -> bytes:
    """The file that the editor left. A link could lead to another file, and a pipe or device would never end."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read()
        reason = "it is not a regular file"
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else str(error.strerror)
    raise Misconfigured(f"The edited file cannot be read: {reason}. Nothing was stored.")


def _write_file(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Leaves Ctrl-C to the editor."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the editor would inherit
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
