"""Hooks for schemathesis: sign each request, and make valid ones satisfy rules that a schema cannot express."""

from __future__ import annotations

import os
import re
from typing import Any
from zlib import crc32

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests import PreparedRequest
from requests.auth import AuthBase

from tests.fuzz.seeds import KEYS, NAMESPACES

_ETAG = re.compile(r'"[1-9][0-9]{0,15}"')
_ANY_OR_ETAG = re.compile(r'\*|"[^"]+"')


class _Signed(AuthBase):
    """The API key of an administrator with all permissions, and a signature by botocore."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        credentials = Credentials(os.environ["FUZZ_ACCESS_KEY"], os.environ["FUZZ_SECRET_KEY"])
        r.headers["x-api-key"] = os.environ["FUZZ_API_KEY"]
        assert r.body is None or isinstance(r.body, str | bytes)
        body = r.body if isinstance(r.body, bytes) else (r.body or "").encode()
        signed = AWSRequest(r.method, r.url, headers={"host": os.environ["FUZZ_HOST"]}, data=body)
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(signed)
        r.headers.update({name: signed.headers[name] for name in ("Authorization", "X-Amz-Date")})
        return r


schemathesis.auth.set_from_requests(_Signed())  # type: ignore[attr-defined]  # documented; its types lack it


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:  # noqa: ANN401  # schemathesis' own
    """Requests that violate the schema are sent unchanged."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    _go_where_something_is(case.path_parameters)
    _ask_properly(case.operation.path, case.query, case.path_parameters)
    _hold_one_condition(case.headers)
    _name_each_key_once(case.body)


def _go_where_something_is(parameters: Any) -> None:  # noqa: ANN401
    """Three of four generated names become existing names."""
    for name, known in (("namespace", NAMESPACES), ("key", KEYS)):
        if name in parameters and (drawn := crc32(str(parameters[name]).encode())) % 4:
            parameters[name] = known[drawn // 4 % len(known)]


def _ask_properly(path: str, query: Any, names: Any) -> None:  # noqa: ANN401
    """A cursor is one from a response. Two revisions are compared, or two namespaces."""
    query.pop("cursor", None)
    if path.endswith("/diff"):
        if "from" in query:
            query.pop("against", None)
        elif "against" in query:
            query.pop("to", None)
            query["against"] = next(each for each in NAMESPACES if each != names.get("namespace"))
        else:
            query["from"] = 1


def _hold_one_condition(headers: Any) -> None:  # noqa: ANN401
    """One precondition with one of our ETags, because schemathesis also uses response values for headers."""
    for name, known, any_of in (("If-Match", _ETAG, '"1"'), ("If-None-Match", _ANY_OR_ETAG, "*")):
        if name in headers and not known.fullmatch(str(headers[name])):
            headers[name] = any_of
    if "If-Match" in headers:
        headers.pop("If-None-Match", None)


def _name_each_key_once(body: Any) -> None:  # noqa: ANN401
    if isinstance(body, dict) and "operations" in body:
        body["operations"] = list({each["key"]: each for each in body["operations"]}.values())
