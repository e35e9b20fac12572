"""A loader for Dynaconf: the values of a Config as settings.

    settings = Dynaconf(loaders=["configsvc_client.dynaconf.loader", "dynaconf.loaders.env_loader"])
    settings.db.url                                             # key db.url

Namespaces, URL and keys come from the CONFIGSVC_* variables, or pass your own Config to the settings:
`Dynaconf(configsvc_config=config, loaders=[…])`. Dynaconf's environments mean nothing here: namespaces do.
A key that would be a setting of Dynaconf itself, such as `dynaconf_include` or `LOADERS_FOR_DYNACONF`, is refused,
because those name files and modules to run. So are two keys of which a setting could hold only one.
`settings.reload()` takes what the Config serves then. Needs dynaconf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Protocol

from configsvc.model.errors import Unprocessable
from configsvc_client._config import Config
from configsvc_client._opening.value import ConfigValue

CONFIG = "CONFIGSVC_CONFIG"
IDENTIFIER = "configsvc"
_COMMANDS = "AUTO_CAST_FOR_DYNACONF"
_OWN, _OWN_ENDING = ("DYNACONF", "_"), "_FOR_DYNACONF"


class DynaconfSettings(Protocol):
    """The part of Dynaconf's settings that is used here."""

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401  # settings are of any type
        """A setting."""

    def set(self, key: str, value: object, *, dotted_lookup: bool, loader_identifier: str) -> None:
        """Sets one, nested where the key has dots."""


def load(
    obj: DynaconfSettings,
    env: str | None = None,
    silent: bool = True,  # noqa: FBT001, FBT002  # Dynaconf's signature
    key: str | None = None,
    filename: str | None = None,
) -> None:
    """Sets what the Config serves; called by Dynaconf.

    It is never silent: settings without what they should hold would let a program run on its defaults.

    Args:
        obj: the settings.
        env: Dynaconf's environment, passed over.
        silent: passed over.
        key: the only setting that is wanted, as Dynaconf spells it; all where None.
        filename: passed over.

    Raises:
        Unprocessable: a key would be a setting of Dynaconf itself, or of two keys one would be lost: they are the same
            to Dynaconf, or one is not a JSON object and the other is below it.
        CannotOpen: a key does not open.
        ConfigUnavailable, Misconfigured: as reading does.
    """
    del env, silent, filename
    held = obj.get(CONFIG)
    config: Mapping[str, ConfigValue] = Config() if held is None else held
    snapshot: Mapping[str, ConfigValue] = getattr(config, "snapshot", lambda: config)()
    _check(snapshot)
    _check_that_none_is_lost(snapshot)
    with _literally(obj):
        for each in sorted(snapshot, key=_fold):  # a key comes before those below it
            if key is None or _find_top(each) == _find_top(key):
                obj.set(each, deepcopy(snapshot[each]), dotted_lookup=True, loader_identifier=IDENTIFIER)


def _check(keys: Iterable[str]) -> None:
    """Whoever can write a namespace must not choose which files and modules Dynaconf loads."""
    for each in keys:
        top = _find_top(each)
        if top.startswith(_OWN) or top.endswith(_OWN_ENDING) or top == CONFIG:
            raise Unprocessable(f"{each} would be a setting of Dynaconf itself, {top}. Rename the key.", key=each)


def _check_that_none_is_lost(snapshot: Mapping[str, ConfigValue]) -> None:
    """Dynaconf would keep the one that is set last, and say nothing."""
    known: dict[str, str] = {}
    for each in sorted(snapshot, key=_fold):
        same = known.setdefault(_fold(each), each)
        outer = (known.get(above) for above in _list_above(_fold(each)))
        lost = next((one for one in outer if one is not None and not isinstance(snapshot[one], dict)), None)
        other = same if same != each else lost
        if other is not None:
            raise Unprocessable(f"Of {other} and {each} Dynaconf would keep one. Rename the other.", key=each)


def _fold(key: str) -> str:
    """Folds a key as Dynaconf does: it ignores case, and `__` is a dot."""
    return key.replace("__", ".").lower()


def _list_above(key: str) -> Iterator[str]:
    parts = key.split(".")
    return (".".join(parts[:number]) for number in range(1, len(parts)))


@contextmanager
def _literally(obj: DynaconfSettings) -> Iterator[None]:
    """With Dynaconf's switch for commands in text off: a value that begins with `@read_file` is that text."""
    before = obj.get(_COMMANDS)
    obj.set(_COMMANDS, value=False, dotted_lookup=False, loader_identifier=IDENTIFIER)
    try:
        yield
    finally:
        obj.set(_COMMANDS, value=before is None or before, dotted_lookup=False, loader_identifier=IDENTIFIER)


def _find_top(key: str) -> str:
    """The setting that a key is in: Dynaconf's are upper case."""
    return key.replace("__", ".").partition(".")[0].upper()
