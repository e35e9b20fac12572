"""KMS without boto3: one signed POST per call (AWS KMS API reference, protocol `application/x-amz-json-1.1`)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import Internal, Misconfigured, Unavailable
from configsvc.model.record import Record
from configsvc_client._aws.credentials import FindCredentials
from configsvc_client._pin import move_to_region
from configsvc_client._secret import Secret, unmask
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import Url, parse_url

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response

_OK = 200
_PLAINTEXT = "Plaintext"
_REGION = r"(?!-)(?![0-9]+\Z)[a-z0-9-]{1,63}(?<!-)"
_ELSEWHERE = ("cn-", "eusc-", "us-iso", "eu-iso", "aws-")
"""Prefixes of regions whose endpoints are not under amazonaws.com."""

ENDPOINT_URLS = ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL")
_FIPS, _DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
_IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
_FILES = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))


def is_server_failure(status: int) -> bool:
    """Whether KMS itself failed. Refusals and throttling concern the request."""
    return status >= Internal.status


class Decrypted(Record):
    """The result of kms:Decrypt: the plaintext and the ARN of the key."""

    plaintext: Secret
    key_arn: str


class Kms(Protocol):
    """Decrypts with KMS."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """Decrypts a blob.

        Args:
            ciphertext: the blob as KMS returned it.
            context: the whole encryption context.
            key_id: the ARN of the key that must be used; None lets the blob decide, so check the key in the result.
            deadline: in monotonic seconds.

        Raises:
            CannotOpen: KMS refuses, and would refuse again.
            Unavailable: KMS did not answer, or asks to try later.
        """


class AwsKms:
    """KMS in one region over HTTP. Signs each request just before sending it. Several threads may use it at once."""

    def __init__(
        self,
        connection: Connection,
        region: str,
        credentials: FindCredentials,
        now: Callable[[], float],
        forget: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._region = region
        self._credentials = credentials
        self._now = now
        self._forget = forget

    def open_ahead(self, deadline: float) -> None:
        """Starts connecting; see `Connection.open_ahead`."""
        self._connection.open_ahead(deadline)

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        self._connection.close()

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        members: dict[str, object] = {"CiphertextBlob": to_base64std(ciphertext), "EncryptionContext": dict(context)}
        if key_id is not None:
            members["KeyId"] = move_to_region(key_id, self._region)
        answer = self.call("Decrypt", members, deadline)
        try:
            return Decrypted(extract_plaintext(answer), _to_text(answer["KeyId"]))
        except (KeyError, ValueError) as error:
            from configsvc_client._interrupts import prefer_interrupt

            ours = Unavailable("The KMS response to Decrypt has no plaintext or no key.", reason="answer")
            failed = prefer_interrupt(error, ours)
        raise failed  # outside the `except`: its context could show the plaintext

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> dict[str, object]:
        """Calls one KMS operation and returns the members of its response. A plaintext is masked in both.

        Raises:
            CannotOpen: KMS refuses, and would refuse again; the detail names its code.
            Unavailable: KMS did not answer, or asks to try later.
            Misconfigured: there are no credentials.
        """
        body = Secret(json.dumps(members, default=unmask).encode())
        response = self._send_signed(operation, body, deadline)
        if response.status != _OK:
            from configsvc_client._aws.refusals import is_expired, make_refusal_error

            said = parse_members(response)
            if is_expired(said):
                if self._forget:
                    self._forget()
                response = self._send_signed(operation, body, deadline)
                said = parse_members(response)
            if response.status != _OK:
                raise make_refusal_error(operation, response.status, said, members, self._region)
        return parse_members(response)

    def _send_signed(self, operation: str, body: Secret, deadline: float) -> Response:
        """Signs and sends a request. Reads credentials and time now: the function may have been frozen."""
        from configsvc_client._aws.sigv4 import sign

        url, path = self._connection.url, f"{self._connection.url.path}/"
        asked = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{operation}"}
        headers = sign(
            "POST", f"{url.origin}{path}", asked, body,
            service="kms", region=self._region, credentials=self._credentials(deadline), now=self._now(),
        )  # fmt: skip
        return self._connection.request("POST", path, headers, body, deadline)


def resolve_endpoint(region: str, environ: Mapping[str, str], named_by: str = "AWS_REGION") -> Url:
    """Resolves the KMS endpoint as botocore does: a configured URL, or AWS's own in the region.

    Args:
        region: may be a pseudo region such as `fips-us-east-1`.
        environ: with `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`, `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`
            and `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, each of which overrides the profile's member.
        named_by: the setting that names the region, for the error.

    Raises:
        Misconfigured: a setting is not a URL or a region, or there is no such endpoint.
    """
    if not re.fullmatch(_REGION, region):  # it is part of headers, whatever the host
        raise Misconfigured(f"{named_by} is {region!r}, which is not a region like eu-central-1.")
    profile = load_profile(environ)
    given = None if _is_on(_IGNORE, environ, profile) else _find_configured(environ, profile)
    if given is not None:
        return given
    dual_stack = _is_on(_DUAL_STACK, environ, profile)
    fips = _is_on(_FIPS, environ, profile) or any(
        resolve_pseudo_region(each) != each for each in (region, _read_region(environ, profile))
    )
    if not (fips or dual_stack or region.startswith(_ELSEWHERE)):
        return Url("https", f"kms.{region}.amazonaws.com", 443, "")
    from configsvc_client._aws.endpoints import build_host

    return parse_url(
        f"https://{build_host('kms', resolve_pseudo_region(region), fips=fips, dual_stack=dual_stack)}", named_by
    )


def resolve_pseudo_region(region: str) -> str:
    """Returns the region behind a pseudo region such as `fips-us-east-1` or `us-gov-west-1-fips`."""
    return region.replace("fips-", "").replace("-fips", "")


def _is_on(name: str, environ: Mapping[str, str], profile: Mapping[str, str]) -> bool:
    """Whether a switch is on. As in botocore, only `true` (in any case) is, and an empty variable hides the profile."""
    found = environ.get(name)
    return (profile.get(name[4:].lower(), "") if found is None else found).lower() == "true"


def _find_configured(environ: Mapping[str, str], profile: Mapping[str, str]) -> Url | None:
    for name in ENDPOINT_URLS:
        if environ.get(name):
            return parse_url(environ[name], name)
    if "lacks" in profile:
        raise Misconfigured(profile["lacks"])
    for name in ("endpoint_url of kms", "endpoint_url"):
        if profile.get(name):
            return parse_url(profile[name], f"{name} in your AWS profile")
    return None


def find_region(environ: Mapping[str, str]) -> str | None:
    """Returns the region from `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile; None if none is set."""
    return _read_region(environ, {}) or load_profile(environ).get("region") or None


def _read_region(environ: Mapping[str, str], profile: Mapping[str, str]) -> str:
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or profile.get("region") or ""


def load_profile(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Loads the members of the AWS profile; empty without AWS's shared files, as in Lambda.

    Raises:
        Misconfigured: a shared file exists and cannot be read.
    """
    if environ.get(_LAMBDA) and not any(_read_variable(environ, name, "") for name, _ in _FILES):
        return {}  # Lambda has no home directory, and looking would slow each cold start
    config, credentials = (_expand_path(_read_variable(environ, *each)) for each in _FILES)
    if not (os.access(config, os.R_OK) or os.access(credentials, os.R_OK)):
        return {}
    from configsvc_client._aws.endpoints import read_profile

    named = _read_variable(environ, "AWS_PROFILE", "") or _read_variable(environ, "AWS_DEFAULT_PROFILE", "default")
    return read_profile(config, credentials, named)


def _expand_path(text: str) -> str:
    return os.path.expanduser(os.path.expandvars(text))  # noqa: PTH111  # pathlib costs an import


def _read_variable(environ: Mapping[str, str], name: str, default: str) -> str:
    """Reads a variable, else the process's own: botocore reads these files by the process's variables."""
    return environ.get(name) or os.environ.get(name) or default


def parse_members(response: Response) -> dict[str, object]:
    """Parses the members of a response and masks a plaintext; empty if it is not a JSON object."""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError) as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        found = None
    members = found if isinstance(found, dict) else {}
    return {name: Secret(value) if name == _PLAINTEXT else value for name, value in members.items()}


def _to_text(found: object) -> str:
    return str(found) if isinstance(found, str | int) else ""


def extract_plaintext(answer: Mapping[str, object]) -> Secret:
    """Returns the plaintext in a KMS response.

    Raises:
        KeyError, ValueError: the response has no plaintext.
    """
    return Secret(from_base64std(str(unmask(answer[_PLAINTEXT]))))
