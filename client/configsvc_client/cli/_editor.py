"""The person's editor on a private file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configsvc.model.errors import Misconfigured
from configsvc_client.cli._orderly import orderly
from configsvc_client.cli._private_folder import private_folder


def edited(content: bytes, suffix: str, theirs: bytes | None = None) -> bytes:
    """The content after the person has edited it in $VISUAL, $EDITOR or vi.

    It is in a file only while the editor runs; all that is left beside it is wiped with it.

    Args:
        content: what to start with.
        suffix: of the file's name, which editors choose colours by.
        theirs: what to show in a second file.

    Raises:
        Misconfigured: there is no such editor, or it ended with an error: then nothing is to be stored.
    """
    with _unhurt(), orderly(), private_folder() as folder:
        path, beside = folder / f"value{suffix}", folder / f"theirs{suffix}"
        _put(path, content)
        if theirs is not None:
            _put(beside, theirs)
        _run([str(path)] if theirs is None else [str(path), str(beside)])
        return path.read_bytes()


def _run(paths: list[str]) -> None:
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        process = subprocess.Popen([*command, *paths])  # noqa: S603  # the person's own
    except OSError as error:
        raise Misconfigured(f"The editor {command[0]} cannot be started: {error.strerror}. Set EDITOR.") from None
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise Misconfigured(f"The editor ended with {code}. Nothing was stored.")


def _put(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


@contextmanager
def _unhurt() -> Iterator[None]:
    """Ctrl-C is the editor's."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # no SIG_IGN: the editor would inherit that
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
