"""Print the variables for a consumer.

Prints lines for a shell, or JSON. Fill in CONFIGSVC_API_KEY yourself: a consumer has its own key, or two of them,
separated by a comma, during a rotation. The KMS keys are those that, according to the service, wrap the live data keys
of the namespaces. If your own CONFIGSVC_KMS_KEYS lacks one of them, nothing is printed. If it is not set, compare them
with the keys you know before you use them: the consumer trusts every KMS key in the variable.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Misconfigured
from configsvc.model.names import Namespace
from configsvc_client._pin import parse_pin
from configsvc_client.cli import options
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


@click.command(help=__doc__)
@options.add_namespaces_option
def command(namespaces: tuple[str, ...]) -> None:
    options.check_trusted(namespaces)  # the output becomes a consumer's settings
    wanted = options.choose_namespaces(namespaces)
    admin = composition.open_admin()
    kms_keys = find_keys_in_use(admin, wanted)
    _check_pinned(kms_keys)
    found = {
        "CONFIGSVC_URL": composition.resolve().get("CONFIGSVC_URL"),
        "CONFIGSVC_NAMESPACES": ",".join(wanted),
        "CONFIGSVC_KMS_KEYS": ",".join(kms_keys),
    }
    if records.get_kind() == "json":
        records.print_json(found)
    else:
        _print_lines(found)


def find_keys_in_use(admin: Admin, namespaces: Iterable[Namespace]) -> list[str]:
    """Finds the KMS keys that, according to the service, wrap the live data keys of namespaces.

    Keys of retired data keys are left out: nothing that is served needs them.
    """
    listed = (each for name in namespaces for each in admin.data_keys.list(name))
    return sorted({each.data_key.kms_key for each in listed if each.state == "live"})


def _check_pinned(kms_keys: Iterable[str]) -> None:
    """Refuses KMS keys that this person does not pin: a consumer must not trust one just because the service says so.

    Raises:
        Misconfigured: this person pins KMS keys, and one is missing.
    """
    known = parse_pin(composition.get_pins())
    unknown = [each for each in kms_keys if known.arns and not known.covers(each)]
    if unknown:
        raise Misconfigured(
            f"The service uses a KMS key that your CONFIGSVC_KMS_KEYS does not name: {', '.join(unknown)}. Someone may "
            "have changed its table, so nothing was printed. Ask who added it, and add it there if you trust it.",
            kms_keys=unknown,
        )


def _print_lines(found: Mapping[str, str]) -> None:
    for name, text in found.items():
        terminal.show(f"export {name}={shlex.quote(text)}" if text else "# no data key yet: nothing is sealed")
    terminal.show("# export CONFIGSVC_API_KEY=<the consumer's own API key>")
