"""Config: the class that users work with."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar, overload

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._opening.snapshot import Snapshot
from configsvc_client._ports import World, warn
from configsvc_client._process import import_reentrantly, register_copy_hooks
from configsvc_client._refresh.flight import Callback, Callbacks, HeldSource
from configsvc_client._refresh.keeper import Keeper
from configsvc_client._refresh.reads import Reads
from configsvc_client._secret import Secret, hide_environ, mask
from configsvc_client._settings import ClientSettings, Given, parse_settings

if TYPE_CHECKING:
    from configsvc_client._refresh.background import Background
    from configsvc_client._refresh.health import Health

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
C = TypeVar("C", bound=Callback)

_IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
_MAKING_SECONDS = 1.0
_RUNS_LATER = 0x3A0  # the flags of code whose body does not run in the call: generators and coroutines of each kind


class Config(Reads):
    """Config and secrets of some namespaces, kept up to date; the first namespace that has a key wins.

    Creating one does no I/O and needs no settings. The first read loads everything, with one request and one KMS call
    for each data key. A later read refreshes the values if a poll interval has passed.

    Args:
        namespaces: as `CONFIGSVC_NAMESPACES`.
        url: of the service, stage included, as `CONFIGSVC_URL`.
        api_key: as `CONFIGSVC_API_KEY`.
        kms_keys: ARNs of the KMS keys that are trusted, or `*`, as `CONFIGSVC_KMS_KEYS`.
        poll_seconds: how long values count as fresh (60), give or take a tenth.
        start_seconds: the deadline of the first load (8; 2 with a fallback file, which then has the same time again).
        refresh_seconds: the deadline of a refresh (0.8).
        max_stale_seconds: the age in seconds above which reads raise `Expired` (never).
        data_key_seconds: seconds for which an unwrapped data key is kept (3600), as `CONFIGSVC_DATA_KEY_SECONDS`.
        fallback: the path of a fallback file, as `CONFIGSVC_FALLBACK`.
        min_revision: the least revision that is accepted: a number, or one by namespace, as `CONFIGSVC_MIN_REVISION`.
        sealed_keys: patterns of keys that must have been sealed, as `CONFIGSVC_SEALED_KEYS`.
        background: a thread also refreshes while nobody reads; for long-lived processes. Without effect in Lambda.
        environ: the environment variables; the process's own by default.
        world: creates the network and the clocks; the real ones by default.
    """

    __slots__ = (
        "_background", "_callbacks", "_environ", "_given", "_made", "_making", "_process",
        "_wants_background", "_warning", "_world",
    )  # fmt: skip

    _made: Keeper | None

    def __init__(
        self,
        *namespaces: str,
        url: str | None = None,
        api_key: str | Secret | None = None,
        kms_keys: Iterable[str] | None = None,
        poll_seconds: float | None = None,
        start_seconds: float | None = None,
        refresh_seconds: float | None = None,
        max_stale_seconds: float | None = None,
        data_key_seconds: float | None = None,
        fallback: str | os.PathLike[str] | None = None,
        min_revision: int | Mapping[str, int] | None = None,
        sealed_keys: Iterable[str] | None = None,
        background: bool = False,
        environ: Mapping[str, str] | None = None,
        world: Callable[[ClientSettings], World] | None = None,
    ) -> None:
        super().__init__()
        self._given, self._made = Given(namespaces), None  # `repr` uses these, even if an argument is refused
        self._environ = hide_environ(os.environ if environ is None else environ)
        key = None if api_key is None else mask(api_key)
        environ = api_key = None  # error trackers show this frame if an argument is refused
        self._given = Given(
            namespaces, url=url, api_key=key, kms_keys=_as_texts(kms_keys), poll_seconds=poll_seconds,
            start_seconds=start_seconds, refresh_seconds=refresh_seconds, max_stale_seconds=max_stale_seconds,
            data_key_seconds=data_key_seconds, fallback=None if fallback is None else os.fspath(fallback),
            min_revision=min_revision, sealed_keys=_as_texts(sealed_keys),
        )  # fmt: skip
        self._world = world
        self._wants_background = background
        self._making = threading.RLock()
        self._background: Background | None = None
        self._warning: Callable[[str], None] = warn
        self._callbacks = Callbacks(self._warn)

    def __repr__(self) -> str:
        held = self._made and self._made.held
        return (
            f"Config({held.snapshot!r})"
            if held
            else f"Config({', '.join(map(str, self._given.namespaces))}: not loaded)"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Config holds secrets and connections and is not pickled or copied")

    def refresh(self) -> bool:
        """Refreshes now. Returns whether something changed, which wrapped handlers see from the next invocation on.

        Raises:
            ConfigsvcError: why it failed; the values stay as they are.
        """
        if self._leases is not None:
            self._leases.end_here()
        return self._keeper().refresh()

    @overload
    def on_change(self, prefix: str, callback: Callback) -> None: ...

    @overload
    def on_change(self, prefix: str = "") -> Callable[[C], C]: ...

    @overload
    def on_change(self, prefix: C) -> C: ...

    def on_change(self, prefix: Any = "", callback: Callback | None = None) -> Any:
        """Calls a function after each change of keys with that prefix (`""`: any), with a frozenset of those keys.

        Also a decorator: `@config.on_change("db.")`, or `@config.on_change` for any key.

        The callback runs on the thread that refreshed, without a lock and after the new values are in place: reading
        `config` in it returns them, even inside a wrapped handler. An exception that it raises is counted and logged
        by type, and does not stop anything.
        """
        if callable(prefix):
            self._call_back("", prefix)
            return prefix
        if callback is not None:
            return self._call_back(prefix, callback)

        def register(decorated: C) -> C:
            self._call_back(prefix, decorated)
            return decorated

        return register

    def _call_back(self, prefix: str, callback: Callback) -> None:
        self._callbacks.add(prefix, functools.partial(self._call_outside_invocation, callback))

    def close(self) -> None:
        """Closes the connections and stops the background thread. The values stay; a refresh connects again."""
        if self._background:
            self._background.stop()
        if self._made:
            self._made.close()

    @property
    def revisions(self) -> dict[str, int]:
        """The served revision of each namespace, in an ordinary dict; loads if nothing is loaded."""
        return self.snapshot().revisions

    @property
    def age(self) -> float:
        """Seconds since the service last confirmed all values, or the file was saved; infinite before the first load.

        This is the age of the oldest namespace: a refused one ages while the others are updated.
        """
        return self._made.age() if self._made else math.inf

    @property
    def source(self) -> HeldSource:
        """Where the values came from; loads if nothing is loaded."""
        keeper = self._keeper()
        if keeper.held is None:
            keeper.read_current()
        return keeper.held.source if keeper.held else "service"

    @property
    def broken(self) -> frozenset[str]:
        """The keys that exist but did not open; loads if nothing is loaded."""
        return self.snapshot().broken

    @property
    def refused(self) -> Mapping[str, ConfigsvcError]:
        """The namespaces whose last answer was refused, and why. They keep their values; the others are updated."""
        return {str(name): error for name, error in self._made.refused.items()} if self._made else {}

    @property
    def last_error(self) -> ConfigsvcError | None:
        """Why the last refresh failed; None if it did not."""
        return self._made.error if self._made else None

    @property
    def counts(self) -> Mapping[str, int]:
        """Counts since the start: `refreshes`, `failures`, `stale_revisions`, `refused` and `callback_failures`."""
        kept = self._made.counts if self._made else {}
        return {**kept, "callback_failures": self._callbacks.failures}

    def health(self) -> Health:
        """Returns state, age and revisions, and a reason unless all is well. Does no I/O and never raises."""
        made = self._made
        found: Health = import_reentrantly("configsvc_client._refresh.health").assess_health(
            made, None if made else self._find_misconfiguration()
        )
        return found

    def _find_misconfiguration(self) -> ConfigsvcError | None:
        try:
            parse_settings(self._given, self._environ)
        except Exception as error:  # noqa: BLE001  # an argument of a wrong type gives any, and the first read raises it
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if isinstance(error, ConfigsvcError):
                return error
            return Misconfigured(f"The settings cannot be read: {type(error).__name__}.")
        return None

    @overload
    def handler(self, function: staticmethod[P, R]) -> staticmethod[P, R]: ...

    @overload
    def handler(self, function: classmethod[T, P, R]) -> classmethod[T, P, R]: ...

    @overload
    def handler(self, function: Callable[P, R]) -> Callable[P, R]: ...

    def handler(self, function: Any) -> Any:  # as the overloads say
        """Wraps a Lambda handler: each invocation sees one snapshot, refreshed before it if that is due.

        A coroutine function sees it until it ends, whichever task awaits it. A refresh that is due then runs in a
        thread, so the event loop keeps running. A coroutine that a plain function returns sees the function's snapshot.
        Methods are wrapped in the body of their class, or bound. The remaining time comes from whichever argument has
        `get_remaining_time_in_millis`. A wrapped handler that another one calls has its own snapshot.

        A thread that the handler starts reads the current values, unless it runs in a copy of the invocation's context.

        In Lambda the first load happens here, in the init phase, so that no invocation waits for it. If it fails, the
        first invocation tries again, and raises if that fails too.

        Raises:
            Misconfigured: in Lambda, when settings are missing or wrong.
            TypeError: it is a generator, or not callable. A wrapped function raises it if it returns a generator.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self.handler(function.__func__))
        with self._making:  # once, even if another thread wraps a handler now
            self._look_for_invocations()
        wrapped = self._wrap(function)
        if self._environ.get(_IN_LAMBDA):
            self._load_ahead()
        return wrapped

    def _wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if (
            type(function) is not FunctionType
            or function.__code__.co_flags & _RUNS_LATER
            or function.__globals__.get("__name__") == "contextlib"  # made by its decorators
        ):
            from configsvc_client._reading import handlers

            handlers.check_handler(function, found := handlers.find_code_flags(function))
            if handlers.is_coroutine(found):
                invoking = handlers.Invoking(
                    self._invocation, self._read_current, self._at_hand, _read_remaining_seconds
                )
                return handlers.wrap_coroutine(function, invoking)

        @functools.wraps(function)
        def invoke(*args: object, **kwargs: object) -> object:
            snapshot = self._read_current(_read_remaining_seconds(args, kwargs))
            token = self._invocation.set(snapshot)
            try:
                came = function(*args, **kwargs)
            finally:
                self._invocation.reset(token)
            kind = type(came)
            if (
                hasattr(kind, "__await__")
                or hasattr(kind, "__next__")
                or hasattr(kind, "__anext__")
                or kind.__module__ == "contextlib"
            ):
                from configsvc_client._reading import handlers

                return handlers.hold_returned(came, function, self._invocation, snapshot)
            return came

        return invoke

    def _load_ahead(self) -> None:
        try:
            self._keeper().read_current()
        except Misconfigured:
            raise
        except ConfigsvcError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)

    def _read_current(self, remaining: float = math.inf) -> Snapshot:
        """Returns the held snapshot, by both clocks; refreshes or loads if that is due."""
        keeper = self._keeper()
        try:
            return keeper.read_current(remaining)
        finally:  # afterwards: what a process inherited without a thread may be old, and readers leave it to a thread
            if self._background:
                self._background.ensure()

    def _at_hand(self) -> bool:
        """Whether `_read_current` does no I/O."""
        made = self._made
        return made is not None and made.held is not None and made.seconds_left() > 0

    def _keeper(self) -> Keeper:
        made = self._made
        if made is not None:
            if self._process != os.getpid():  # forked by something that calls no hooks, such as uWSGI by default
                self._after_fork()
            return made
        making = self._making
        alone = making.acquire(timeout=_MAKING_SECONDS)
        try:
            return self._made or self._make()
        finally:
            if alone:
                making.release()

    def _make(self) -> Keeper:
        """Returns the keeper that was made first. Making one does no I/O, and making two is harmless.

        So a signal handler that interrupts this makes its own. So does a thread that waited in vain for the lock: if a
        handler raises just after the lock is taken, the lock is never released.
        """
        found = parse_settings(self._given, self._environ)
        world = self._world(found) if self._world else self._make_real_world(found)
        keeper = Keeper(found, world, self._callbacks, self._publish, freezes=bool(self._environ.get(_IN_LAMBDA)))
        background = None
        if self._wants_background and not self._environ.get(_IN_LAMBDA):
            from configsvc_client._refresh.background import Background

            background = Background(keeper)
        self._use_clocks(world.clock.wall, world.clock.monotonic)
        register_copy_hooks(self, self._environ)
        warning, process = world.warn, os.getpid()
        if self._made is None:  # from here on nothing is called, so no other thread or handler comes in between
            self._warning, self._process, self._background, self._made = warning, process, background, keeper
        return self._made

    def _start_over(
        self,
        given: Given,
        environ: Mapping[str, str],
        world: Callable[[ClientSettings], World] | None,
        callbacks: Callbacks,
    ) -> None:
        """Drops the keeper and its values and uses these arguments from now on; for `configsvc_client.testing`."""
        self.close()
        with self._making:
            self._given, self._environ, self._world, self._callbacks = given, hide_environ(environ), world, callbacks
            self._made = self._background = None
            self._show_nothing()

    def _make_real_world(self, found: ClientSettings) -> World:
        from configsvc_client._world import make_world

        return make_world(found, self._environ)

    def _after_fork(self) -> None:
        """Runs in a child process, before anything else does."""
        self._process, self._making = os.getpid(), threading.RLock()
        if self._made:
            self._made.after_fork()
        if self._background:
            self._background.after_fork()

    def _after_restore(self) -> None:
        """Runs in a restored copy of this process, before it is invoked."""
        if self._made:
            self._made.after_restore()

    def _call_outside_invocation(self, callback: Callback, keys: frozenset[str]) -> None:
        token = self._invocation.set(None)
        try:
            callback(keys)
        finally:
            self._invocation.reset(token)

    def _warn(self, message: str) -> None:
        self._warning(message)


def _as_texts(given: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if given is None else (given,) if isinstance(given, str) else tuple(given)


def _read_remaining_seconds(args: tuple[object, ...], kwargs: Mapping[str, object]) -> float:
    """Returns the seconds that a Lambda invocation has left, from the first argument that knows; infinite if none does.

    A value of zero or less is ignored: if it were true, nothing would run any more.
    """
    for given in (*args, *kwargs.values()):
        try:
            ask = getattr(given, "get_remaining_time_in_millis", None)
            left = None if ask is None else ask()
            if isinstance(left, int | float) and not isinstance(left, bool) and left > 0:
                return left / 1000
        except Exception as error:  # noqa: BLE001  # from a fake, or from an event that has any attribute
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
    return math.inf
