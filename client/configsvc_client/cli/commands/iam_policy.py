"""Print the IAM policy of a reader, writer or administrator.

It goes with grants on the namespaces. Nothing is sent. The condition on the encryption context is what keeps a role
to its namespaces: a data key opens a whole one.
"""

from __future__ import annotations

import click

from configsvc.model import grants
from configsvc_client.cli import _options, _settings, _terminal
from configsvc_client.cli._policy import Role, api_arn, document


@click.command(help=__doc__)
@click.option(
    "--for", "role", type=click.Choice(("reader", "writer", "administrator")), required=True,
    help="Who gets it: a reader opens, a writer seals and calls the writes, an administrator all of it.",
)  # fmt: skip
@click.option(
    "-n", "--namespace", "patterns", multiple=True, metavar="PATTERN",
    help="payments.prod, a prefix like 'payments.*', or '*'. Repeatable; CONFIGSVC_NAMESPACES where left out.",
)  # fmt: skip
@click.option("--kms-key", "kms_keys", multiple=True, metavar="ARN", help="CONFIGSVC_KMS_KEYS where left out.")
@click.option("--api-arn", metavar="ARN", help="Of the API's stage, for who writes; from CONFIGSVC_URL if left out.")
def command(role: Role, patterns: tuple[str, ...], kms_keys: tuple[str, ...], api_arn: str | None) -> None:
    _options.check_trusted(patterns)  # what is printed becomes somebody's right
    named = [grants.pattern(each) for each in patterns] or list(_options.the_namespaces(()))
    keys = [_settings.kms_key(each) for each in kms_keys] or _pinned()
    api = None if role == "reader" else _api(api_arn)
    _terminal.show_json(document(role, named, keys, api), indent=2)


def _pinned() -> list[str]:
    found = _settings.pins()
    return [_settings.kms_key(each) for each in found] if found and found != ["*"] else [_settings.kms_key(None)]


def _api(given: str | None) -> str:
    return api_arn(given, _settings.resolved().get("CONFIGSVC_URL"))
