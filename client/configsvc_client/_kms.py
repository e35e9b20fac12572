"""KMS without boto3: one signed POST per call (AWS KMS API reference, protocol `application/x-amz-json-1.1`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from configsvc.model.encoding import base64std, from_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError, Misconfigured, Unavailable
from configsvc.model.record import Record
from configsvc_client._body import shown
from configsvc_client._credentials import Find
from configsvc_client._http import Connection
from configsvc_client._secret import Secret, bare
from configsvc_client._url import Url, parse

if TYPE_CHECKING:
    from configsvc_client._answer import Response

_OK = 200
_SERVER_FAULT = 500
_REPEATABLE = r"Throttling|LimitExceeded|KMSInternal|DependencyTimeout|ServiceUnavailable|InternalFailure"
_MULTI_REGION = (
    r"(arn:aws[a-z-]*:kms:)[a-z0-9-]+(:[0-9]{12}:key/mrk-[0-9a-f]+)"  # compiled where it is needed: few need it
)
_CODE = 100
_PLAINTEXT = "Plaintext"
_EXPIRED = re.compile(r"ExpiredToken|RequestExpired|InvalidSignatureException Signature expired")


def fails(status: int) -> bool:
    """Whether KMS itself fails: that it refuses, or asks to come later, is about what was asked."""
    return status >= _SERVER_FAULT


class Decrypted(Record):
    """What kms:Decrypt answers: the plaintext and the ARN of the key that it was under."""

    plaintext: Secret
    key_arn: str


class Kms(Protocol):
    """What opening asks of KMS."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """The plaintext of a blob.

        Args:
            ciphertext: as KMS gave it out.
            context: the whole encryption context.
            key_id: the key ARN that it must be under; None lets the blob say, so the answer's must be checked.
            deadline: monotonic seconds.

        Raises:
            CannotOpen: KMS refuses, and will again.
            Unavailable: KMS did not answer or asks to try later.
        """


class AwsKms:
    """KMS over HTTP, signed immediately before it is sent."""

    def __init__(
        self,
        connection: Connection,
        region: str,
        credentials: Find,
        now: Callable[[], float],
        forget: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._region = region
        self._credentials = credentials
        self._now = now
        self._forget = forget

    def close(self) -> None:
        """Drops the connection; the next call opens another."""
        self._connection.close()

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        members: dict[str, object] = {"CiphertextBlob": base64std(ciphertext), "EncryptionContext": dict(context)}
        if key_id is not None:
            members["KeyId"] = in_region(key_id, self._region)
        answer = self.call("Decrypt", members, deadline)
        try:
            return Decrypted(plaintext_in(answer), _text(answer["KeyId"]))
        except (KeyError, ValueError):
            pass  # raised below: as its context, this one could show the plaintext
        raise Unavailable("KMS answered Decrypt without a plaintext and a key.", reason="answer")

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> dict[str, object]:
        """One KMS operation: its request members in, its answer's out. A plaintext is masked in both.

        Raises:
            CannotOpen: KMS refuses, and will again; the detail names its code.
            Unavailable: KMS did not answer or asks to try later.
            Misconfigured: there are no credentials.
        """
        body = Secret(json.dumps(members, default=bare).encode())
        response = self._signed(operation, body, deadline)
        if response.status != _OK and _EXPIRED.search(_said(response)):
            if self._forget:
                self._forget()
            response = self._signed(operation, body, deadline)
        if response.status != _OK:
            raise refusal(operation, response, members)
        return _members(response)

    def _signed(self, operation: str, body: Secret, deadline: float) -> Response:
        """Signed with the credentials and the time of this moment: a function may have been frozen since the last."""
        from configsvc_client._sigv4 import sign

        url = self._connection.url
        asked = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{operation}"}
        headers = sign(
            "POST", f"{url.origin}/", asked, body,
            service="kms", region=self._region, credentials=self._credentials(deadline), now=self._now(),
        )  # fmt: skip
        return self._connection.request("POST", "/", headers, body, deadline)


def endpoint(region: str, environ: Mapping[str, str]) -> Url:
    """Where KMS is: `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`, or AWS's own in the region.

    Raises:
        Misconfigured: a variable holds no URL, or it is no region.
    """
    if not re.fullmatch(r"[a-z0-9-]+", region):  # it stands in headers, whatever the host is
        raise Misconfigured(f"AWS_REGION is {region!r}, which is not a region like eu-central-1.")
    for name in ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"):
        if environ.get(name):
            return parse(environ[name], name)
    return parse(f"https://kms.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}")


def in_region(key_id: str, region: str) -> str:
    """A multi-Region key's ARN in another region: the replicas share account and key id."""
    return re.sub(_MULTI_REGION, rf"\g<1>{region}\g<2>", key_id) if "/mrk-" in key_id else key_id


def refusal(operation: str, response: Response, asked: Mapping[str, object]) -> ConfigsvcError:
    """The error in KMS's answer to a request of these members; its code and message hold no plaintext."""
    from configsvc_client import _kms_refused

    code, _, message = _said(response).partition(" ")
    detail = _kms_refused.explained(operation, code, message, asked)
    if response.status >= _SERVER_FAULT or re.search(_REPEATABLE, code):
        return Unavailable(detail, reason=code)
    return CannotOpen(detail, reason=code)


def _said(response: Response) -> str:
    """KMS's code and message: cut, and without what a terminal or a log would obey."""
    members = _members(response)
    code = _text(members.get("__type", response.status)).rpartition("#")[2].replace(" ", "")
    return f"{shown(code, _CODE)} {shown(_text(members.get('message') or members.get('Message')))}"


def _text(found: object) -> str:
    return str(found) if isinstance(found, str | int) else ""


def _members(response: Response) -> dict[str, object]:
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        found = None
    members = found if isinstance(found, dict) else {}
    return {name: Secret(value) if name == _PLAINTEXT else value for name, value in members.items()}


def plaintext_in(answer: Mapping[str, object]) -> Secret:
    """The plaintext in an answer of KMS's.

    Raises:
        KeyError, ValueError: there is none.
    """
    return Secret(from_base64std(str(bare(answer[_PLAINTEXT]))))
