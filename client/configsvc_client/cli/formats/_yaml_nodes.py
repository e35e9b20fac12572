"""The nodes of one YAML document, by PyYAML, and the types of plain scalars; refusals never repeat the text."""

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
"""Tag, pattern and the first characters of what is typed when it is read."""

_OTHERS = (
    ("other", r".*", list("0123456789+-.=<~:")),
    ("other", r"[eE_][-+0-9_.]+", list("eE_")),
    ("other", r"(?i:y|n|yes|no|on|off|true|false|null|nil|none|nan|inf|infinity)", list("yYnNoOtTfFiI")),
)
"""What some reader types, with room to spare: of the first characters that numbers, times and Ruby's symbols have."""


def is_number(text: str) -> bool:
    """Whether the text is a number of JSON."""
    return _JSON.fullmatch(text) is not None


def resolve(kind: Any, *, writes: bool) -> None:  # noqa: ANN401  # a loader or dumper class of PyYAML
    """Make a class of PyYAML type plain scalars as above; one that writes quotes all others that are typed anywhere."""
    for name, pattern, first in (*READ, *_OTHERS) if writes else READ:
        kind.add_implicit_resolver(f"{TAG}{name}", re.compile(rf"(?:{pattern})\Z", re.DOTALL), first)


_FAULTS = (
    ("found character '\\t'", "a tab, where YAML takes only spaces"),
    ("found character", "a value that begins with @, ` or %, or a lone bracket; put it in quotes"),
    ("mapping values are not allowed", "a colon where no key can be; check the indentation, and quote texts with ': '"),
    ("sequence entries are not allowed", "a '- ' where no list can begin; check the indentation"),
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
    ("expected alphabetic or numeric", "an & or * without a name; put texts that begin so in quotes"),
    (
        "found undefined alias",
        "an alias (*name) without an anchor (&name) before it; put texts that begin so in quotes",
    ),
    ("second occurrence", "an anchor (&name) is defined a second time"),
    ("but found another document", "a second document begins here, and a file can hold only one; split it at ---"),
    ("expected '<document start>'", "text where a document must begin with ---"),
    ("found incompatible YAML", "a %YAML directive of a version other than 1.1 or 1.2"),
    (
        "found undefined tag handle",
        "a tag whose handle no %TAG directive defines; put texts that begin with ! in quotes",
    ),
)
"""By how PyYAML's descriptions begin."""

_TEMPLATE = re.compile(r"(?m)^[ \t]*(\{\{[-\w. \t]|\{%)")
"""A line of Go templates, as in Helm's charts, or of Jinja's."""

_VALID = ("second occurrence", "but found another document")
"""Of these YAML takes what is refused here."""

_OPENED = ("found unexpected", "expected ',' or")
"""Of these the place is where the quote or bracket was opened, not where its end was missed."""


class DocumentRefused(Exception):
    """A document cannot be read. Only the problem says why: nothing of the text is in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Document(NamedTuple):
    """The root node, None of an empty document, and whether it has aliases."""

    root: Any
    aliased: bool

    def __repr__(self) -> str:
        return "Document(***)"


def compose_document(text: str) -> Document:
    """The nodes of the only document.

    Raises:
        Refused: it is not YAML, or several documents.
    """
    import yaml

    problem = Problem("", None, "not YAML")
    try:
        loader = _loader()(text)
        try:
            return Document(loader.get_single_node(), loader.aliased)
        except yaml.MarkedYAMLError as error:
            problem = explain_fault(error, text)
        except RecursionError:
            problem = Problem(_common.place_at(loader.line + 1), None, _tree.TOO_DEEP)
        except (ValueError, LookupError):  # an escape beyond Unicode, a tag whose escapes are no UTF-8
            problem = Problem(_common.place_at(loader.line + 1), None, "not YAML: an escape that is not a character")
    except yaml.reader.ReaderError as error:
        place = _common.place_of(text, error.position)
        problem = Problem(place, None, "not YAML: a control character; write it as an escape in double quotes")
    raise DocumentRefused(problem)


def refuse(mark: Any, reason: str) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
    """What to raise for something at a mark of PyYAML."""
    return DocumentRefused(Problem(_common.place_at(mark.line + 1, mark.column + 1), None, reason))


def explain_fault(error: Any, text: str) -> Problem:  # noqa: ANN401  # PyYAML's
    """What is wrong with a text, by PyYAML's error of it; of a template that it is one."""
    template = _TEMPLATE.search(text)
    if template:
        return Problem(_common.place_of(text, template.start(1)), None, "not YAML but a template; render it first")
    problem = error.problem or ""
    said = next((said for start, said in _FAULTS if problem.startswith(start)), None)
    mark = error.context_mark if problem.startswith(_OPENED) and error.context_mark else error.problem_mark
    place = _common.place_at(mark.line + 1, mark.column + 1) if mark else ""
    if said and problem.startswith(_VALID):
        return Problem(place, None, said)
    return Problem(place, None, f"not YAML: {said}" if said else "not YAML")


@cache
def _loader() -> Any:  # noqa: ANN401  # a class of PyYAML, made once it is needed
    import yaml

    class Loader(yaml.SafeLoader):
        """Types plain scalars as `_yaml_types` says; notes aliases, and refuses one that stands for what holds it."""

        yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # as PyYAML has it

        def __init__(self, text: str) -> None:
            super().__init__(text)
            self.aliased = False
            self.open: set[str] = set()

        def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  # PyYAML's
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's
            if isinstance(event, yaml.AliasEvent):
                self.aliased = True
                if event.anchor in self.open:
                    raise refuse(event.start_mark, "an alias (*name) inside what its own anchor (&name) names")
                return super().compose_node(parent, index)
            opens = event.anchor is not None and event.anchor not in self.anchors
            if opens:
                self.open.add(event.anchor)
            node = super().compose_node(parent, index)
            if opens:
                self.open.discard(event.anchor)
            return node

    resolve(Loader, writes=False)
    return Loader
