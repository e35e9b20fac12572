"""An Admin whose requests are watched: something is done before one is sent, or after its answer came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc_client import _world
from configsvc_client._aws.credentials import CredentialSources
from configsvc_client._aws.kms import AwsKms, resolve_endpoint
from configsvc_client._secret import Secret
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.http import Connection
from configsvc_client._transport.response import Response
from configsvc_client.admin import Admin
from configsvc_client.admin.compose import OsRandomness, build_admin, read_settings
from configsvc_client.admin.ports import AdminPorts
from tests.support.admin.loopback import Loopback

Watch = Callable[[str, str], None]


class Watched(NamedTuple):
    """The transport, with what is done before and after each request: both get method and path."""

    connection: Connection
    before: Watch
    after: Watch

    def request(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret, deadline: float
    ) -> Response:
        self.before(method, target)
        response = self.connection.request(method, target, headers, body, deadline)
        self.after(method, target)
        return response


def nothing(method: str, target: str) -> None:
    del method, target


def watched(service: Loopback, who: str, *, before: Watch = nothing, after: Watch = nothing) -> Admin:
    """An Admin of a person, that the end of the test closes."""
    environ = service.environ(who)
    settings = read_settings(environ)
    api = Connection(settings.url, environ)
    to_kms = Connection(resolve_endpoint(settings.region, environ), environ)
    find = CredentialSources(environ).find
    kms = AwsKms(to_kms, settings.region, find, time.time)
    ports = AdminPorts(
        Watched(api, before, after), kms, find, _world.SystemClocks(), OsRandomness(),
        ApiGateway(api, *settings.api_keys),
    )  # fmt: skip

    def close() -> None:
        api.close()
        to_kms.close()

    service.opened.append(build_admin(settings, ports, close))
    return service.opened[-1]
