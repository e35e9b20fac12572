"""Requests to a gateway without a socket, and an app of two routes behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from chalice.app import Chalice, IAMAuthorizer

from local.gateway.access import Identity
from local.gateway.signature import Request

SECRET = "secret-of-ann"
ACCESS_KEY = "AKIAANN"
KEY = "value-of-the-key"
KEYS = {KEY: "keyid"}
IDENTITIES = {ACCESS_KEY: Identity(SECRET, "arn:aws:iam::123456789012:user/ann", ("PUT/v1/things/a*",))}
HOST = "127.0.0.1:80"


def two_routes() -> Chalice:
    """GET (keyed) and PUT (keyed and signed) of /v1/things/{name}, and an open GET of /v1/open."""
    app = Chalice("two", configure_logs=False, env={})
    app.route("/v1/open")(dict)
    app.route("/v1/things/{name}", name="get", api_key_required=True)(lambda **_found: {})
    app.route("/v1/things/{name}", methods=["PUT"], name="put", api_key_required=True, authorizer=IAMAuthorizer())(
        lambda **_found: {}
    )
    return app


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", query: str = ""
) -> Request:
    sent = {"host": HOST, **(headers or {})}
    return Request(method, path, query, {name.lower(): [value] for name, value in sent.items()}, body)


def sign(unsigned: Request, *, secret: str = SECRET, token: str | None = None, **scope: str) -> Request:
    """The request as botocore signs it, now."""
    url = f"http://{HOST}{unsigned.path}" + (f"?{unsigned.query}" if unsigned.query else "")
    headers = {name: values[0] for name, values in unsigned.headers.items()}
    made = AWSRequest(unsigned.method, url, headers=headers, data=unsigned.body)
    signer: Any = SigV4Auth(
        Credentials(ACCESS_KEY, secret, token),
        scope.get("service", "execute-api"),
        scope.get("region", "us-east-1"),
    )
    signer.add_auth(made)
    return unsigned._replace(headers={name.lower(): [value] for name, value in made.headers.items()})
