"""The API and KMS as HTTP stubs on loopback, for a client in another process."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import CannotOpen
from configsvc.model.snapshot import render
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.fakes import KMS_KEY, FakeKms
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_stub


class Service(NamedTuple):
    """Both stubs, and the environment variables of their consumer."""

    api: Stub
    kms: Stub
    environ: dict[str, str]
    served: list[FetchedSnapshot]

    def serve(self, found: FetchedSnapshot) -> None:
        """Replaces the snapshot served."""
        self.served[0] = found


@contextlib.contextmanager
def run_service(served: FetchedSnapshot, tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    serving = [served]

    def answer_api(_: str, __: str, headers: dict[str, str], ___: bytes) -> Answer:
        now = serving[0]
        if headers.get("if-none-match") == now.etag:
            return 304, {"etag": now.etag}, b""
        return 200, {"content-type": "application/json", "etag": now.etag}, render(now.sealed).encode()

    with run_stub(answer_api, tls) as api, run_stub(answer_kms, tls) as kms:
        yield Service(
            api,
            kms,
            {
                "CONFIGSVC_URL": f"{api.url}/prod",
                "CONFIGSVC_API_KEY": "k" * 20,
                "CONFIGSVC_NAMESPACES": served.sealed.namespace,
                "CONFIGSVC_KMS_KEYS": KMS_KEY,
                "AWS_ENDPOINT_URL_KMS": kms.url,
                "AWS_REGION": "eu-central-1",
                "AWS_ACCESS_KEY_ID": "AKID",
                "AWS_SECRET_ACCESS_KEY": "secret",
            },
            serving,
        )


def answer_kms(_: str, __: str, ___: dict[str, str], body: bytes) -> Answer:
    asked = json.loads(body)
    try:
        opened = FakeKms().decrypt(
            from_base64std(asked["CiphertextBlob"]), asked["EncryptionContext"], asked.get("KeyId"), 0
        )
    except CannotOpen as error:
        return make_json_answer(400, {"__type": error.detail})
    return make_json_answer(200, {"Plaintext": to_base64std(opened.plaintext.reveal()), "KeyId": opened.key_arn})
