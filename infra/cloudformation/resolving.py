"""Evaluate CloudFormation's functions as far as the values of parameters decide them: pure functions over dicts.

What only CloudFormation knows (a reference to a resource, a pseudo parameter, an import) stays as it is written, with
its arguments evaluated. Equal results are written in one form, so that texts can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Node = Any  # JSON is any

NO_VALUE = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class Known(NamedTuple):
    """The values that decide a function's result: parameters by name, and the template's conditions and mappings."""

    parameters: Mapping[str, str | list[str]]
    conditions: Mapping[str, Node]
    mappings: Mapping[str, Node]

    @classmethod
    def of(cls, template: Mapping[str, Node], given: Mapping[str, str]) -> Known:
        """The values given and, of the other parameters of the template, their defaults."""
        declared = template.get("Parameters", {})
        defaults = {name: _text(about["Default"]) for name, about in declared.items() if "Default" in about}
        values = {name: value for name, value in {**defaults, **given}.items() if name in declared}
        typed = {name: _typed(value, declared[name]["Type"]) for name, value in values.items()}
        return cls(typed, template.get("Conditions", {}), template.get("Mappings", {}))


def resolve(node: Node, known: Known) -> Node:
    """Return the node evaluated. Scalars become text as CloudFormation passes them; what has no value is left out."""
    if isinstance(node, list):
        return [each for part in node if (each := resolve(part, known)) != NO_VALUE]
    if not isinstance(node, dict):
        return _text(node)
    if len(node) == 1:
        [(name, argument)] = node.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, known)
    resolved = ((name, resolve(value, known)) for name, value in node.items())
    return {name: value for name, value in resolved if value != NO_VALUE}


def list_references(node: Node) -> Iterator[str]:
    """The logical names that `Ref` and `Fn::GetAtt` name in a resolved node."""
    if isinstance(node, list):
        for part in node:
            yield from list_references(part)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "Ref":
                yield value
            elif name == "Fn::GetAtt":
                yield value[0]
            else:
                yield from list_references(value)


def _text(value: Node) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(value: str, kind: str) -> str | list[str]:
    """A list for the parameter types that are lists."""
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in value.split(",")]
    return value


def _ref(name: str, known: Known) -> Node:
    return known.parameters.get(name, {"Ref": name})


def _get_att(argument: Node, known: Known) -> Node:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return {"Fn::GetAtt": resolve(parts, known)}


def _sub(argument: Node, known: Known) -> Node:
    text, given = (argument, {}) if isinstance(argument, str) else argument
    return _concatenate(_list_parts(text, given, known))


def _list_parts(text: str, given: Mapping[str, Node], known: Known) -> Iterator[Node]:
    end = 0
    for found in _VARIABLE.finditer(text):
        yield text[end : found.start()]
        end, (literal, name) = found.end(), found.groups()
        if literal:
            yield f"${{{name}}}"
        elif name in given:
            yield resolve(given[name], known)
        else:
            yield _get_att(name, known) if "." in name else _ref(name, known)
    yield text[end:]


def _join(argument: Node, known: Known) -> Node:
    delimiter, parts = argument
    found = resolve(parts, known)
    if not isinstance(found, list):
        return {"Fn::Join": [delimiter, found]}
    return _concatenate(part for number, each in enumerate(found) for part in (delimiter if number else "", each))


def _concatenate(parts: Iterable[Node]) -> Node:
    """One text where all parts are, else `Fn::Join` of as few parts as can be."""
    merged = [""]
    for part in parts:
        if isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    needed = [part for part in merged if part != ""]
    if not needed:
        return ""
    return needed[0] if len(needed) == 1 else {"Fn::Join": ["", needed]}


def _select(argument: Node, known: Known) -> Node:
    index, items = resolve(argument[0], known), resolve(argument[1], known)
    if isinstance(items, list) and isinstance(index, str) and int(index) < len(items):
        return items[int(index)]
    return {"Fn::Select": [index, items]}


def _split(argument: Node, known: Known) -> Node:
    delimiter, text = argument[0], resolve(argument[1], known)
    return text.split(delimiter) if isinstance(text, str) else {"Fn::Split": [delimiter, text]}


def _find_in_map(argument: Node, known: Known) -> Node:
    name, *keys = resolve(argument[:3], known)
    found: Node = known.mappings.get(name) if isinstance(name, str) else None
    for key in keys:
        found = found.get(key) if isinstance(found, dict) and isinstance(key, str) else None
    if found is None:  # by a key that only CloudFormation knows, or a default: what it may choose from counts
        return {"Fn::FindInMap": [name, *keys, *resolve(argument[3:], known), resolve(known.mappings, known)]}
    return resolve(found, known)


def _if(argument: Node, known: Known) -> Node:
    name, then, otherwise = argument
    held = decide({"Condition": name}, known)
    if held is not None:
        return resolve(then if held else otherwise, known)
    branches = [resolve(then, known), resolve(otherwise, known)]
    if branches[0] == branches[1]:
        return branches[0]
    return {"Fn::If": [_spell({"Condition": name}, known), *branches]}


def _spell(condition: Node, known: Known) -> Node:
    """The condition with all that it depends on, the conditions that it names included."""
    [(name, argument)] = condition.items()
    if name == "Condition":
        return _spell(known.conditions[argument], known) if argument in known.conditions else condition
    if name == "Fn::Equals":
        return {name: resolve(argument, known)}
    return {name: [_spell(each, known) for each in argument]}


def decide(condition: Node, known: Known) -> bool | None:
    """Whether the condition holds; None if only CloudFormation knows."""
    [(name, argument)] = condition.items()
    if name == "Condition":
        return decide(known.conditions[argument], known) if argument in known.conditions else None
    if name == "Fn::Equals":
        return _equal(*resolve(argument, known))
    decided = [decide(each, known) for each in argument]
    if name == "Fn::Not":
        return None if decided[0] is None else not decided[0]
    decisive: bool = name == "Fn::Or"
    if decisive in decided:
        return decisive
    return None if None in decided else not decisive


def _equal(left: Node, right: Node) -> bool | None:
    if left == right:
        return True
    return False if isinstance(left, str) and isinstance(right, str) else None


_FUNCTIONS: Mapping[str, Callable[[Node, Known], Node]] = {
    "Ref": _ref,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
