"""Settings of pydantic-settings, read from a Config.

    class Db(BaseModel):
        url: str
        pool: int = 5

    class Settings(ConfigsvcSettings):                                # a BaseSettings whose errors show no value
        db: Db                                                        # keys db.url and db.pool, or db as JSON
        log_level: str = "info"                                       # key log_level, log.level or log-level
        token: SecretStr = Field(validation_alias="payments.token")   # exactly that key

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, env_settings, **_):
            return init_settings, env_settings, ConfigsvcSettingsSource(settings_cls, config)

Needs pydantic-settings.

pydantic puts what it refuses into its errors: into their text, unless `hide_input_in_errors=True`, and into `errors()`
and the frames of the traceback in any case. Those of a `ConfigsvcSettings` hold a mask in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from configsvc.model.errors import ConfigsvcError, Unprocessable
from configsvc_client._config import Config
from configsvc_client._hidden import without_frames
from configsvc_client._mask import MASK
from configsvc_client._value import Value
from configsvc_client._variables import name_of

_DELIMITER = "."


class ConfigsvcSettings(BaseSettings):
    """Settings whose errors show no value: not in their text, in `errors()`, or in the frames of their traceback.

    Raises:
        ValidationError: as pydantic's, with the type, the place and the message of each error. A message that a
            validator of your own makes is kept: leave the value out of it.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  # pydantic's
        refused: Exception | None = None
        try:
            super().__init__(**values)
        except ValidationError as error:
            refused = _masked(error)
        except (SettingsError, ConfigsvcError) as error:
            refused = without_frames(error)
        if refused is not None:  # raised here, as what pydantic raised comes with its frames
            raise refused


def _masked(error: ValidationError) -> ValidationError:
    lines = [
        InitErrorDetails(type=PydanticCustomError(each["type"], each["msg"]), loc=each["loc"], input=MASK)
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)


class ConfigsvcSettingsSource(EnvSettingsSource):
    """A settings source that knows the keys of a Config as the environment's knows variables; letter case is ignored.

    The keys of nested models go by `.`; a field `db_url` finds the key `db.url` as well, by the names that
    `configsvc exec` gives variables. Values come with their types: text, parsed JSON, bytes. Text for a field that is
    a list, a dict or a model is read as JSON. All values of one settings object are of one snapshot.

    Args:
        settings_cls: the class of the settings.
        config: a Config, which is loaded if nothing is held, or a snapshot; `Config()` where left out.
        prefix: only keys that begin so, which fields are named without; not for those with an alias.

    Raises:
        Unprocessable: two keys are the same but for their case.
        CannotOpen: a key with the prefix does not open.
        ConfigUnavailable, Misconfigured: as reading does.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], config: Mapping[str, Value] | None = None, *, prefix: str = ""
    ) -> None:
        self._source = Config() if config is None else config
        self._prefix = prefix
        super().__init__(
            settings_cls, case_sensitive=False, env_prefix=prefix, env_nested_delimiter=_DELIMITER,
            env_ignore_empty=False,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"ConfigsvcSettingsSource({self._source!r}, prefix={self._prefix!r})"

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401  # pydantic's
        """Text is JSON, as in the environment; what was stored as JSON is parsed already."""
        if not isinstance(value, str | bytes):
            return value
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            value = None  # raised below: json's own shows the text, and would be the cause of pydantic's SettingsError
        raise ValueError(f"{field_name} is not JSON")

    def _load_env_vars(self) -> Mapping[str, Any]:
        """Each key as it is spelt, and by the name of its variable where no key is spelt so."""
        snapshot: Mapping[str, Value] = getattr(self._source, "snapshot", lambda: self._source)()
        exact: dict[str, Value] = {}
        for key in snapshot:
            if key.lower() in exact and key.startswith(self._prefix):
                raise Unprocessable(f"Two keys are {key} but for their case. Fields could mean either.", key=key)
            if key.startswith(self._prefix) or not self._prefix:
                exact[key.lower()] = snapshot[key]
        return {**self._renamed(exact), **exact}

    def _renamed(self, exact: Mapping[str, Value]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, value in exact.items():
            rest = key[len(self._prefix) :]
            for spelt in (name_of(rest).lower(), rest.replace("-", "_")):
                found.setdefault(self._prefix.lower() + spelt, value)
        return found
