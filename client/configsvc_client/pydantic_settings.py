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
from copy import deepcopy
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, is_typeddict

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from configsvc.model.errors import ConfigsvcError, Unprocessable
from configsvc_client._config import Config
from configsvc_client._interrupts import prefer_interrupt, reraise_interrupt
from configsvc_client._opening.value import ConfigValue
from configsvc_client._reading.mask import MASK
from configsvc_client._reading.variables import make_variable_name
from configsvc_client._secret import drop_frames

_DELIMITER = "."


class ConfigsvcSettings(BaseSettings):
    """Settings whose errors show no value: not in their text, in `errors()`, or in the frames of their traceback.

    Raises:
        ValidationError: as pydantic's, with the type, the place and the message of each error. A message that a
            validator of your own makes is kept: leave the value out of it.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  # pydantic's
        refused: BaseException | None = None
        try:
            super().__init__(**values)
        except ValidationError as error:
            refused = _mask_error(error)
        except (SettingsError, ConfigsvcError) as error:
            refused = prefer_interrupt(error, drop_frames(error))
        if refused is not None:  # raised here, as what pydantic raised comes with its frames
            raise refused


def _mask_error(error: ValidationError) -> ValidationError:
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

    Where there are keys `db.replica` and `db.replica.url`, the type of the field says which it takes: text the first, a
    model or a dict the second, and also the first where that is a JSON object. In whatever order they are served, the
    longer key wins over a member of the shorter.

    Args:
        settings_cls: the class of the settings.
        config: a Config, which is loaded if nothing is held, or a snapshot; `Config()` where left out.
        prefix: only keys that begin so, which fields are named without; not for those with an alias.

    Raises:
        Unprocessable: two keys are the same but for their case, or a field could mean either of two keys.
        CannotOpen: a key with the prefix does not open.
        ConfigUnavailable, Misconfigured: as reading does.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], config: Mapping[str, ConfigValue] | None = None, *, prefix: str = ""
    ) -> None:
        self._source = Config() if config is None else config
        self._prefix = prefix
        self._shared: dict[str, tuple[str, str]] = {}
        super().__init__(
            settings_cls, case_sensitive=False, env_prefix=prefix, env_nested_delimiter=_DELIMITER,
            env_ignore_empty=False,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"ConfigsvcSettingsSource({self._source!r}, prefix={self._prefix!r})"

    def __call__(self) -> dict[str, Any]:
        """Returns the values for the fields; called by pydantic."""
        for name, field in self.settings_cls.model_fields.items():
            for _, spelling, _ in self._extract_field_info(field, name):
                if spelling in self._shared:
                    one, other = self._shared[spelling]
                    raise Unprocessable(f"{one} and {other} could both be the field {name}. Rename one.", key=other)
        return super().__call__()

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:  # noqa: ANN401, FBT001  # pydantic's
        """A value for a field; one that cannot be an object is passed over where the field takes the keys below it."""
        try:
            chosen = None if value is None or self._passes_over(field_name, field, value) else deepcopy(value)
            return super().prepare_field_value(field_name, field, chosen, value_is_complex)
        except (ValueError, ConfigsvcError) as error:
            failed, value, chosen = drop_frames(error), None, None
        raise failed

    def _passes_over(self, field_name: str, field: FieldInfo, value: ConfigValue) -> bool:
        names = [spelling for _, spelling, _ in self._extract_field_info(field, field_name)]
        below = [each for each in self.env_vars if each.startswith(tuple(f"{name}{_DELIMITER}" for name in names))]
        if not below or not self._field_is_complex(field)[0]:
            return False
        key = next(name for name in names if self.env_vars.get(name) is not None)
        return not (_merges(value, find_taken(field)) or _keeps(key, below[0], find_taken(field)))

    def explode_env_vars(self, field_name: str, field: FieldInfo, env_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The keys below a field as nested dicts, shorter keys first, without those that nothing in the field takes."""
        below = self._find_below(field_name, field)
        chosen: dict[str, Any] = {}
        for name in sorted(below, key=lambda name: name.count(_DELIMITER)):
            key, (*outer, own) = below[name]
            if any(_PARTS not in each for each in outer):
                continue
            longer = next((each for each in below if each.startswith(f"{name}{_DELIMITER}")), None)
            if longer is None or _merges(env_vars[key], own) or _keeps(key, below[longer][0], own):
                chosen[name] = deepcopy(env_vars[key])
        return super().explode_env_vars(field_name, field, chosen)

    def _find_below(self, field_name: str, field: FieldInfo) -> dict[str, tuple[str, list[frozenset[str]]]]:
        """The keys below a field, as its fields spell them, and what each name takes."""
        prefixes = [f"{spelling}{_DELIMITER}" for _, spelling, _ in self._extract_field_info(field, field_name)]
        found: dict[str, tuple[str, list[frozenset[str]]]] = {}
        for key in self._keys:
            prefix = next(
                (each for each in prefixes if any(spelling.startswith(each) for spelling in _spell(key))), None
            )
            if prefix is None:
                continue
            names, taken = self._trace_way(field, key[len(prefix) :].split(_DELIMITER))
            name = prefix + _DELIMITER.join(names)
            if name not in found or key.count("-") < found[name][0].count("-"):  # spelled more like the fields
                found[name] = key, taken
        return found

    def _trace_way(self, field: FieldInfo, path: list[str]) -> tuple[list[str], list[frozenset[str]]]:
        """Traces the path: each name as its field spells it, and what it takes, from the outermost in."""
        names, taken = list[str](), list[frozenset[str]]()
        at: Any = field
        for name in path:
            options = {spelling: self.next_field(at, spelling, self.case_sensitive) for spelling in _spell(name)}
            spelling = next((each for each, found in options.items() if isinstance(found, FieldInfo)), name)
            within, at = at, options[spelling]
            names.append(spelling)
            taken.append(find_taken(at) if at is not None else _find_taken_beyond(within, taken))
        return names, taken

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401  # pydantic's
        """Text is JSON, as in the environment; what was stored as JSON is parsed already."""
        if not isinstance(value, str | bytes):
            return value
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError as error:
            reraise_interrupt(error)
            value = None  # raised below: json's own shows the text, and would be the cause of pydantic's SettingsError
        raise ValueError(f"{field_name} is not JSON")

    def _load_env_vars(self) -> Mapping[str, Any]:
        """Returns each key under its own spelling, and under its variable's name unless a key has that spelling."""
        snapshot: Mapping[str, ConfigValue] = getattr(self._source, "snapshot", lambda: self._source)()
        exact: dict[str, ConfigValue] = {}
        for key in snapshot:
            if key.lower() in exact and key.startswith(self._prefix):
                raise Unprocessable(f"Two keys are {key} but for their case. Fields could mean either.", key=key)
            if key.startswith(self._prefix) or not self._prefix:
                exact[key.lower()] = snapshot[key]
        self._keys = tuple(exact)
        return {**self._rename_as_variables(exact), **exact}

    def _rename_as_variables(self, exact: Mapping[str, ConfigValue]) -> dict[str, ConfigValue]:
        found: dict[str, tuple[str, ConfigValue]] = {}
        for key, value in exact.items():
            rest = key[len(self._prefix) :]
            for spelling in {make_variable_name(rest).lower(), *_spell(rest)}:
                name = self._prefix.lower() + spelling
                first, _ = found.setdefault(name, (key, value))
                if first != key and name not in exact:
                    self._shared[name] = first, key
        return {name: value for name, (_, value) in found.items()}


