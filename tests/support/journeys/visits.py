"""One request to every route that it answers with success, in an order in which each finds what it needs."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tests.support.journeys.api import Api, Reply, Who
from tests.support.journeys.sealing import new_data_key, plain
from tests.support.journeys.stage import Stage

Role = Literal["nobody", "reader", "writer", "admin"]

NAMESPACE = "/v1/namespaces/{namespace}"
KEY = f"{NAMESPACE}/keys/{{key}}"
_DATA_KEY = new_data_key().body
_AGAIN = {name: new_data_key().body[name] for name in ("kms_key", "wrapped")}
_GRANTS = {"principal": "api-key:visited"}


class Visit(NamedTuple):
    """A request; `{namespace}` in resource and query is replaced by the visited namespace."""

    method: str
    resource: str
    role: Role
    body: object = None
    query: dict[str, str] | None = None
    status: int = 200

    @property
    def route(self) -> tuple[str, str]:
        """Method and resource."""
        return self.method, self.resource

    @property
    def writes(self) -> bool:
        """Whether another may need it."""
        return self.method != "GET"

    def pay(self, api: Api, namespace: str, who: Who, *, signed: bool | None = None) -> Reply:
        """Send it as someone."""
        names = {"namespace": namespace, "key": "visited", "kid": _DATA_KEY["kid"], "version": 2}
        query = self.query and {name: each.format_map(names) for name, each in self.query.items()}
        return api.send(self.method, self.resource.format_map(names), who, self.body, query=query, signed=signed)


VISITS = [
    Visit("GET", "/v1/health", "nobody"),
    Visit("GET", "/v1/openapi.json", "nobody"),
    Visit("GET", "/v1/whoami", "reader"),
    Visit("POST", "/v1/whoami", "writer"),
    Visit("PUT", "/v1/grants", "admin", {"grants": [{"actions": ["read"], "namespaces": ["visited"]}]}, _GRANTS),
    Visit("GET", "/v1/grants", "admin", query=_GRANTS),
    Visit("GET", "/v1/grants/changes", "admin"),
    Visit("DELETE", "/v1/grants", "admin", query=_GRANTS, status=204),
    Visit("PUT", NAMESPACE, "admin", {"description": "visited"}, status=201),
    Visit("PUT", NAMESPACE, "admin", {"retention": {"versions": 5, "log_days": 30}}),
    Visit("GET", "/v1/namespaces", "reader"),
    Visit("GET", NAMESPACE, "reader"),
    Visit("POST", f"{NAMESPACE}/data-keys", "admin", _DATA_KEY, status=201),
    Visit("PUT", f"{NAMESPACE}/data-keys/{{kid}}", "admin", _AGAIN),
    Visit("GET", f"{NAMESPACE}/data-keys", "reader"),
    Visit("POST", f"{NAMESPACE}/data-keys/{{kid}}/retire", "admin"),
    Visit("PUT", KEY, "writer", plain("one"), status=201),
    Visit("POST", f"{NAMESPACE}/changes", "writer", {"operations": [{"op": "put", "key": "visited", **plain("two")}]}),
    Visit("GET", KEY, "reader"),
    Visit("GET", f"{NAMESPACE}/keys", "reader"),
    Visit("GET", f"{NAMESPACE}/snapshot", "reader"),
    Visit("GET", "/v1/snapshots", "reader", query={"namespace": "{namespace}"}),
    Visit("POST", f"{KEY}/activate", "writer", {"version": 1, "message": "back"}),
    Visit("GET", f"{KEY}/versions", "reader"),
    Visit("DELETE", f"{KEY}/versions/{{version}}", "admin"),
    Visit("GET", f"{NAMESPACE}/changes", "reader"),
    Visit("GET", f"{NAMESPACE}/diff", "reader", query={"from": "1"}),
    Visit("POST", f"{NAMESPACE}/lift", "admin", {"revision": 100}),
    Visit("POST", f"{NAMESPACE}/upkeep", "admin"),
    Visit("DELETE", KEY, "writer"),
    Visit("DELETE", NAMESPACE, "admin"),
]


def person(stage: Stage, role: Role) -> Who:
    """Return the person who has a role on a stage."""
    return None if role == "nobody" else getattr(stage, role)


def before(visit: Visit) -> list[Visit]:
    """Return the visits that must have been made before this one."""
    return [each for each in VISITS[: VISITS.index(visit)] if each.writes]
