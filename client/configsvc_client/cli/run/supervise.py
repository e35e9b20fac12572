"""Runs a command and stays: passes signals on, starts it again or signals it on a change, ends as it does.

One thread waits on one pipe: Python writes the number of each signal there (signal.set_wakeup_fd), and whoever has
news writes a zero.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
_PASSED = (*sorted(_ENDING), signal.SIGUSR1, signal.SIGUSR2)
_FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})

_NEWS = 0
_SIGNALLED = 128

News = Callable[[], Mapping[str, str] | None]


class NotStarted(Exception):
    """A command cannot be started; the system's reason is its cause."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror)
        self.reason = reason


class Supervised:
    """A command under supervision.

    Args:
        arguments: the command and its arguments.
        grace: seconds that it has to end before it is started again; it is killed then.
        instead: the signal that tells it of news; None starts it again.
    """

    def __init__(self, arguments: Sequence[str], grace: float, instead: signal.Signals | None) -> None:
        self._arguments = list(arguments)
        self._grace = grace
        self._instead = instead
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)  # noqa: FBT003  # the standard library takes it so
        self._child: subprocess.Popen[bytes] | None = None
        self._next: Mapping[str, str] | None = None  # the environment to start again with, while it ends
        self._deadline: float | None = None

    def listen(self) -> None:
        """From here on signals are kept for the command."""
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in (*_PASSED, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wake(self) -> None:
        """There is news: from any thread."""
        self._writing.send(bytes([_NEWS]))

    def run(self, environment: Mapping[str, str], news: News) -> int:
        """The command's exit code, as a shell tells it; after `listen`.

        Args:
            environment: to start it with.
            news: asked after `wake`: the environment to go on with, None for none.

        Raises:
            NotStarted: it cannot be started.
        """
        self._start(environment)
        with selectors.DefaultSelector() as selector:
            selector.register(self._reading, selectors.EVENT_READ)
            while True:
                code = self._stepped(selector, news)
                if code is not None:
                    return code

    def _stepped(self, selector: selectors.BaseSelector, news: News) -> int | None:
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        woken = self._reading.recv(4096) if selector.select(left) else b""
        for number in woken:
            if number == _NEWS:
                self._told(news())
            elif number != signal.SIGCHLD:
                self._pass_on(signal.Signals(number))
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._send(signal.SIGKILL)
            self._deadline = None
        return self._ended()

    def _ended(self) -> int | None:
        """The exit code once the command has ended and is not to be started again."""
        code = self._child.poll() if self._child else None
        if code is None:
            return None
        if self._next is not None:
            self._start(self._next)
            return None
        return _SIGNALLED - code if code < 0 else code

    def _start(self, environment: Mapping[str, str]) -> None:
        self._next = self._deadline = None
        try:
            self._child = subprocess.Popen(self._arguments, env=dict(environment))  # noqa: S603  # to run it is the task
        except OSError as error:
            raise NotStarted(error) from error

    def _told(self, environment: Mapping[str, str] | None) -> None:
        if environment is None:
            return
        if self._instead:
            self._send(self._instead)
            return
        if self._next is None:
            self._send(signal.SIGTERM)
            self._deadline = time.monotonic() + self._grace
        self._next = environment

    def _pass_on(self, number: signal.Signals) -> None:
        if number in _ENDING:
            self._next = None
        if not (number in _FROM_TERMINAL and _is_in_foreground()):
            self._send(number)

    def _send(self, number: signal.Signals) -> None:
        if self._child and self._child.poll() is None:
            self._child.send_signal(number)


def _is_in_foreground() -> bool:
    """Whether the terminal has sent it to the command too: it goes to everything in its foreground."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
