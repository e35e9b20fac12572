"""What `configsvc exec` gives a command, and what a change of it does."""

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


class Manner(NamedTuple):
    """How to run: with values in a file, looking every so many seconds, with so many to end in, or a signal."""

    mount: Path | None
    every: float | None
    grace: float
    instead: signal.Signals | None


class ValueSource:
    """Where the values come from. One thread at a time uses it."""

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
        self._told: set[str] = set()

    def first(self) -> dict[str, Opened]:
        """The values to start with: one request, and one KMS call for each data key.

        Raises:
            ConfigsvcError: they cannot be had.
        """
        self._following.look()
        found = self._opened(self._following.held)
        self._good = self._following.held
        return found

    def again(self, tell: Callable[[str], None]) -> dict[str, Opened] | None:
        """The values if something changed since they were last had. A namespace that is refused stops no other.

        Args:
            tell: is told, once, why a namespace is not updated.

        Raises:
            ConfigsvcError: it cannot be told what is served; the next time may be well.
        """
        self._pending |= self._following.look().keys()
        held, found = self._following.held, None
        errors = [error.detail for error in self._following.refused.values()]
        for namespace in sorted(self._pending):
            try:
                found = self._opened({**self._good, namespace: held[namespace]})
            except ConfigsvcError as error:
                errors.append(error.detail)
            else:
                self._good[namespace] = held[namespace]
                self._pending.discard(namespace)
        for each in errors:
            if each not in self._told:
                tell(each)
        self._told = set(errors)
        return found

    def _opened(self, snapshots: Mapping[Namespace, SealedSnapshot]) -> dict[str, Opened]:
        return reading.open_values(self._admin, list(snapshots.values()), self._only, self._prefix, self._admitted)


def run(source: ValueSource, child: Child, arguments: Sequence[str], manner: Manner) -> int:
    """Runs the command to its end; its exit code.

    Raises:
        ConfigsvcError: the values cannot be had, or the file is there already, or cannot be made or removed.
        NotStarted: the command cannot be started.
    """
    values = source.first()
    mount = Mount(manner.mount) if manner.mount else None
    environment = child.plain() if mount else child.environment(values)
    supervised = Supervised(arguments, manner.grace, manner.instead)
    looking = ChangeWatcher(source, values, child, mount, supervised)
    supervised.listen()  # first: no signal ends this process while the file is there
    try:
        if mount:
            mount.create(render_content(mount.path, values))
        if manner.every is not None:
            looking.start(manner.every)
        return supervised.run(environment, looking.news)
    finally:
        looking.stop()
        if mount:
            mount.remove()


class ChangeWatcher:
    """Looks for changes on a thread of its own, and has the news for the other one."""

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

    def start(self, every: float) -> None:
        """Look every so many seconds."""
        threading.Thread(target=self._look, args=(every,), daemon=True).start()

    def stop(self) -> None:
        """No more; a look that is on its way is not waited for."""
        with self._lock:
            self._stopped.set()

    def news(self) -> Mapping[str, str] | None:
        """The environment to go on with; a mounted file is replaced here.

        None where the news is old, or the file cannot be replaced: then it is tried again at the next look.
        """
        with self._lock:
            found, self._news = self._news, None
        if found is None:
            return None
        if self._mount is None:
            return self._child.environment(found)
        try:
            self._mount.replace(render_content(self._mount.path, found))
        except Misconfigured as error:
            self._keep(found)
            self._tell(f"configsvc: {error.detail}")
            return None
        return self._child.plain()

    def _look(self, every: float) -> None:
        while not self._stopped.wait(every):
            try:
                found = self._source.again(lambda told: self._tell(f"configsvc: {told}"))
                if found is not None and not _is_same(found, self._values):
                    self._check(found)
                    self._publish(found)
            except ConfigsvcError as error:
                problems = error.members.get("problems")
                self._tell(f"configsvc: {error.detail}", problems if isinstance(problems, list) else ())
            except Exception as error:  # noqa: BLE001  # a thread's traceback could show a value
                self._tell(exit_codes.describe_unexpected(error))
            if self._news is not None:
                self._supervised.wake()

    def _check(self, found: ValuesByKey) -> None:
        """Refuses here what could not be handed over later."""
        render_content(self._mount.path, found) if self._mount else self._child.environment(found)

    def _publish(self, found: ValuesByKey) -> None:
        self._values = found
        with self._lock:
            self._news = found

    def _keep(self, found: ValuesByKey) -> None:
        """For the next look, unless that has newer ones."""
        with self._lock:
            self._news = found if self._news is None else self._news

    def _tell(self, told: str, problems: Sequence[object] = ()) -> None:
        with self._lock:
            if not self._stopped.is_set():
                terminal.say(f"{told} The command goes on with what it has.")
                for each in problems:
                    terminal.say(f"  {each}")


def _is_same(these: ValuesByKey, those: ValuesByKey) -> bool:
    """Whether no value differs; that one was sealed again or is in another layout is no change."""
    return these.keys() == those.keys() and all(
        each.content_type == those[key].content_type and same_value(each.content_type, each.data, those[key].data)
        for key, each in these.items()
    )
