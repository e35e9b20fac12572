"""A provider for the Parameters utility of Powertools for AWS Lambda, for code that reads through it.

    provider = ConfigsvcProvider(config)
    provider.get("db.url")                          # text, as Parameter Store gives it
    provider.get("limits", transform="json")
    provider.get_multiple("db")                     # {"url": …, "pool": …, "replica.url": …}
    provider.get_multiple("db", recursive=False)    # {"url": …, "pool": …}

Needs aws-lambda-powertools. `config[...]` itself is fresh by its own rules and far faster; this is for what is there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.parameters import BaseProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from configsvc.model.errors import Misconfigured
from configsvc_client._config import Config
from configsvc_client._interrupts import prefer_interrupt
from configsvc_client._opening.value import ConfigValue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.types import TransformOptions

_SEPARATOR = "."
_ONE_LEVEL = "*"  # which no key has


class ConfigsvcProvider(BaseProvider):
    """Parameters from a Config. They are kept for `max_age` seconds (5) in Powertools' own cache.

    `force_fetch` also refreshes the Config; inside a handler that `config.handler` wraps, the invocation's snapshot
    does not change. Errors are Powertools' GetParameterError and TransformParameterError. What a signal
    handler raises, such as a time limit, comes as it is.

    Args:
        config: where they are; `Config()` where left out.
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools leaves it so
        self._config = Config() if config is None else config

    def get(
        self,
        name: str,
        max_age: int | None = None,
        transform: TransformOptions = None,
        force_fetch: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        **sdk_options: Any,  # noqa: ANN401  # Powertools' signature
    ) -> str | bytes | dict[str, Any] | None:
        """The value of a key; JSON as its text, so that `transform="json"` is what parses it.

        `decrypt` is taken and changes nothing: values come opened. Other options of the AWS SDK are refused.
        """
        try:
            return super().get(name, max_age, transform, force_fetch, refresh=force_fetch, **sdk_options)
        except GetParameterError as error:
            failed = prefer_interrupt(error, error)
        raise failed

    def get_multiple(
        self,
        path: str,
        max_age: int | None = None,
        transform: TransformOptions = None,
        raise_on_transform_error: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        force_fetch: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        *,
        recursive: bool = True,
        **sdk_options: Any,  # noqa: ANN401  # Powertools' signature
    ) -> dict[str, str] | dict[str, bytes] | dict[str, dict[str, Any]]:
        """The values of the keys below `path` (`db`: `db.url`), named without it; all of them for an empty path.

        With `recursive=False`, which is SSMProvider's default, only those one level below: `db.url` and not
        `db.replica.url`. A last `.json` or `.binary`, by which `transform="auto"` goes, does not count as a level.
        """
        asked = f"{path.removesuffix(_SEPARATOR)}{_SEPARATOR}" if path else path
        try:
            return super().get_multiple(
                asked if recursive else asked + _ONE_LEVEL,  # Powertools' cache goes by the path alone
                max_age, transform, raise_on_transform_error, force_fetch, refresh=force_fetch, **sdk_options,
            )  # fmt: skip
        except GetParameterError as error:
            failed = prefer_interrupt(error, error)
        raise failed

    def _get(self, name: str, **sdk_options: Any) -> str | bytes:  # noqa: ANN401  # Powertools' signature
        self._refresh_if_asked(**sdk_options)
        return _render(self._config[name])

    def _get_multiple(self, path: str, **sdk_options: Any) -> dict[str, Any]:  # noqa: ANN401  # Powertools' signature
        below = path.removesuffix(_ONE_LEVEL)
        if "/" in below:
            raise Misconfigured(f"Keys have dots where paths of Parameter Store have /: {_join_with_dots(below)!r}.")
        self._refresh_if_asked(**sdk_options)
        snapshot = self._config.snapshot()
        found = {key[len(below) :]: key for key in snapshot if key.startswith(below)}
        return {name: _render(snapshot[key]) for name, key in found.items() if below == path or _is_one_level(name)}

    def _refresh_if_asked(self, *, refresh: bool, decrypt: bool | None = None, **sdk_options: Any) -> None:  # noqa: ANN401  # Powertools' signature
        del decrypt
        if sdk_options:  # a version or a filter that is passed over would give what was not asked for
            raise Misconfigured(f"ConfigsvcProvider does not know {', '.join(sorted(sdk_options))}. Leave it out.")
        if refresh:
            self._config.refresh()


def _join_with_dots(path: str) -> str:
    return _SEPARATOR.join(part for part in path.rstrip(_SEPARATOR).split("/") if part)


def _is_one_level(name: str) -> bool:
    return _SEPARATOR not in name.removesuffix(".json").removesuffix(".binary")


def _render(value: ConfigValue) -> str | bytes:
    if isinstance(value, str | bytes):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
