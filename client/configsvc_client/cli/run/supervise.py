"""Supervises a command: forwards signals, restarts or signals it on a change, and exits as it does.

One thread waits on one pipe. Python writes the number of each signal to it (signal.set_wakeup_fd), and `wake` writes a
zero to announce news.
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
    """The command cannot be started. The system's reason is the cause."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror)
        self.reason = reason


class Supervised:
    """A command under supervision.

    Args:
        arguments: the command and its arguments.
        grace_seconds: how long it may take to end before a restart; then it is killed.
        instead: the signal that announces news to it; None restarts it instead.
    """

    def __init__(self, arguments: Sequence[str], grace_seconds: float, instead: signal.Signals | None) -> None:
        self._arguments = list(arguments)
        self._grace_seconds = grace_seconds
        self._instead = instead
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)  # noqa: FBT003  # the standard library's signature
        self._child: subprocess.Popen[bytes] | None = None
        self._next: Mapping[str, str] | None = None  # the environment for the restart, while it ends
        self._deadline: float | None = None

    def listen(self) -> None:
        """Keeps all further signals for the command."""
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in (*_PASSED, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wake(self) -> None:
        """Announces news. Callable from any thread."""
        self._writing.send(bytes([_NEWS]))

    def run(self, environment: Mapping[str, str], news: News) -> int:
        """Runs the command, and returns its exit code as a shell reports it. Call `listen` first.

        Args:
            environment: to start the command with.
            news: called after `wake`; returns the environment to continue with, or None.

        Raises:
            NotStarted: the command cannot be started.
        """
        self._start(environment)
        with selectors.DefaultSelector() as selector:
            selector.register(self._reading, selectors.EVENT_READ)
            while True:
                code = self._step(selector, news)
                if code is not None:
                    return code

    def _step(self, selector: selectors.BaseSelector, news: News) -> int | None:
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        woken = self._reading.recv(4096) if selector.select(left) else b""
        for number in woken:
            if number == _NEWS:
                self._apply(news())
            elif number != signal.SIGCHLD:
                self._pass_on(signal.Signals(number))
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._send(signal.SIGKILL)
            self._deadline = None
        return self._poll_exit()

    def _poll_exit(self) -> int | None:
        """The exit code, once the command has ended and is not restarted."""
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
            self._child = subprocess.Popen(self._arguments, env=dict(environment))  # noqa: S603  # running it is the purpose
        except OSError as error:
            raise NotStarted(error) from error

    def _apply(self, environment: Mapping[str, str] | None) -> None:
        if environment is None:
            return
        if self._instead:
            self._send(self._instead)
            return
        if self._next is None:
            self._send(signal.SIGTERM)
            self._deadline = time.monotonic() + self._grace_seconds
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
    """Whether the terminal sent the signal to the command too, as it does to its whole foreground group."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
