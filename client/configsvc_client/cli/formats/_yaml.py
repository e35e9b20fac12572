"""A YAML mapping, by PyYAML.

Only what JSON writes so is a number, true, false or null (the JSON schema of YAML 1.2, 10.2). `no`, `0123`, `1:30` and
`2027-01-15` are text: nobody's password becomes a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from configsvc_client.cli.formats import _tree
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, once

FAULTS = (ValueError, RecursionError, LookupError, AttributeError)
"""What PyYAML raises beside its own: for `!!bool x`, `!!timestamp x`, numbers of thousands of digits."""

_MOST_NODES = 500_000
"""In a file, each alias counted for all that it stands for: a few lines can stand for gigabytes."""

_TAG = "tag:yaml.org,2002:"
_BREAKS = frozenset("\r\x85\u2028\u2029")
_RESOLVED = (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
    ("merge", r"<<", ["<"]),
)


def read(text: str) -> Read:
    """The members of the mapping, with the lines they stand on."""
    import yaml

    try:
        loader = _loader()(text)
        return once(_found(loader, loader.get_single_node()))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # its text may tell what stands there
        return [], [Problem(f"line {mark.line + 1}" if mark else "", None, "not YAML")]
    except FAULTS:
        return [], [Problem("", None, "not YAML: it holds a number, a tag or a depth that cannot be read")]


def write(values: Sequence[Value], namespace: str) -> Written:
    """A mapping; texts of several lines as blocks, bytes as !!binary."""
    del namespace
    return dumped({value.key: _tree.native(value, _tree.anything, binary=True) for value in values}), []


def dumped(found: object) -> str:
    """YAML that `read` takes as it was meant, and YAML 1.1 too."""
    import yaml

    text: str = yaml.dump(found, Dumper=_dumper(), allow_unicode=True, sort_keys=False, width=1_000_000)
    return text


def _found(loader: Any, node: Any) -> Iterator[Row | Problem]:  # noqa: ANN401  # PyYAML's
    import yaml

    if not isinstance(node, yaml.MappingNode):
        yield Problem("", None, "not a YAML mapping of keys and values")
        return
    loader.flatten_mapping(node)
    keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    if {"apiVersion", "kind"} <= keys:
        yield Problem("", None, "a manifest of Kubernetes; say --format k8s-secret")
        return
    known: dict[int, int] = {}
    left = _MOST_NODES
    for key, value in node.value:
        place = f"line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            yield Problem(place, None, "a key is a text")
        elif isinstance(value, yaml.ScalarNode) and value.tag == f"{_TAG}null" and not value.value:
            yield Problem(place, key.value, "no value; write '' for an empty one, or null")
        elif _nodes(value, known) > left:
            yield Problem(place, key.value, "too much: anchors stand for what they name")
        else:
            left -= _nodes(value, known)
            yield _tree.row(place, key.value, loader.construct_object(value, deep=True))


def _nodes(node: Any, known: dict[int, int]) -> int:  # noqa: ANN401  # PyYAML's
    """How many nodes a value is when it is written out. One that holds itself is refused later."""
    if id(node) not in known:
        known[id(node)] = 1  # while it is counted
        held = node.value if isinstance(node.value, list) else []
        parts = (part for each in held for part in (each if isinstance(each, tuple) else (each,)))
        known[id(node)] = 1 + sum(_nodes(part, known) for part in parts)
    return known[id(node)]


@cache
def _loader() -> Any:  # noqa: ANN401  # a class of PyYAML's, made once it is needed
    import yaml

    class Loader(yaml.SafeLoader):
        """Resolves as JSON does; a mapping has texts for keys, each once."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as PyYAML has it

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # PyYAML's
            self.flatten_mapping(node)
            found: dict[Any, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.value in found:
                    raise yaml.constructor.ConstructorError(None, None, "a key twice", key.start_mark)
                found[key.value] = self.construct_object(value, deep=deep)
            return found

    _resolve(Loader)
    Loader.add_constructor(f"{_TAG}int", lambda _, node: int(node.value))
    Loader.add_constructor(f"{_TAG}float", lambda _, node: float(node.value))
    return Loader


@cache
def _dumper() -> Any:  # noqa: ANN401  # a class of PyYAML's, made once it is needed
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what YAML 1.1 or JSON would take for something else; repeats what stands twice, without an alias."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # as PyYAML has it
            first: list(known) for first, known in yaml.SafeDumper.yaml_implicit_resolvers.items()
        }

        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    _resolve(Dumper)
    Dumper.add_representer(str, _text)
    return Dumper


def _text(dumper: Any, text: str) -> Any:  # noqa: ANN401  # PyYAML's
    # PyYAML folds the line breaks of Unicode where it does not escape them.
    style = '"' if _BREAKS.intersection(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


def _resolve(kind: Any) -> None:  # noqa: ANN401  # a class of PyYAML's
    for name, pattern, first in _RESOLVED:
        kind.add_implicit_resolver(f"{_TAG}{name}", re.compile(rf"(?:{pattern})\Z"), first)
