"""`configsvc env`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import click

from configsvc_client.cli import _options, _output, _settings, _terminal


@click.command("env")
@_options.namespaces
def command(namespaces: tuple[str, ...]) -> None:
    """Print the variables that a consumer needs, as lines for a shell or in JSON.

    CONFIGSVC_API_KEY is left for you to fill in: a consumer has a key of its own. The KMS keys are those that wrap the
    namespaces' data keys now; whoever pins them decides whom to trust, so compare them with the keys you know.
    """
    _options.check_trusted(namespaces)  # what is printed becomes a consumer's settings
    wanted = _options.the_namespaces(namespaces)
    admin = _settings.admin()
    kms_keys = sorted({each.data_key.kms_key for name in wanted for each in admin.data_keys(name)})
    known = _settings.pins()
    if known and known != ["*"] and not set(kms_keys) <= set(known):
        _terminal.say("configsvc: a KMS key below is not in your CONFIGSVC_KMS_KEYS. Ask who added it.")
    found = {
        "CONFIGSVC_URL": _settings.resolved().get("CONFIGSVC_URL"),
        "CONFIGSVC_NAMESPACES": ",".join(wanted),
        "CONFIGSVC_KMS_KEYS": ",".join(kms_keys),
    }
    if _output.kind() == "json":
        _output.print_json(found)
    else:
        _lines(found)


def _lines(found: Mapping[str, str]) -> None:
    for name, text in found.items():
        _terminal.show(f"export {name}={shlex.quote(text)}" if text else "# no data key: nothing is sealed yet")
    _terminal.show("# export CONFIGSVC_API_KEY=<the consumer's own API key>")
