r"""Print one value.

In a pipe: the value and nothing else, no newline added. On a terminal a sealed value is masked, and control,
bidirectional and invisible characters are shown as escapes such as \x1b or \u202e, except line feeds and tabs. In
JSON a JSON value is itself, and bytes are in `base64`.

Of several namespaces the first that serves KEY answers, as for a consumer; stderr names it unless it is the first.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc.model.errors import CannotOpen
from configsvc_client.cli import _common, _layers, _options, _output, _settings, _terminal, _wanted
from configsvc_client.cli._content import check
from configsvc_client.cli._output import Field

if TYPE_CHECKING:
    from configsvc.model.entry import Entry
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, Opened


@click.command(help=__doc__)
@_options.namespaces
@click.argument("key")
@click.option("--version", type=click.IntRange(min=1), help="A version, served or not; the one served if left out.")
@click.option("--json", "as_json", is_flag=True, help="As --output json: the value with its version, form and type.")
@click.option("--reveal", is_flag=True, help="Show a sealed value on a terminal.")
def command(key: str, namespaces: tuple[str, ...], version: int | None, *, as_json: bool, reveal: bool) -> None:
    wanted, admin = _options.distinct(_options.the_namespaces(namespaces)), _settings.admin()
    target, found = _layers.entry(admin, wanted, key, version)
    masked = found.sealed and not reveal and _terminal.is_terminal()
    if as_json or _output.kind() == "json":
        _described(admin, target, found, masked=masked)
        return
    _tell_namespace(found.key, target, wanted)
    if masked:
        _terminal.show(_terminal.MASK)
        _terminal.say(f"{found.key} is sealed ({found.form}, version {found.version}). Show it: --reveal")
    elif _terminal.is_terminal():
        _terminal.show_value(_opened(admin, target, found).data.decode(errors="surrogateescape"))
    else:
        _terminal.raw(_opened(admin, target, found).data)


def _opened(admin: Admin, namespace: str, entry: Entry) -> Opened:
    """The value.

    Raises:
        CannotOpen: names the key and the namespace.
    """
    try:
        return admin.values.open_entry(namespace, entry)
    except CannotOpen as error:
        raise _wanted.unopened(namespace, entry.key, error) from None


def _tell_namespace(key: str, answering: Namespace, among: Sequence[Namespace]) -> None:
    """Say which of several namespaces answers, where that is not plain to see."""
    if len(among) > 1 and (answering != among[0] or _terminal.is_terminal()):
        _terminal.say(f"{key} is from {answering}")


def _described(admin: Admin, namespace: str, entry: Entry, *, masked: bool) -> None:
    fields: dict[str, _output.Field] = {
        "namespace": namespace, "key": entry.key, "version": entry.version, "form": entry.form,
        "content_type": entry.content_type,
    }  # fmt: skip
    shown = {"value": None, "masked": True} if masked else describe_value(_opened(admin, namespace, entry))
    _common.force("output", "json")
    _output.record({**fields, **shown})


def describe_value(opened: Opened) -> dict[str, Field]:
    """The value in JSON: text, or the JSON itself with its numbers as spelled; bytes in `base64`.

    Raises:
        Unprocessable: it is not what its content type says.
    """
    check(opened.key, opened.data, opened.content_type)
    if not KINDS[opened.content_type].is_text:
        return {"base64": base64.b64encode(opened.data).decode()}
    text = opened.data.decode()
    return {"value": json_text.parse(text) if KINDS[opened.content_type].is_json else text}
