"""YAML that PyYAML, other readers of YAML 1.1 and 1.2, and `_yaml` take for the same values."""

from __future__ import annotations

from functools import cache
from typing import Any

from configsvc.model.json_text import JsonObject, Number
from configsvc_client.cli.formats import _yaml_types
from configsvc_client.cli.formats._yaml_types import TAG

_BREAKS = frozenset("\r\x85\u2028\u2029")
_DIGITS = 4300
"""Of an integer. Python refuses longer ones (sys.set_int_max_str_digits), and PyYAML the whole file then."""


def holds(node: JsonObject) -> bool:
    """Whether every reader takes a node of JSON."""
    return not isinstance(node, Number) or len(node.spelling) <= _DIGITS


def dumped(found: object) -> str:
    """The text of a tree.

    A number that PyYAML would take for a text, such as `12e3`, is tagged `!!float`, and every reader takes a number.
    """
    import yaml

    text: str = yaml.dump(found, Dumper=_dumper(), allow_unicode=True, sort_keys=False, width=1_000_000)
    return text


@cache
def _dumper() -> Any:  # noqa: ANN401  # a class of PyYAML, made once it is needed
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes texts that any reader would type; repeats what appears twice, without an alias."""

        yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # as PyYAML has it

        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    _yaml_types.resolve(Dumper, writes=True)
    Dumper.add_representer(str, _text)
    Dumper.add_representer(Number, _number)
    return Dumper


def _text(dumper: Any, text: str) -> Any:  # noqa: ANN401  # PyYAML's
    # PyYAML folds the line breaks of Unicode where it does not escape them.
    style = '"' if _BREAKS.intersection(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{TAG}str", text, style=style)


def _number(dumper: Any, number: Number) -> Any:  # noqa: ANN401  # PyYAML's
    kind = "int" if number.spelling.lstrip("-").isdigit() else "float"
    return dumper.represent_scalar(f"{TAG}{kind}", number.spelling)
