"""The nodes of a YAML document, from PyYAML, and the types of plain scalars. Errors never quote the text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from configsvc_client.cli.formats import _common, _tree
from configsvc_client.cli.formats._common import Problem

TAG = "tag:yaml.org,2002:"

_INT = r"-?(?:0|[1-9][0-9]*)"
_FLOAT = r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?"
_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBERS = list("-0123456789")

READ = (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT, _NUMBERS),
    ("float", _FLOAT, _NUMBERS),
    ("merge", r"<<", ["<"]),
)
"""Tag, pattern and first characters of the scalars that are typed when read."""

_OTHERS = (
    ("other", r".*", list("0123456789+-.=<~:")),
    ("other", r"[eE_][-+0-9_.]+", list("eE_")),
    ("other", r"(?i:y|n|yes|no|on|off|true|false|null|nil|none|nan|inf|infinity)", list("yYnNoOtTfFiI")),
)
"""Scalars that some reader may type, generously: first characters of numbers, times and Ruby symbols."""


def is_number(text: str) -> bool:
    """Whether the text is a JSON number."""
    return _JSON.fullmatch(text) is not None


def add_resolvers(kind: Any, *, writes: bool) -> None:  # noqa: ANN401  # a loader or dumper class of PyYAML
    """Makes a PyYAML class type plain scalars as above. A writer also quotes scalars that any reader would type."""
    for name, pattern, first in (*READ, *_OTHERS) if writes else READ:
        kind.add_implicit_resolver(f"{TAG}{name}", re.compile(rf"(?:{pattern})\Z", re.DOTALL), first)


_FAULTS = (
    ("found character '\\t'", "a tab, where YAML takes only spaces"),
    ("found character", "a value that starts with @, ` or %, or a lone bracket; put it in quotes"),
    (
        "mapping values are not allowed",
        "a colon where no key can be; check the indentation, and quote strings with ': '",
    ),
    ("sequence entries are not allowed", "a '- ' where no list can start; check the indentation"),
    ("mapping keys are not allowed", "a '? ' where no key can be"),
    ("could not find expected ':'", "a line without ': '; check the indentation and the quotes before it"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("found unexpected document separator", "a quote is not closed"),
    ("expected <block end>", "wrong indentation, or text after a closing quote or bracket"),
    ("expected ',' or ']'", "a list in brackets is not closed, or lacks a comma"),
    ("expected ',' or '}'", "a mapping in braces is not closed, or lacks a comma"),
    ("expected the node content", "a value is missing or misplaced"),
    ("found unknown escape", "an escape that YAML does not have; write \\\\ for a backslash, or use single quotes"),
    ("expected escape sequence", "an escape with too few digits in double quotes"),
    ("expected alphabetic or numeric", "an & or * without a name; put strings that start with it in quotes"),
    (
        "found undefined alias",
        "an alias (*name) without an anchor (&name) before it; put strings that start with * in quotes",
    ),
    ("second occurrence", "an anchor (&name) is defined a second time"),
    ("but found another document", "a second document starts here, but a file can hold only one; split it at ---"),
    ("expected '<document start>'", "text where a document must start with ---"),
    ("found incompatible YAML", "a %YAML directive of a version other than 1.1 or 1.2"),
    (
        "found undefined tag handle",
        "a tag whose handle no %TAG directive defines; put strings that start with ! in quotes",
    ),
)
"""By the first words of PyYAML's descriptions."""

_TEMPLATE = re.compile(r"(?m)^[ \t]*(\{\{[-\w. \t]|\{%)")
"""A line of a Go template, as in Helm charts, or of a Jinja template."""

_VALID = ("second occurrence", "but found another document")
"""Faults that are valid YAML but refused here."""

_OPENED = ("found unexpected", "expected ',' or")
"""Faults whose place is where the quote or bracket was opened, not where its end is missing."""


class DocumentRefused(Exception):
    """A document cannot be read. The problem says why, and never quotes the text."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Document(NamedTuple):
    """The root node, or None for an empty document, and whether it has aliases."""

    root: Any
    aliased: bool

    def __repr__(self) -> str:
        return "Document(***)"


def compose_document(text: str) -> Document:
    """Composes the nodes of the only document.

    Raises:
        DocumentRefused: the text is not YAML, or has several documents.
    """
    import yaml

    problem = Problem("", None, "not YAML")
    try:
        loader = _make_loader()(text)
        try:
            return Document(loader.get_single_node(), loader.aliased)
        except yaml.MarkedYAMLError as error:
            problem = explain_fault(error, text)
        except RecursionError:
            problem = Problem(_common.name_place(loader.line + 1), None, _tree.TOO_DEEP)
        except (ValueError, LookupError):  # an escape beyond Unicode, or a tag whose escapes are not UTF-8
            problem = Problem(_common.name_place(loader.line + 1), None, "not YAML: an escape that is not a character")
    except yaml.reader.ReaderError as error:
        place = _common.find_place(text, error.position)
        problem = Problem(place, None, "not YAML: a control character; write it as an escape in double quotes")
    raise DocumentRefused(problem)


def refuse(mark: Any, reason: str) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
    """The exception for a fault at a PyYAML mark."""
    return DocumentRefused(Problem(_common.name_place(mark.line + 1, mark.column + 1), None, reason))


def explain_fault(error: Any, text: str) -> Problem:  # noqa: ANN401  # PyYAML's
    """Describes a fault by PyYAML's error, or says that the text is a template."""
    template = _TEMPLATE.search(text)
    if template:
        return Problem(_common.find_place(text, template.start(1)), None, "not YAML but a template; render it first")
    problem = error.problem or ""
    reason = next((reason for start, reason in _FAULTS if problem.startswith(start)), None)
    mark = error.context_mark if problem.startswith(_OPENED) and error.context_mark else error.problem_mark
    place = _common.name_place(mark.line + 1, mark.column + 1) if mark else ""
    if reason and problem.startswith(_VALID):
        return Problem(place, None, reason)
    return Problem(place, None, f"not YAML: {reason}" if reason else "not YAML")


@cache
def _make_loader() -> Any:  # noqa: ANN401  # a class of PyYAML, made once it is needed
    import yaml

    class Loader(yaml.SafeLoader):
        """Types plain scalars as in `READ`, notes aliases, and refuses an alias to a node that contains it."""

        yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # PyYAML's

        def __init__(self, text: str) -> None:
            super().__init__(text)
            self.aliased = False
            self.open: set[str] = set()

        def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  # PyYAML's
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's
            if isinstance(event, yaml.AliasEvent):
                self.aliased = True
                if event.anchor in self.open:
                    raise refuse(event.start_mark, "an alias (*name) inside the node that its own anchor (&name) names")
                return super().compose_node(parent, index)
            opens = event.anchor is not None and event.anchor not in self.anchors
            if opens:
                self.open.add(event.anchor)
            node = super().compose_node(parent, index)
            if opens:
                self.open.discard(event.anchor)
            return node

    add_resolvers(Loader, writes=False)
    return Loader
