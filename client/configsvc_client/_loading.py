"""The first load: from the service, in up to three tries, else from the fallback file, within the start deadline."""

from __future__ import annotations

from configsvc.model.errors import ConfigsvcError, ConfigUnavailable, Internal, Misconfigured, Throttled, Unavailable
from configsvc.model.record import Record
from configsvc_client._freshness import Freshness, confirmed, saved
from configsvc_client._opening import Rules
from configsvc_client._ports import Found, World
from configsvc_client._refresh import Held, first, opened, ours
from configsvc_client._settings import Settings

_TRIES = 3
_PAUSE = 0.2
_PASSING = (Unavailable, Throttled, Internal)


class Loaded(Record):
    """What was loaded, how fresh that is, and why it is not from the service, where it is not."""

    held: Held
    freshness: Freshness
    error: ConfigsvcError | None = None


def seconds_of(settings: Settings) -> float:
    """How long a first load may take: with a fallback file, as long once more to open that."""
    return settings.start_seconds * (1 if settings.fallback is None else 2)


def load(settings: Settings, world: World, rules: Rules, deadline: float) -> Loaded:
    """What to hold when nothing was.

    The service has the time until then; where there is a fallback file half of it, and opening the file the rest. A
    file that may not be used is warned of.

    Raises:
        ConfigUnavailable: neither gave anything.
        Misconfigured: settings for what has to be opened are missing.
    """
    now = world.clock.now()
    spared = 0.0 if settings.fallback is None else (deadline - now.monotonic) / 2
    try:
        held = _from_service(settings, world, rules, deadline - spared)
    except ConfigUnavailable as error:
        if settings.fallback is None:
            raise
        return _from_file(settings, world, rules, deadline, error)
    return Loaded(held, confirmed(now, settings.pace, world.chance))


def _from_service(settings: Settings, world: World, rules: Rules, deadline: float) -> Held:
    """Only what may pass by itself is tried again, and not before the service said."""
    for left in reversed(range(_TRIES)):
        try:
            return ours(lambda: first(settings.namespaces, world.gateway, rules, deadline, world.prepare))
        except Misconfigured:
            raise
        except ConfigsvcError as error:
            pause = max(_PAUSE * world.chance() * 2 ** (_TRIES - left), retry_after(error) or 0.0)
            if not left or not isinstance(error, _PASSING) or world.clock.now().monotonic + pause >= deadline:
                raise ConfigUnavailable(
                    f"Config could not be loaded. {error.detail}", cause=error.code, **_told(error)
                ) from error
            world.clock.pause(pause)
    raise AssertionError("unreachable")


def _from_file(settings: Settings, world: World, rules: Rules, deadline: float, error: ConfigUnavailable) -> Loaded:
    path = str(settings.fallback)
    try:
        held, saved_at = ours(lambda: _opened_file(path, settings, world, rules, deadline))
    except Misconfigured:
        raise
    except ConfigsvcError as refused:
        world.warn(f"The fallback file {path} is not used. {refused.detail}")
        from configsvc_client._sentences import sentences

        either = f"The fallback file {path} is not used either"
        raise ConfigUnavailable(sentences(error.detail, either, refused.detail), **error.members) from error.__cause__
    world.warn(f"Config is served from the fallback file {path}. {error.detail}")
    now = world.clock.now()
    fresh = saved(saved_at, now, settings.pace, world.chance, retry_after(error))
    return Loaded(held, fresh, error)


def _opened_file(path: str, settings: Settings, world: World, rules: Rules, deadline: float) -> tuple[Held, float]:
    """What the file holds, opened, and when it was saved."""
    from configsvc_client._fallback import checked, decode

    fallback = decode(world.read(path))
    sealed = checked(fallback, settings.url, settings.namespaces)
    found = {namespace: Found("", each) for namespace, each in sealed.items()}
    return opened(settings.namespaces, found, rules, deadline, "fallback"), fallback.saved_at


def retry_after(error: ConfigsvcError) -> float | None:
    """The seconds that the service said to stay away, where it did."""
    said = error.members.get("retry_after")
    return float(said) if isinstance(said, int) else None


def _told(error: ConfigsvcError) -> dict[str, int]:
    said = error.members.get("retry_after")
    return {"retry_after": said} if isinstance(said, int) else {}
