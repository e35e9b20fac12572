r"""Print one value.

In a pipe, prints the value and nothing else, without an added newline. On a terminal, a sealed value is masked, and
control, bidirectional and invisible characters are shown as escapes such as \x1b or \u202e, except line feeds and
tabs. In JSON output, a JSON value is printed as JSON, and bytes are in `base64`.

With several namespaces, the value comes from the first that serves KEY, as for a consumer; stderr names that
namespace unless it is the first.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc.model.errors import CannotOpen
from configsvc_client.cli import common, options
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.output.records import OutputField
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import reading
from configsvc_client.cli.values.checks import check_content

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import Entry
    from configsvc_client.admin import Admin, Opened


@click.command(help=__doc__)
@options.add_namespaces_option
@click.argument("key")
@click.option("--version", type=click.IntRange(min=1), help="Version to print, served or not. Default: the served one.")
@click.option(
    "--json", "as_json", is_flag=True, help="Same as --output json: the value with its version, form and type."
)
@click.option("--reveal", is_flag=True, help="Show a sealed value on a terminal.")
def command(key: str, namespaces: tuple[str, ...], version: int | None, *, as_json: bool, reveal: bool) -> None:
    wanted, admin = options.drop_repeats(options.choose_namespaces(namespaces)), composition.open_admin()
    target, found = reading.find_entry(admin, wanted, key, version)
    masked = found.sealed and not reveal and terminal.is_terminal()
    if as_json or records.get_kind() == "json":
        _print_described(admin, target, found, masked=masked)
        return
    _report_namespace(found.key, target, wanted)
    if masked:
        terminal.show(terminal.MASK)
        terminal.say(f"{found.key} is sealed ({found.form}, version {found.version}). Show it: --reveal")
    elif terminal.is_terminal():
        terminal.show_value(_open_value(admin, target, found).data.decode(errors="surrogateescape"))
    else:
        terminal.write_raw(_open_value(admin, target, found).data)


def _open_value(admin: Admin, namespace: str, entry: Entry) -> Opened:
    """Opens the value.

    Raises:
        CannotOpen: names the key and the namespace.
    """
    try:
        return admin.values.open_entry(namespace, entry)
    except CannotOpen as error:
        raise reading.explain_unopened(namespace, entry.key, error) from None


def _report_namespace(key: str, answering: Namespace, among: Sequence[Namespace]) -> None:
    """Names the namespace that the value comes from, if it is not the obvious one."""
    if len(among) > 1 and (answering != among[0] or terminal.is_terminal()):
        terminal.say(f"{key} is from {answering}")


def _print_described(admin: Admin, namespace: str, entry: Entry, *, masked: bool) -> None:
    fields: dict[str, records.OutputField] = {
        "namespace": namespace, "key": entry.key, "version": entry.version, "form": entry.form,
        "content_type": entry.content_type,
    }  # fmt: skip
    shown = {"value": None, "masked": True} if masked else describe_value(_open_value(admin, namespace, entry))
    common.force("output", "json")
    records.print_record({**fields, **shown})


def describe_value(opened: Opened) -> dict[str, OutputField]:
    """Renders the value for JSON: text, or the JSON itself with its numbers as written; bytes in `base64`.

    Raises:
        Unprocessable: the value does not match its content type.
    """
    check_content(opened.key, opened.data, opened.content_type)
    if not KINDS[opened.content_type].is_text:
        return {"base64": base64.b64encode(opened.data).decode()}
    text = opened.data.decode()
    return {"value": json_text.parse(text) if KINDS[opened.content_type].is_json else text}
