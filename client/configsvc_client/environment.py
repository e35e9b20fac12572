"""For code that reads its settings from the environment: fill it from a Config.

    from configsvc_client import Config, environment

    environment.fill(Config())          # db.url is DB_URL from here on, where it was not set already

A secret in the environment is inherited by every process that is started, and shown by the operating system to whoever
may look: prefer `config.secret` where the code is yours. Nothing is refreshed: what was filled in stays.

Whoever can write a namespace chooses these variables, so say which it may set:

    environment.fill(Config(), allow=["DB_*", "SMTP_*"])

Variables that are known to run code or to change whom a program trusts (PATH, LD_PRELOAD, HTTPS_PROXY, AWS_CONFIG_FILE
and many more) are refused, as by `configsvc exec`, unless `allow` names them in full. No list of them is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, MutableMapping

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._reading.variables import Advice, check_room, make_variables
from configsvc_client._secret import drop_frames

_ADVICE = Advice(
    "Leave it out with prefix=, read it from the Config, or name the variable in full in allow=.",
    "Take one of each with prefix=, read them from the Config, or rename them.",
)


def fill(
    config: Mapping[str, object],
    environ: MutableMapping[str, str] | None = None,
    *,
    prefix: str = "",
    overwrite: bool = False,
    allow: Iterable[str] | None = None,
) -> list[str]:
    """Set the variable of each key, by the names that `configsvc exec` gives them; all or none.

    Args:
        config: a Config, which is loaded if nothing is held, or one of its snapshots.
        environ: what is filled; `os.environ` where left out.
        prefix: only keys that begin so. Their variables have the whole key's name.
        overwrite: whether to replace variables that are set already.
        allow: the only variables to set; `*` matches any text. All others are left out. A dangerous variable is set
            only if it is named here in full.

    Returns:
        The names that were set, in their order; never a value.

    Raises:
        Unprocessable: a variable is dangerous, two keys have the same one, a value does not fit into one, or they would
            take so much room that no program could be started any more.
        CannotOpen: a key does not open.
        ConfigUnavailable, Misconfigured: as reading does.
    """
    filled = _try_to_fill(config, environ, prefix=prefix, overwrite=overwrite, allow=allow)
    if isinstance(filled, BaseException):
        raise filled
    return filled


def _try_to_fill(
    config: Mapping[str, object],
    environ: MutableMapping[str, str] | None,
    *,
    prefix: str,
    overwrite: bool,
    allow: Iterable[str] | None,
) -> list[str] | BaseException:
    """The names, or why not: raised by another, without this frame and its values."""
    target = os.environ if environ is None else environ
    try:
        snapshot = getattr(config, "snapshot", lambda: config)()
        listed = None if allow is None else _check_allowed(allow)
        stored = {key: _encode_stored(snapshot[key]) for key in snapshot if key.startswith(prefix)}
        found = make_variables(stored, _ADVICE, lambda _: listed).found
        chosen = {name: text for name, text in found.items() if overwrite or name not in target}
        if chosen:
            check_room({**target, **chosen})
    except ConfigsvcError as error:
        from configsvc_client._interrupts import prefer_interrupt

        return prefer_interrupt(error, drop_frames(error))
    target.update(chosen)
    return sorted(chosen)


def _check_allowed(allow: Iterable[str]) -> tuple[str, ...]:
    if isinstance(allow, str):  # each of its characters would be a pattern
        raise Misconfigured('allow= takes a list of variables and patterns, like ["DB_*"].')
    return tuple(allow)


def _encode_stored(value: object) -> bytes:
    """Text and bytes as they are, everything else as JSON."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="surrogatepass")
