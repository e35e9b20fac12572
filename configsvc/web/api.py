"""Routes on Chalice, which declares and packages them; every request goes through the request handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from chalice.app import Chalice, IAMAuthorizer, Response

from configsvc.model.errors import ConfigsvcError, MethodNotAllowed, NotFound
from configsvc.service.engine.ports import ServicePorts
from configsvc.web.arrival import Arrival, Proof, limit_seconds, receive, receive_unconfigured, strip_event
from configsvc.web.description import Description, Route, RouteAccess
from configsvc.web.event import get_context
from configsvc.web.handling import RequestHandler
from configsvc.web.reply import Reply

View = Callable[..., Reply]


class _Invocation(NamedTuple):
    came: Arrival
    context: object
    began: float


# Chalice stores the current request on the app, where threads of a test server would share it.
_INVOCATION: ContextVar[_Invocation] = ContextVar("invocation")

_GUARDS: Mapping[RouteAccess, Callable[[], dict[str, Any]]] = {
    "open": dict,
    "key": lambda: {"api_key_required": True},
    "signed": lambda: {"api_key_required": True, "authorizer": IAMAuthorizer()},
}


class RestApi(Chalice):
    """The REST API. Its routes are declared by kind of access: open, read, signed.

    Args:
        handler: serves and logs every request.
        ports: returns the ports for the verbs, for this many seconds; called by each request that needs them, not on
            import.
        proof: returns the proof that the gateway must send; called with the first request.
        monotonic: seconds of a clock that never goes back.

    Attributes:
        described: every route as it was declared.
    """

    def __init__(
        self,
        handler: RequestHandler,
        ports: Callable[[float], ServicePorts],
        proof: Callable[[], Proof],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__("configsvc", configure_logs=False, env={})
        self.log.disabled = (
            True  # it would log the text of exceptions, which may contain the request; the handler does not
        )
        self.described: list[Route] = []
        self._handler = handler
        self._ports = ports
        self._proof = proof
        self._monotonic = monotonic

    def ports(self) -> ServicePorts:
        """The ports for the current request, limited by its deadline."""
        came, context, began = _INVOCATION.get()
        allowed = limit_seconds(get_context(came.event)["httpMethod"], context)
        return self._ports(allowed - (self._monotonic() - began))

    def open(self, path: str, description: Description) -> Callable[[View], View]:
        """Declares a GET for anyone."""
        return self._declare("GET", path, "open", description)

    def read(self, path: str, description: Description) -> Callable[[View], View]:
        """Declares a GET with an API key."""
        return self._declare("GET", path, "key", description)

    def signed(self, method: str, path: str, description: Description) -> Callable[[View], View]:
        """Declares a request with an API key and a signature (IAM, `execute-api`)."""
        return self._declare(method, path, "signed", description)

    def _declare(self, method: str, path: str, access: RouteAccess, description: Description) -> Callable[[View], View]:
        def declare(view: View) -> View:
            def answer(**_texts: str) -> Response:
                served = self._handler.serve(
                    _INVOCATION.get().came, lambda request: view(request.check(description), **request.path)
                )
                return Response(served.body, dict(served.headers), served.status)

            subject = description.subject or view.__module__.rpartition(".")[2]
            self.described.append(Route(method, path, view.__name__, subject, access, description))
            self.route(path, methods=[method], name=view.__name__, **_GUARDS[access]())(answer)
            return view

        return declare

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401  # as Lambda calls it
        """Serves one event of any shape."""
        began = self._monotonic()
        came = self._arrive(event, context)
        token = _INVOCATION.set(_Invocation(came, context, began))
        try:
            return self._refuse(came, came.refusal, {}) if came.refusal else self._answer(came)
        except Exception as error:  # noqa: BLE001  # an unreadable event
            return self._refuse(came._replace(event=strip_event(event, context, self.routes)), error, {})
        finally:
            _INVOCATION.reset(token)

    def _arrive(self, event: object, context: object) -> Arrival:
        try:
            proof = self._proof()
        except ConfigsvcError as error:
            return receive_unconfigured(event, context, self.routes, error)
        return receive(event, context, self.routes, proof)

    def _answer(self, came: Arrival) -> dict[str, Any]:
        """Calls the view of the route. Chalice's own dispatcher takes more time than an unchanged poll without it."""
        asked = get_context(came.event)
        method, path = asked["httpMethod"], asked["resourcePath"]
        if path is None:
            raise TypeError("the event names no route")
        views = self.routes.get(path, {})
        if method in views:
            answered: Response = views[method].view_function()
            return answered.to_dict()
        if not views:
            return self._refuse(came, NotFound("This route does not exist."), {})
        allow = ", ".join(views)
        return self._refuse(came, MethodNotAllowed(f"This route allows only {allow}."), {"Allow": allow})

    def _refuse(self, came: Arrival, error: Exception, headers: dict[str, str]) -> dict[str, Any]:
        served = self._handler.refuse(came, error, headers)
        return Response(served.body, dict(served.headers), served.status).to_dict()
