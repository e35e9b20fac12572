"""Writes every mutant of a module as a line of JSON. Runs in a separate environment, and imports nothing of ours.

The operators are mutmut's, with three more for conditions and statements. mutmut itself is not run: it skips properties
and everything outside functions (the limits), and calls each function through another one, which tests of frames and
tracebacks notice.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_TYPES = ("Literal", "TypeVar", "ParamSpec", "cast", "NewType")
_LEFT_OUT = m.Expr(m.Call() | m.Yield()) | m.AugAssign() | m.Raise() | m.Continue() | m.Break()
_ALGORITHMS = frozenset({"ascii", "latin-1", "sha256", "utf-8"})
_SLOTS = m.Assign(targets=[m.AssignTarget(m.Name("__slots__"))])  # only saves memory
_NAMED = m.Assign(value=m.Call(func=m.OneOf(*map(m.Name, _TYPES))))
_TYPED_NONE = m.AnnAssign(value=m.Name("None"))  # mypy finds any other default
_ALIAS = m.Assign(value=m.Subscript(value=m.OneOf(*map(m.Name, ("Callable", "Literal", "dict", "tuple")))))
_PASSED_OVER = _ALIAS | _SLOTS | _NAMED
_EXPLAINS = (
    _PASSED_OVER | m.Annotation() | m.Decorator() | m.Import() | m.ImportFrom() | m.If(test=m.Name("TYPE_CHECKING"))
)


def generate_mutants(path: str) -> Iterator[dict[str, object]]:
    """Yields each mutant of a file once: its whole source, the changed line, and the function around that."""
    found = _Sites()
    source = Path(path).read_text()
    module = MetadataWrapper(cst.parse_module(source)).visit(found)
    texts = {source}
    for node, mutated, line, scope in found.sites:
        text = module.deep_replace(node, mutated).code
        if text not in texts and _compiles(text):
            texts.add(text)
            before, after = _describe_change(source, text)
            yield {"line": line, "scope": scope, "before": before, "after": after, "source": text}


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _describe_change(source: str, text: str) -> tuple[str, str]:
    """Returns the lines that differ, joined to one."""
    before, after = source.splitlines(), text.splitlines()
    same = _count_common(before, after)
    before, after = before[same:], after[same:]
    rest = _count_common(before[::-1], after[::-1])
    return _join_lines(before[: len(before) - rest]), _join_lines(after[: len(after) - rest])


def _count_common(some: list[str], others: list[str]) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))


def _join_lines(lines: Iterable[str]) -> str:
    return " ".join(line.strip() for line in lines)


class _Sites(cst.CSTVisitor):
    """The places that can be changed: the node, its replacement, its line, and the lines of the outermost function."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__()
        self.sites: list[tuple[cst.CSTNode, cst.CSTNode, int, list[int] | None]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collects the changes of a node; types and texts for people are skipped."""
        if m.matches(node, _EXPLAINS) or _is_type(node) or _is_prose(node):
            return False
        place = self.get_metadata(PositionProvider, node, None)
        if place is not None:
            replaced = [*_mutate_with_mutmut(node), *_mutate_ourselves(node)]
            self.sites += [(node, each, place.start.line, self._scope(node)) for each in replaced]
        return True

    def _scope(self, node: cst.CSTNode) -> list[int] | None:
        """Returns the outermost function whose code changes; the defaults of its parameters are outside it."""
        scope, around, below = None, node, node
        while not isinstance(around, cst.Module):
            if isinstance(around, cst.FunctionDef) and not isinstance(below, cst.Parameters):
                scope = around
            around, below = self.get_metadata(ParentNodeProvider, around), around
        if scope is None:
            return None
        place = self.get_metadata(PositionProvider, scope)
        return [place.start.line - len(scope.decorators), place.end.line]


def _is_type(node: cst.CSTNode) -> bool:
    """Whether only a type checker reads the node."""
    name = getattr(node, "func", None) or (node.value if isinstance(node, cst.Subscript) else None)
    return isinstance(name, cst.Name) and name.value in _TYPES


def _is_prose(node: cst.CSTNode) -> bool:
    """Whether the node is a text with a space: a sentence for people. The tests say what it must contain."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    if isinstance(node, cst.FormattedString):
        return any(isinstance(each, cst.FormattedStringText) and " " in each.value for each in node.parts)
    return isinstance(node, cst.ConcatenatedString) and (_is_prose(node.left) or _is_prose(node.right))


def _mutate_with_mutmut(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            for mutated in operator(node):
                if not (
                    _names_algorithm(node) or _is_as_false(node, mutated) or _drops_prose(node, mutated)
                    or m.matches(node, _TYPED_NONE)
                ):  # fmt: skip
                    yield mutated


def _names_algorithm(node: cst.CSTNode) -> bool:
    """Whether it names an algorithm: Python accepts these in any case, and any other name does not exist."""
    return isinstance(node, cst.SimpleString) and node.value.strip('"') in _ALGORITHMS


def _is_as_false(node: cst.CSTNode, mutated: cst.CSTNode) -> bool:
    """Whether the mutation replaces False with None."""
    before, after = (
        [each.value for each in getattr(one, "args", [one]) if hasattr(each, "value")] for one in (node, mutated)
    )
    changed = [(old, new) for old, new in zip(before, after, strict=False) if old is not new]
    falsy = [m.matches(old, m.Name("False")) and m.matches(new, m.Name("None")) for old, new in changed]
    return len(before) == len(after) and falsy == [True]


def _drops_prose(call: cst.CSTNode, mutated: cst.CSTNode) -> bool:
    if not isinstance(call, cst.Call) or not isinstance(mutated, cst.Call):
        return False
    values = [argument.value for argument in mutated.args]
    return any(_is_prose(argument.value) and argument.value not in values for argument in call.args)


def _mutate_ourselves(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yields conditions that always or never hold, statements left out, and functions that return None."""
    if isinstance(node, cst.If | cst.While):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.BooleanOperation(test, cst.And(), cst.Name("False")))
        if isinstance(node, cst.If):
            yield node.with_changes(test=cst.BooleanOperation(test, cst.Or(), cst.Name("True")))
    elif m.matches(node, _LEFT_OUT):
        yield cst.Pass()
    elif isinstance(node, cst.Return) and node.value is not None and not m.matches(node.value, m.Name("None")):
        yield node.with_changes(value=cst.Name("None"))


if __name__ == "__main__":
    for mutant in generate_mutants(sys.argv[1]):
        print(json.dumps(mutant))
