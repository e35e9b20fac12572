"""The first load: from the service, asked again until the start deadline, else from the fallback file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from configsvc.model.errors import ConfigsvcError, ConfigUnavailable, Internal, Misconfigured, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._freshness import Freshness, make_confirmed, make_saved
from configsvc_client._opening.opening import OpeningRules
from configsvc_client._ports import NOT_OURS, Chance, FetchedSnapshot, World
from configsvc_client._refresh.flight import Held, fetch_all, open_all, translate_errors
from configsvc_client._settings import ClientSettings

Attempted = TypeVar("Attempted")

_FIRST_WAIT = 0.2
"""The longest first wait in seconds; each later one may be twice as long, without a limit."""

_FOR_KMS = 0.1
"""The share of the time that is kept for the service's last answer and for opening it by KMS: 0.8 s of 8."""

_LATE = 0.1
"""The last request is made in this last share of the time, so that small draws do not end the start early."""

_FEW = 3
_SELDOM_PASSING = frozenset({"certificate", NOT_OURS, "unforeseen"})
"""Reasons that time alone seldom mends: a wrong URL fails after three tries, not after 8 s."""

_PASSING = (Unavailable, Throttled, Internal)


class Loaded(Record):
    """The loaded values, how fresh they are, and why they are not from the service, if they are not."""

    held: Held
    freshness: Freshness
    error: ConfigsvcError | None = None


def compute_load_seconds(settings: ClientSettings) -> float:
    """Returns how long a first load may take: twice the start deadline with a fallback file."""
    return settings.start_seconds * (1 if settings.fallback is None else 2)


def load(settings: ClientSettings, world: World, rules: OpeningRules, deadline: float) -> Loaded:
    """Loads when nothing is held.

    The service has until the deadline. With a fallback file, it has half of that time, and opening the file the rest.
    A file that cannot be used is logged as a warning.

    Raises:
        ConfigUnavailable: neither could be loaded.
        Misconfigured: settings that opening needs are missing.
    """
    now = world.clock.now()
    spared = 0.0 if settings.fallback is None else (deadline - now.monotonic) / 2
    try:
        held = _load_from_service(settings, world, rules, deadline - spared)
    except ConfigUnavailable as error:
        if settings.fallback is None:
            raise
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return _load_from_file(settings, world, rules, deadline, error)
    return Loaded(held, make_confirmed(now, settings.pace, world.chance))


def _load_from_service(settings: ClientSettings, world: World, rules: OpeningRules, deadline: float) -> Held:
    """Fetched once: while KMS throttles, KMS is asked again, and the service is not."""
    left = deadline - world.clock.now().monotonic
    starting = _Starting(settings, world, rules, deadline)
    _attempt_until(starting.fetch, world, deadline - (_FOR_KMS * left if settings.pin.arns else 0.0))
    return _attempt_until(starting.open, world, deadline)


class _Starting:
    """The fetched snapshots until they are opened; in a function, so that no frame of an error holds them."""

    def __init__(self, settings: ClientSettings, world: World, rules: OpeningRules, deadline: float) -> None:
        self._settings, self._world, self._rules, self._deadline = settings, world, rules, deadline
        self._found: Callable[[], dict[Namespace, FetchedSnapshot]] = dict

    def fetch(self) -> None:
        found = fetch_all(self._settings.namespaces, self._world.gateway, self._deadline, self._world.prepare)
        self._found = lambda: dict(found)

    def open(self) -> Held:
        """Opens the rest: what KMS opened before it failed is in the keyring, and not requested again."""
        return open_all(self._settings.namespaces, self._found(), self._rules, self._deadline, "service")


def _attempt_until(attempt: Callable[[], Attempted], world: World, until: float) -> Attempted:
    """Returns the result of an attempt. Retries only errors that may pass by themselves, and never after `until`.

    Waits for Retry-After plus full jitter, because a whole fleet may have got the same. Without Retry-After the last
    request is in the last tenth of the time, whatever the jitter is.

    Raises:
        ConfigUnavailable: why there is nothing; at once where the wait would end too late.
        Misconfigured: from the attempt.
    """
    tried, late = 0, _LATE * (until - world.clock.now().monotonic)
    while True:
        try:
            return translate_errors(attempt)
        except Misconfigured:
            raise
        except ConfigsvcError as error:
            from configsvc.model.retry import Backoff, get_retry_after
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            tried, said = tried + 1, get_retry_after(error) or 0
            room = until - world.clock.now().monotonic - said
            if room <= (0.0 if said else late) or not _is_worth_retrying(error, tried):
                raise _make_unavailable(error) from error
            longest = max(Backoff(_FIRST_WAIT).longest(tried), said)
            pause = said + _draw_pause(longest, room, world.chance, told=bool(said))
        world.clock.pause(pause)


def _draw_pause(most: float, room: float, chance: Chance, *, told: bool) -> float:
    """Draws full jitter within the remaining room. Without Retry-After, if it could reach the end, at least half."""
    least = room / 2 if most > room and not told else 0.0
    return least + chance() * (min(most, room) - least)


def _is_worth_retrying(error: ConfigsvcError, tried: int) -> bool:
    return isinstance(error, _PASSING) and (tried < _FEW or error.members.get("reason") not in _SELDOM_PASSING)


def _make_unavailable(error: ConfigsvcError) -> ConfigUnavailable:
    from configsvc.model.retry import get_retry_after

    asked = get_retry_after(error)
    members = {} if asked is None else {"retry_after": asked}
    return ConfigUnavailable(f"Config could not be loaded. {error.detail}", cause=error.code, **members)


def _load_from_file(
    settings: ClientSettings, world: World, rules: OpeningRules, deadline: float, error: ConfigUnavailable
) -> Loaded:
    path = str(settings.fallback)
    try:
        held, saved_at = translate_errors(lambda: _open_file(path, settings, world, rules, deadline))
    except Misconfigured:
        raise
    except ConfigsvcError as refused:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(refused)
        world.warn(f"The fallback file {path} is not used. {refused.detail}")
        from configsvc_client._wording import join_sentences

        either = f"The fallback file {path} is not used either"
        raise ConfigUnavailable(
            join_sentences(error.detail, either, refused.detail), **error.members
        ) from error.__cause__
    world.warn(f"Config is served from the fallback file {path}. {error.detail}")
    from configsvc.model.retry import get_retry_after

    now = world.clock.now()
    fresh = make_saved(saved_at, now, settings.pace, world.chance, get_retry_after(error))
    return Loaded(held, fresh, error)


def _open_file(
    path: str, settings: ClientSettings, world: World, rules: OpeningRules, deadline: float
) -> tuple[Held, float]:
    """Opens the file; returns its values and when it was saved."""
    from configsvc_client._opening.fallback_file import decode, read, select_snapshots

    fallback = decode((world.read or read)(path))
    sealed = select_snapshots(fallback, settings.url, settings.namespaces)
    found = {namespace: FetchedSnapshot("", each) for namespace, each in sealed.items()}
    return open_all(settings.namespaces, found, rules, deadline, "fallback"), fallback.saved_at
