"""Fakes of the ports of the write side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Namespace
from configsvc_client._aws.credentials import FindCredentials
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._secret import Secret, unmask
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url
from configsvc_client.admin.ports import AdminPorts, WriterKms
from configsvc_client.admin.wire.api import AdminApi
from tests.support.client.fakes import FakeClock, FakeKms

URL = Url("https", "api.example.com", 443, "/api")


class Sent(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class FakeTransport:
    """Answers from a list, in order; an error in it is raised."""

    def __init__(self, *answers: Response | ConfigsvcError) -> None:
        self.answers = list(answers)
        self.sent: list[Sent] = []
        self.deadlines: list[float] = []

    def request(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret, deadline: float
    ) -> Response:
        self.deadlines.append(deadline)
        self.sent.append(Sent(method, target, {name: unmask(value) for name, value in headers.items()}, unmask(body)))
        answer = self.answers.pop(0)
        if isinstance(answer, ConfigsvcError):
            raise answer
        return answer


class FakeChance:
    def __init__(self, fraction: float = 0.5) -> None:
        self.drawn = 0
        self._fraction = fraction

    def nonce(self) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(12)

    def idempotency_key(self) -> str:
        self.drawn += 1
        return f"idempotency-{self.drawn}"

    def fraction(self) -> float:
        return self._fraction


class NoCall(FakeKms):
    """Opens what the client's fake opens, and does nothing else."""

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        raise AssertionError((operation, members, deadline))


class NoGateway:
    """Is asked nothing."""

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: Callable[[], None] | None = None
    ) -> dict[Namespace, FetchedSnapshot]:
        raise AssertionError((known, deadline, while_waiting))


def found_credentials(deadline: float) -> Credentials:
    del deadline
    return Credentials("AKIAEXAMPLE", "example-secret-key", "example-token")


def slow_credentials(clock: FakeClock, *seconds: float) -> FindCredentials:
    """Each time they take so long."""
    takes = iter(seconds)

    def find(deadline: float) -> Credentials:
        clock.advance(next(takes))
        return found_credentials(deadline)

    return find


def ports(
    transport: FakeTransport,
    *,
    credentials: FindCredentials = found_credentials,
    kms: WriterKms | None = None,
    clock: FakeClock | None = None,
) -> AdminPorts:
    return AdminPorts(transport, kms or NoCall(), credentials, clock or FakeClock(), FakeChance(), NoGateway())


def api(transport: FakeTransport, *, clock: FakeClock | None = None) -> AdminApi:
    return AdminApi(URL, "value-of-the-api-key", "eu-central-1", ports(transport, clock=clock))


def answer(status: int, body: object = None, **headers: str) -> Response:
    content = b"" if body is None else json.dumps(body).encode()
    kind = "application/json" if status < 400 else "application/problem+json"
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": kind, **said}, content)
