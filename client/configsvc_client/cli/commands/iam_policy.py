"""Print the IAM policy of a reader, writer or administrator.

The principal also needs grants on the namespaces. Nothing is sent. The condition on the encryption context keeps a role
within its namespaces, because a data key opens a whole namespace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from configsvc.model import grants
from configsvc.model.errors import Misconfigured
from configsvc_client._aws import endpoints
from configsvc_client.cli import options
from configsvc_client.cli.output import terminal
from configsvc_client.cli.settings import composition

Role = Literal["reader", "writer", "administrator"]

_CONTEXT = "kms:EncryptionContext:configsvc:namespace"
_ACTIONS: dict[Role, tuple[str, ...]] = {
    "reader": ("Decrypt",),
    "writer": ("Decrypt", "Encrypt", "GenerateDataKey"),
    "administrator": ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"),
}
_WRITES = ("POST {}/changes", "PUT {}/keys/*", "POST {}/keys/*/activate", "DELETE {}/keys/*")
_DESTROYS = (
    "DELETE {}/keys/*/versions/*"  # `*` matches slashes too: a right to delete keys would include destroying versions
)
_ADMINISTERS = tuple(f"{method} {{}}{rest}" for method in ("POST", "PUT", "DELETE") for rest in ("", "/*"))
_API = re.compile(r"https://(([a-z0-9]+)\.[a-z0-9.-]+)/([A-Za-z0-9_-]+)/?")
_LOCAL_API = re.compile(r"https?://[^/]+/_aws/execute-api/([a-z0-9]+)/([A-Za-z0-9_-]+)/?")
"""URLs of a local AWS; LocalStack's have the same form."""
_UNKNOWN_API = (
    "The ARN of the API cannot be read from its URL. Add --api-arn arn:aws:execute-api:REGION:ACCOUNT:API/STAGE. If "
    "the URL has a custom domain, this shows API and STAGE: aws apigateway get-base-path-mappings --domain-name {}"
)
_API_ARN = re.compile(r"arn:aws[a-z-]*:execute-api:[a-z0-9-]+:([0-9]{12}|\*):[a-z0-9]+/[A-Za-z0-9_-]+")

Statement = dict[str, Any]


def make_policy(role: Role, patterns: Sequence[str], kms_keys: Sequence[str], api: str | None) -> dict[str, Any]:
    """Makes the policy of a reader, writer or administrator of the namespaces that match the patterns.

    Args:
        role: a reader's policy contains only KMS, because readers call the API with their key alone.
        patterns: exact, `prefix.*` or `*`.
        kms_keys: ARNs of the KMS keys that wrap the data keys.
        api: the ARN of the API's stage, for writers and administrators.
    """
    statements = [_allow_calls(role, patterns, api)] if api and role != "reader" else []
    if api and role == "writer":
        statements.append(_deny_destroying(patterns, api))
    return {"Version": "2012-10-17", "Statement": [*statements, _allow_keys(patterns, kms_keys, _ACTIONS[role])]}


def find_api_arn(given: str | None, url: str) -> str:
    """Returns the ARN of the API's stage: as passed, or from its URL, for any account.

    Raises:
        Misconfigured: it is not such an ARN, or the URL is not API Gateway's own.
    """
    if given:
        if not _API_ARN.fullmatch(given):
            raise Misconfigured("--api-arn takes arn:aws:execute-api:<region>:<account>:<api>/<stage>.")
        return given
    local = _LOCAL_API.fullmatch(url)
    if local:
        return f"arn:aws:execute-api:*:*:{local[1]}/{local[2]}"
    found = _API.fullmatch(url)
    region = endpoints.find_api_region(found[1]) if found else None
    if not found or region is None:
        raise Misconfigured(_UNKNOWN_API.format(urlsplit(url).hostname or "HOST"))
    partition = endpoints.find_partition(region)
    return f"arn:{partition.name if partition else 'aws'}:execute-api:{region}:*:{found[2]}/{found[3]}"


def _allow_calls(role: Role, patterns: Sequence[str], api: str) -> Statement:
    if role == "administrator" and "*" in patterns:
        return _allow("CallEverything", ["execute-api:Invoke"], [f"{api}/*"])
    routes = ["POST /v1/whoami"]
    for pattern in patterns:
        of = _WRITES if role == "writer" else _ADMINISTERS
        routes += [each.format(f"/v1/namespaces/{pattern}") for each in of]
    return _allow("CallTheWrites", ["execute-api:Invoke"], [f"{api}/{each.replace(' ', '')}" for each in routes])


def _deny_destroying(patterns: Sequence[str], api: str) -> Statement:
    routes = [_DESTROYS.format(f"/v1/namespaces/{pattern}").replace(" ", "") for pattern in patterns]
    return _allow("DestroyNothing", ["execute-api:Invoke"], [f"{api}/{each}" for each in routes]) | {"Effect": "Deny"}


def _allow_keys(patterns: Sequence[str], kms_keys: Sequence[str], actions: Sequence[str]) -> Statement:
    """Allows KMS only with the encryption context of the namespaces; for `*`, with any, but not without one."""
    statement = _allow("OnlyTheseNamespaces", [f"kms:{each}" for each in actions], _unwrap_single(kms_keys))
    if "*" in patterns:
        return statement | {"Condition": {"Null": {_CONTEXT: "false"}}}
    operator = "StringLike" if any("*" in each for each in patterns) else "StringEquals"
    return statement | {"Condition": {operator: {_CONTEXT: _unwrap_single(patterns)}}}


def _allow(sid: str, actions: list[str], resources: object) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _unwrap_single(texts: Sequence[str]) -> object:
    return texts[0] if len(texts) == 1 else list(texts)


@click.command(help=__doc__)
@click.option(
    "--for", "role", type=click.Choice(("reader", "writer", "administrator")), required=True,
    help="Role: a reader opens values, a writer also seals and writes, an administrator does everything.",
)  # fmt: skip
@click.option(
    "-n", "--namespace", "patterns", multiple=True, metavar="PATTERN",
    help="payments.prod, a prefix like 'payments.*', or '*'. Repeatable. Default: CONFIGSVC_NAMESPACES.",
)  # fmt: skip
@click.option(
    "--kms-key",
    "kms_keys",
    multiple=True,
    metavar="ARN",
    help="KMS key to allow. Repeatable. Default: CONFIGSVC_KMS_KEYS.",
)
@click.option(
    "--api-arn", metavar="ARN", help="ARN of the API's stage, needed for writes. Default: from CONFIGSVC_URL."
)
def command(role: Role, patterns: tuple[str, ...], kms_keys: tuple[str, ...], api_arn: str | None) -> None:
    options.check_trusted(patterns)  # the output becomes somebody's permissions
    named = [grants.parse_pattern(each) for each in patterns] or list(options.choose_namespaces(()))
    keys = [composition.choose_kms_key(each) for each in kms_keys] or _get_pinned_keys()
    api = None if role == "reader" else _find_api(api_arn)
    terminal.show_json(make_policy(role, named, keys, api), indent=2)


def _get_pinned_keys() -> list[str]:
    found = composition.get_pins()
    return (
        [composition.choose_kms_key(each) for each in found]
        if found and found != ["*"]
        else [composition.choose_kms_key(None)]
    )


def _find_api(given: str | None) -> str:
    return find_api_arn(given, composition.resolve().get("CONFIGSVC_URL"))
