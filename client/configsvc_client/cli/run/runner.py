"""Runs the command of `configsvc exec` with values, and applies changes of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client.admin import Admin, Opened
from configsvc_client.cli import exit_codes
from configsvc_client.cli.output import terminal
from configsvc_client.cli.run.child import Child
from configsvc_client.cli.run.mount import Mount, render_content
from configsvc_client.cli.run.supervise import Supervised
from configsvc_client.cli.values import reading

ValuesByKey = Mapping[str, Opened]


class RunOptions(NamedTuple):
    """How to run: the file for the values, seconds between polls, seconds to end in, and the signal for changes."""

    mount: Path | None
    poll_seconds: float | None
    grace_seconds: float
    instead: signal.Signals | None


class ValueSource:
    """The source of the values. Use it from one thread at a time."""

    def __init__(
        self,
        admin: Admin,
        namespaces: Sequence[str],
        only: Sequence[str],
        prefix: str,
        admitted: reading.Admitted = lambda _, keys: keys,
    ) -> None:
        self._admin = admin
        self._following = admin.follow(*namespaces)
        self._only = only
        self._prefix = prefix
        self._admitted = admitted
        self._good: dict[Namespace, SealedSnapshot] = {}
        self._pending: set[Namespace] = set()  # changed, and could not be opened yet
        self._reported: set[str] = set()

    def fetch(self) -> dict[str, Opened]:
        """Fetches the values to start with: one request, and one KMS call per data key.

        Raises:
            ConfigsvcError: the values cannot be fetched or opened.
        """
        self._following.look()
        found = self._open(self._following.held)
        self._good = self._following.held
        return found

    def poll(self, report: Callable[[str], None]) -> dict[str, Opened] | None:
        """Fetches the values if they changed since the last time. A refused namespace does not stop the others.

        Args:
            report: receives, once, why a namespace is not updated.

        Raises:
            ConfigsvcError: the served values are unknown; a later call may succeed.
        """
        self._pending |= self._following.look().keys()
        held, found = self._following.held, None
        errors = [error.detail for error in self._following.refused.values()]
        for namespace in sorted(self._pending):
            try:
                found = self._open({**self._good, namespace: held[namespace]})
            except ConfigsvcError as error:
                errors.append(error.detail)
            else:
                self._good[namespace] = held[namespace]
                self._pending.discard(namespace)
        for each in errors:
            if each not in self._reported:
                report(each)
        self._reported = set(errors)
        return found

    def _open(self, snapshots: Mapping[Namespace, SealedSnapshot]) -> dict[str, Opened]:
        return reading.open_values(self._admin, list(snapshots.values()), self._only, self._prefix, self._admitted)


def run(source: ValueSource, child: Child, arguments: Sequence[str], options: RunOptions) -> int:
    """Runs the command to its end, and returns its exit code.

    Raises:
        ConfigsvcError: the values cannot be fetched, or the file exists or cannot be created or removed.
        NotStarted: the command cannot be started.
    """
    values = source.fetch()
    mount = Mount(options.mount) if options.mount else None
    environment = child.get_base() if mount else child.build_environment(values)
    supervised = Supervised(arguments, options.grace_seconds, options.instead)
    watcher = ChangeWatcher(source, values, child, mount, supervised)
    supervised.listen()  # first, so that no signal ends this process while the file exists
    try:
        if mount:
            mount.create(render_content(mount.path, values))
        if options.poll_seconds is not None:
            watcher.start(options.poll_seconds)
        return supervised.run(environment, watcher.take_news)
    finally:
        watcher.stop()
        if mount:
            mount.remove()


class ChangeWatcher:
    """Polls for changes on a separate thread, and hands them to the main thread."""

    def __init__(
        self, source: ValueSource, values: ValuesByKey, child: Child, mount: Mount | None, supervised: Supervised
    ) -> None:
        self._source = source
        self._values = values
        self._child = child
        self._mount = mount
        self._supervised = supervised
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._news: ValuesByKey | None = None

    def start(self, poll_seconds: float) -> None:
        """Starts to poll at this interval."""
        threading.Thread(target=self._watch, args=(poll_seconds,), daemon=True).start()

    def stop(self) -> None:
        """Stops polling, without waiting for a poll in progress."""
        with self._lock:
            self._stopped.set()

    def take_news(self) -> Mapping[str, str] | None:
        """The environment to continue with. A mounted file is replaced here.

        None if nothing is new, or the file cannot be replaced; the next poll tries again.
        """
        with self._lock:
            found, self._news = self._news, None
        if found is None:
            return None
        if self._mount is None:
            return self._child.build_environment(found)
        try:
            self._mount.replace(render_content(self._mount.path, found))
        except Misconfigured as error:
            self._keep(found)
            self._report(f"configsvc: {error.detail}")
            return None
        return self._child.get_base()

    def _watch(self, poll_seconds: float) -> None:
        while not self._stopped.wait(poll_seconds):
            try:
                found = self._source.poll(lambda reason: self._report(f"configsvc: {reason}"))
                if found is not None and not _is_same(found, self._values):
                    self._check(found)
                    self._publish(found)
            except ConfigsvcError as error:
                problems = error.members.get("problems")
                self._report(f"configsvc: {error.detail}", problems if isinstance(problems, list) else ())
            except Exception as error:  # noqa: BLE001  # a thread's traceback could show a value
                self._report(exit_codes.describe_unexpected(error))
            if self._news is not None:
                self._supervised.wake()

    def _check(self, found: ValuesByKey) -> None:
        """Refuses early any values that could not be handed over later."""
        render_content(self._mount.path, found) if self._mount else self._child.build_environment(found)

    def _publish(self, found: ValuesByKey) -> None:
        self._values = found
        with self._lock:
            self._news = found

    def _keep(self, found: ValuesByKey) -> None:
        """Keeps the values for the next poll, unless that has newer ones."""
        with self._lock:
            self._news = found if self._news is None else self._news

    def _report(self, line: str, problems: Sequence[object] = ()) -> None:
        with self._lock:
            if not self._stopped.is_set():
                terminal.say(f"{line} The command keeps its current values.")
                for each in problems:
                    terminal.say(f"  {each}")


def _is_same(these: ValuesByKey, those: ValuesByKey) -> bool:
    """Whether no value differs. A value that was sealed again or formatted differently has not changed."""
    return these.keys() == those.keys() and all(
        each.content_type == those[key].content_type and same_value(each.content_type, each.data, those[key].data)
        for key, each in these.items()
    )