def _spell(name: str) -> tuple[str, str]:
    """As it is, and as a field of it is called."""
    return name, name.replace("-", "_")


_PARTS, _WHOLE = "keys below it", "its own key"


def find_taken(of: Any) -> frozenset[str]:  # noqa: ANN401  # a field or a type
    """Finds whether a field or a type takes the keys below its own, its own key, or either."""
    type_ = of.annotation if isinstance(of, FieldInfo) else of
    type_ = getattr(type_, "__value__", getattr(type_, "__supertype__", type_))  # of an alias, of a NewType
    origin = get_origin(type_)
    if origin is Annotated or origin in (Union, UnionType):
        inner = get_args(type_)[:1] if origin is Annotated else get_args(type_)
        return frozenset().union(*(find_taken(each) for each in inner if each is not NoneType))
    kind = origin or type_
    if kind in (Any, object) or isinstance(kind, TypeVar):
        return frozenset({_PARTS, _WHOLE})
    of_parts = isinstance(kind, type) and (
        issubclass(kind, BaseModel | Mapping) or is_typeddict(kind) or is_dataclass(kind)
    )
    return frozenset({_PARTS if of_parts else _WHOLE})


def _find_taken_beyond(within: Any, outer: list[frozenset[str]]) -> frozenset[str]:  # noqa: ANN401  # a field or a type
    """Finds what a name takes that is not a field: anything if extras are allowed, else only its own key."""
    if within is None:
        return outer[-1]
    type_ = within.annotation if isinstance(within, FieldInfo) else within
    if isinstance(type_, type) and issubclass(type_, BaseModel) and type_.model_config.get("extra") != "allow":
        return frozenset({_WHOLE})
    return frozenset({_PARTS, _WHOLE})


def _keeps(key: str, longer: str, taken: frozenset[str]) -> bool:
    """Whether a field takes a key that is not an object, rather than the keys below it.

    Raises:
        Unprocessable: it could take either.
    """
    if len(taken) > 1:
        raise Unprocessable(f"{key} and {longer} could both be meant for one field. Rename one.", key=longer)
    return _WHOLE in taken


def _merges(value: ConfigValue, taken: frozenset[str]) -> bool:
    """Whether a value is an object that takes in the keys below its own; for a model or a dict also text may be one."""
    if isinstance(value, str | bytes):
        return taken == {_PARTS} and value.strip()[:1] in ("{", b"{")
    return isinstance(value, Mapping)
