"""The network between a process and the service: requests and responses are late, lost or duplicated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from configsvc.model.errors import Unavailable
from configsvc_client._ports import Clocks
from configsvc_client._secret import Secret, unmask
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url
from infra.cloudformation.gateway_responses import problem_body
from local.gateway.event import StageOf, make_event, match
from local.gateway.signature import Request
from tests.simulation.cloud import Exchange, Fleet
from tests.simulation.scheduler import Process
from tests.simulation.weather import Weather
from tests.support.web.events import VARIABLES

URL = Url("https", "api.example", 443, "/api")
API_KEY = "value-of-the-api-key"
WAY_SECONDS = 0.01
WhileWaiting = Callable[[], None] | None
THAW_SECONDS = 90.0


class Person(NamedTuple):
    """The caller, as API Gateway passes it to the function."""

    api_key: str
    arn: str | None = None

    @property
    def identity(self) -> dict[str, str | None]:
        """The identity in the event."""
        return {"apiKeyId": self.api_key, "userArn": self.arn, "sourceIp": "203.0.113.9", "userAgent": None}


class Sent(NamedTuple):
    """A request that can be sent again."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class GivenUp(BaseException):
    """The user ended the program while it waited for a response."""


class Line:
    """A process's connection to the service. Replaces `Connection`, and is a `Transport`.

    Args:
        fleet: the function.
        weather: draws what happens on the way.
        process: the process that sends requests.
        person: the caller.
        way: seconds that each direction takes.
        freezes: whether the process may freeze during an exchange.
    """

    url = URL

    def __init__(
        self,
        fleet: Fleet,
        weather: Weather,
        process: Process,
        person: Person,
        *,
        way: float = WAY_SECONDS,
        freezes: bool = False,
    ) -> None:
        self.fleet, self.weather, self.process, self.person = fleet, weather, process, person
        self.way, self.freezes = way, freezes
        self.clock: Clocks = process
        self.gives_up = 0.0
        self.watch: Callable[[Sent, Response | None], None] = lambda _sent, _answer: None
        self.numbers = 0

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str | Secret],
        body: bytes | Secret,
        deadline: float,
        *,
        while_waiting: WhileWaiting = None,
    ) -> Response:
        """Sends a request; ends by the deadline.

        Raises:
            Unavailable: the request or its response was lost or too late.
            GivenUp: the same, but the program ends; `gives_up` is how often.
        """
        sent = Sent(method, target, {name: unmask(value) for name, value in headers.items()}, unmask(body))
        self.watch(sent, None)
        try:
            response = self.exchange(sent, deadline, while_waiting)
        except Unavailable:
            if self.weather.happens(self.gives_up):
                raise GivenUp from None
            raise
        self.process.time.note(self.process.name, f"{method} {_shorten_target(target)}: {response.status}")
        self.watch(sent, response)
        return response

    def close(self) -> None:
        """Does nothing, because no connection is kept."""

    def exchange(self, sent: Sent, deadline: float, while_waiting: WhileWaiting) -> Response:
        """Exchanges a request for its response."""
        climate, happens = self.weather.climate, self.weather.happens
        if happens(climate.refused):
            self.process.pause(min(self.way, deadline - self.clock.monotonic()))
            raise Unavailable("could not be reached", reason="connection")
        exchange = self._exchange(sent)
        if not happens(climate.lost):
            self._deliver(exchange, self.weather.takes(self.way))
        if happens(climate.twice):
            self._deliver(self._exchange(sent), self.weather.draw_between(0.0, 5.0))
        if while_waiting is not None:
            while_waiting()
        if self.freezes and happens(climate.frozen):
            self.process.freeze(THAW_SECONDS)
            raise Unavailable("the connection was closed", reason="connection")
        return self._await_response(exchange, deadline)

    def _await_response(self, exchange: Exchange, deadline: float) -> Response:
        came = exchange.done.wait(deadline - self.clock.monotonic())
        back, left = self.weather.takes(self.way), deadline - self.clock.monotonic()
        if not came or back > left or self.weather.happens(self.weather.climate.unanswered):
            self.process.pause(left)
            raise Unavailable("did not answer in time", reason="deadline")
        self.process.pause(back)
        return _make_response(exchange.answer)

    def _exchange(self, sent: Sent) -> Exchange:
        path, _, query = sent.target.removeprefix(URL.path).partition("?")
        matched = match(self.fleet.routes, sent.method, path)
        assert matched is not None, sent.target
        request = Request(sent.method, path, query, {name: [text] for name, text in sent.headers.items()}, sent.body)
        self.numbers += 1
        number = f"{self.process.name}-{self.numbers}"
        stage = StageOf("api", VARIABLES)
        return Exchange(self.process.time, make_event(request, matched, self.person.identity, stage, number))

    def _deliver(self, exchange: Exchange, after: float) -> None:
        self.process.time.spawn("request", lambda: self.fleet.serve(exchange), after=after)


def _shorten_target(target: str) -> str:
    """The end of the path, for the trace."""
    return "/".join(target.partition("?")[0].split("/")[4:])[:40]


def _make_response(answer: Mapping[str, Any] | None) -> Response:
    """The response over HTTP. API Gateway responds itself if the function did not."""
    if answer is None or answer["statusCode"] == 0:
        body = json.dumps(problem_body("DEFAULT_5XX", "a-request")).encode()
        status = 502 if answer is None else 500
        return Response(status, {"content-type": "application/problem+json"}, body)
    headers = {name.lower(): str(value) for name, value in answer["headers"].items()}
    return Response(answer["statusCode"], headers, (answer["body"] or "").encode())
