"""Config: what users meet."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NoReturn, ParamSpec, TypeVar

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._keeper import Keeper
from configsvc_client._ports import World
from configsvc_client._secret import Secret
from configsvc_client._settings import Given, Settings, settings
from configsvc_client._snapshot import Snapshot
from configsvc_client._value import Value

P = ParamSpec("P")
R = TypeVar("R")

_IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"


class Config(Mapping[str, Value]):
    """Config and secrets of some namespaces, kept up to date; the first namespace that has a key wins.

    Making one does no I/O and needs no settings; the first read loads everything in one request for each namespace
    and one KMS call for each data key. What is held is refreshed when it is read and a poll interval has passed.

    Args:
        namespaces: as `CONFIGSVC_NAMESPACES`.
        url: of the service, stage included, as `CONFIGSVC_URL`.
        api_key: as `CONFIGSVC_API_KEY`.
        kms_keys: ARNs of the KMS keys that are trusted, or `*`, as `CONFIGSVC_KMS_KEYS`.
        poll_seconds: how long what is held counts as fresh (60), give or take a tenth.
        start_seconds: the deadline of the first load (8).
        refresh_seconds: the deadline of a refresh (0.8).
        environ: the variables; the process's own when left out.
        world: makes what stands for the network and the clocks; the real ones when left out.
    """

    def __init__(
        self,
        *namespaces: str,
        url: str | None = None,
        api_key: str | None = None,
        kms_keys: Iterable[str] | None = None,
        poll_seconds: float | None = None,
        start_seconds: float | None = None,
        refresh_seconds: float | None = None,
        environ: Mapping[str, str] | None = None,
        world: Callable[[Settings], World] | None = None,
    ) -> None:
        pinned = None if kms_keys is None else (kms_keys,) if isinstance(kms_keys, str) else tuple(kms_keys)
        self._given = Given(namespaces, url, api_key, pinned, poll_seconds, start_seconds, refresh_seconds)
        self._environ = os.environ if environ is None else environ
        self._world = world
        self._making = threading.Lock()
        self._made: Keeper | None = None
        self._pinned: ContextVar[Snapshot | None] = ContextVar("configsvc snapshot", default=None)

    def __getitem__(self, key: str) -> Value:
        return self._reading()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reading())

    def __len__(self) -> int:
        return len(self._reading())

    def __contains__(self, key: object) -> bool:
        return key in self._reading()

    def __repr__(self) -> str:
        held = self._made and self._made.held
        return f"Config({held.snapshot!r})" if held else f"Config({', '.join(self._given.namespaces)}: not loaded)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Config holds secrets and connections and is not pickled or copied")

    def get(self, key: str, default: Any = None, *, as_: Callable[[Any], Any] | None = None) -> Any:  # noqa: ANN401  # values are of any type
        """The value of a key, or the default; see `Snapshot.get`."""
        return self._reading().get(key, default, as_=as_)

    def secret(self, key: str) -> Secret:
        """The value of a sealed key, masked; see `Snapshot.secret`."""
        return self._reading().secret(key)

    def snapshot(self) -> Snapshot:
        """All values at one revision of each namespace: inside a wrapped handler the invocation's, else the current.

        Raises:
            ConfigUnavailable: nothing is held and nothing could be loaded within the start deadline.
            Misconfigured: settings are missing, all of them named, or wrong.
        """
        pinned = self._pinned.get()
        return self._keeper().current() if pinned is None else pinned

    def refresh(self) -> bool:
        """Refreshes now; True if something changed. A wrapped handler sees it from its next invocation on.

        Raises:
            ConfigsvcError: why it failed; what is held stays.
        """
        return self._keeper().refresh()

    def close(self) -> None:
        """Drops the kept connections. What is held stays, and the next refresh opens others."""
        if self._made:
            self._made.close()

    @property
    def revisions(self) -> Mapping[str, int]:
        """The served revision that is held of each namespace; loads if nothing is."""
        return self.snapshot().revisions

    @property
    def age(self) -> float:
        """Seconds since the service last confirmed what is held; infinite while nothing is."""
        return self._made.age() if self._made else float("inf")

    @property
    def broken(self) -> frozenset[str]:
        """The keys that are there but did not open; loads if nothing is held."""
        return self.snapshot().broken

    @property
    def last_error(self) -> ConfigsvcError | None:
        """Why the last refresh failed; None when it did not."""
        return self._made.error if self._made else None

    def handler(self, function: Callable[P, R]) -> Callable[P, R]:
        """Wraps a Lambda handler: each invocation sees one snapshot, refreshed before it if that is due.

        In Lambda the first load happens here, in the init phase, so that no invocation waits for it; where it fails,
        the first invocation tries again and raises.

        Raises:
            Misconfigured: in Lambda, when settings are missing or wrong.
        """
        if self._environ.get(_IN_LAMBDA):
            self._load_ahead()

        @functools.wraps(function)
        def pinned(*args: P.args, **kwargs: P.kwargs) -> R:
            token = self._pinned.set(self._keeper().current())
            try:
                return function(*args, **kwargs)
            finally:
                self._pinned.reset(token)

        return pinned

    def _load_ahead(self) -> None:
        try:
            self._keeper().current()
        except Misconfigured:
            raise
        except ConfigsvcError:
            return

    def _reading(self) -> Snapshot:
        """What a read reads: inside a handler its snapshot, else what is held, after one look at the wall clock."""
        pinned = self._pinned.get()
        if pinned is not None:
            return pinned
        keeper = self._made or self._keeper()
        fresh_from, fresh_until = keeper.window
        if fresh_from <= keeper.wall() < fresh_until:
            return keeper.snapshot
        return keeper.current()

    def _keeper(self) -> Keeper:
        if self._made is not None:
            return self._made
        with self._making:
            if self._made is None:
                found = settings(self._given, self._environ)
                self._made = Keeper(found, self._world(found) if self._world else self._real(found))
            return self._made

    def _real(self, found: Settings) -> World:
        from configsvc_client._world import real

        return real(found, self._environ)
