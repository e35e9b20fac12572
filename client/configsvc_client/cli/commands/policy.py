"""Draft a protection policy.

A policy says what may be stored in the clear, and which variables exec may set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from configsvc_client.cli import common, options
from configsvc_client.cli.output import terminal
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin

_HEADING = (
    "# Drafted from the served values, which anyone who can write the table chooses. Check that no key in plain is a\n"
    "# secret, and that exec names no unknown variable. retired_kids of other tables stay in effect.\n"
)


@click.group(cls=common.Group, help=__doc__)
def command() -> None:
    pass


@command.command("suggest")
@options.add_namespaces_option
def suggest(namespaces: tuple[str, ...]) -> None:
    """Draft a policy from the served values.

    Check it, then paste it into .configsvc.toml.

    `plain` lists the keys that are served in the clear, `kms` those sealed directly with kms:Encrypt, and `exec` the
    variables of all keys except those that decide what code runs. A policy takes effect once you trust the file.
    """
    wanted, admin = options.choose_namespaces(namespaces), composition.open_admin()
    terminal.write_raw(render_draft({name: draft_table(admin, name) for name in wanted}).encode())


def draft_table(admin: Admin, namespace: Namespace) -> dict[str, Any]:
    """Drafts the table of a namespace."""
    entries = admin.values.get_snapshot(namespace).entries
    forms = {form: sorted(each.key for each in entries if each.form == form) for form in ("plain", "kms")}
    table: dict[str, Any] = {form: keys for form, keys in forms.items() if keys}
    return table | {"exec": sorted({name for each in entries for name in _list_variables(each.key)})}


def render_draft(tables: dict[str, dict[str, Any]]) -> str:
    """Renders the draft as TOML, with a comment that says what to check."""
    import tomli_w

    return _HEADING + tomli_w.dumps({"policy": tables})


def _list_variables(key: str) -> list[str]:
    """Lists the variable of a key, unless exec refuses it: a policy that names it in full would allow it."""
    from configsvc_client._reading.variables import judge_keys, make_variable_name

    return [make_variable_name(each) for each in judge_keys([key], lambda _: None).keys]
