"""A provider for the Parameters utility of Powertools for AWS Lambda, for code that reads through it.

    provider = ConfigsvcProvider(config)
    provider.get("db.url")                          # text, as Parameter Store gives it
    provider.get("limits", transform="json")
    provider.get_multiple("db")                     # {"url": …, "pool": …}

Needs aws-lambda-powertools. `config[...]` itself is fresh by its own rules and far faster; this is for what is there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.parameters import BaseProvider

from configsvc_client._config import Config
from configsvc_client._value import Value

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.types import TransformOptions

_SEPARATOR = "."


class ConfigsvcProvider(BaseProvider):
    """Parameters from a Config. They are kept for `max_age` seconds (5) in Powertools' own cache.

    `force_fetch` also refreshes the Config; inside a handler that `config.handler` wraps, the invocation's snapshot
    stays what it is all the same. Errors are Powertools' GetParameterError and TransformParameterError.

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
        """The value of a key; JSON as its text, so that `transform="json"` is what parses it."""
        return super().get(name, max_age, transform, force_fetch, refresh=force_fetch, **sdk_options)

    def get_multiple(
        self,
        path: str,
        max_age: int | None = None,
        transform: TransformOptions = None,
        raise_on_transform_error: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        force_fetch: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        **sdk_options: Any,  # noqa: ANN401  # Powertools' signature
    ) -> dict[str, str] | dict[str, bytes] | dict[str, dict[str, Any]]:
        """The values of the keys below `path` (`db`: `db.url`), named without it; all of them for an empty path."""
        return super().get_multiple(
            path, max_age, transform, raise_on_transform_error, force_fetch, refresh=force_fetch, **sdk_options
        )

    def _get(self, name: str, **sdk_options: Any) -> str | bytes:  # noqa: ANN401  # Powertools' signature
        self._refreshed(**sdk_options)
        return _text(self._config[name])

    def _get_multiple(self, path: str, **sdk_options: Any) -> dict[str, Any]:  # noqa: ANN401  # Powertools' signature
        self._refreshed(**sdk_options)
        below = path if not path or path.endswith(_SEPARATOR) else path + _SEPARATOR
        snapshot = self._config.snapshot()
        return {key[len(below) :]: _text(snapshot[key]) for key in snapshot if key.startswith(below)}

    def _refreshed(self, *, refresh: bool) -> None:
        if refresh:
            self._config.refresh()


def _text(value: Value) -> str | bytes:
    if isinstance(value, str | bytes):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
