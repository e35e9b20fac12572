"""The access matrix: every route for every kind of caller, over the loopback gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import pytest

from configsvc.bootstrap import app
from local.gateway.access import Access, Identity
from local.gateway.gateway import Gateway, LoopbackGateway
from local.people import ApiKey, Person
from tests.support.journeys.api import Api, Who
from tests.support.journeys.local_stage import memory_app, new_cast
from tests.support.journeys.stage import REGION, api_key_principal, iam_principal
from tests.support.journeys.texts import Texts
from tests.support.journeys.visits import KEY, NAMESPACE, VISITS, Visit, before
from tests.support.web.events import VARIABLES

COLUMNS = (
    "no key", "wrong key", "reader", "writer's key without IAM", "IAM without key", "writer",
    "other namespace's writer", "admin of a pattern", "admin of all",
)  # fmt: skip
OK = 0
# The admin of a pattern has an API key that reads there; the admin of all has one without any grant, and no action
# implies another.
OPEN = (OK, OK, OK, OK, OK, OK, OK, OK, OK)
KEYED = (403, 403, OK, OK, 403, OK, OK, OK, OK)
SIGNED = (403, 403, 403, 403, 403, OK, OK, OK, OK)
READ = (403, 403, OK, OK, 403, OK, 404, OK, 404)
WRITE = (403, 403, 403, 403, 403, OK, 404, 403, 404)
ADMIN = (403, 403, 403, 403, 403, 403, 404, OK, OK)
CREATE = (403, 403, 403, 403, 403, 404, 404, OK, OK)  # still absent
GRANTS = (403, 403, 403, 403, 403, 403, 403, 403, OK)

MATRIX = {
    ("GET", "/v1/health"): OPEN,
    ("GET", "/v1/openapi.json"): OPEN,
    ("GET", "/v1/whoami"): KEYED,
    ("POST", "/v1/whoami"): SIGNED,
    ("GET", "/v1/namespaces"): KEYED,
    ("PUT", NAMESPACE): ADMIN,
    ("GET", NAMESPACE): READ,
    ("DELETE", NAMESPACE): ADMIN,
    ("GET", f"{NAMESPACE}/snapshot"): READ,
    ("GET", "/v1/snapshots"): READ,
    ("GET", f"{NAMESPACE}/keys"): READ,
    ("GET", KEY): READ,
    ("PUT", KEY): WRITE,
    ("DELETE", KEY): WRITE,
    ("POST", f"{KEY}/activate"): WRITE,
    ("GET", f"{KEY}/versions"): READ,
    ("DELETE", f"{KEY}/versions/{{version}}"): ADMIN,
    ("POST", f"{NAMESPACE}/changes"): WRITE,
    ("GET", f"{NAMESPACE}/changes"): READ,
    ("GET", f"{NAMESPACE}/diff"): READ,
    ("GET", f"{NAMESPACE}/data-keys"): READ,
    ("POST", f"{NAMESPACE}/data-keys"): ADMIN,
    ("PUT", f"{NAMESPACE}/data-keys/{{kid}}"): ADMIN,
    ("POST", f"{NAMESPACE}/data-keys/{{kid}}/retire"): ADMIN,
    ("POST", f"{NAMESPACE}/lift"): ADMIN,
    ("POST", f"{NAMESPACE}/upkeep"): ADMIN,
    ("GET", "/v1/grants"): GRANTS,
    ("PUT", "/v1/grants"): GRANTS,
    ("DELETE", "/v1/grants"): GRANTS,
    ("GET", "/v1/grants/changes"): GRANTS,
}


def make_row(visit: Visit) -> tuple[int, ...]:
    return CREATE if visit.route == ("PUT", NAMESPACE) and visit.status == 201 else MATRIX[visit.route]


CODES = {403: "forbidden", 404: "not_found"}
CELLS = [
    pytest.param(visit, column, status, id=f"{visit.method} {visit.resource} {visit.status} by {column}")
    for visit in VISITS
    for column, status in zip(COLUMNS, make_row(visit), strict=True)
]


class Scene(NamedTuple):
    """The API, the person who prepares it, and the callers by column."""

    api: Api
    root: Person
    callers: dict[str, tuple[Who, bool]]


def _make_person(name: str) -> Person:
    arn = f"arn:aws:iam::123456789012:role/{name}"
    return Person(name, arn, f"AKIA{name.upper()}", f"secret-of-{name}", f"idof{name}", f"key-of-{name}")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Everyone has grants on `matrix.*`, except the other writer, who has them on `other.*`."""
    root, (writer, other, pattern) = new_cast().admin, (_make_person(name) for name in ("writer", "other", "pattern"))
    bare = root._replace(api_key="key-of-bare", api_key_id="idofbare")
    reader = ApiKey("idofreader", "key-of-reader")
    people = (root, writer, other, pattern, bare)
    keys = {each.api_key: each.api_key_id for each in people} | {reader.value: reader.identifier}
    identities = {each.access_key: Identity(each.secret_key, each.arn) for each in people}
    service = memory_app(Texts(), new_cast())
    gateway = Gateway(lambda event: service(event, None), service.routes, Access(keys, identities), VARIABLES)
    with LoopbackGateway(gateway) as running:
        api = Api(running.url, REGION)
        _set_grants(api, root, (reader, writer, other, pattern))
        callers: tuple[tuple[Who, bool], ...] = (
            (None, False), (ApiKey("none", "no-such-key"), False), (reader, False), (writer, False),
            (writer._replace(api_key=""), True), (writer, True), (other, True), (pattern, True), (bare, True),
        )  # fmt: skip
        yield Scene(api, root, dict(zip(COLUMNS, callers, strict=True)))


def _set_grants(api: Api, root: Person, who: tuple[ApiKey, Person, Person, Person]) -> None:
    reader, writer, other, pattern = who
    wanted = [
        (api_key_principal(root), ["read"], "*"),
        (iam_principal(root), ["write"], "root.*"),
        (api_key_principal(reader), ["read"], "matrix.*"),
        (api_key_principal(writer), ["read"], "matrix.*"),
        (iam_principal(writer), ["write"], "matrix.*"),
        (api_key_principal(other), ["read"], "other.*"),
        (iam_principal(other), ["write"], "other.*"),
        (api_key_principal(pattern), ["read"], "matrix.*"),
        (iam_principal(pattern), ["admin"], "matrix.*"),
    ]
    for principal, actions, namespaces in wanted:
        body = {"grants": [{"actions": actions, "namespaces": [namespaces]}]}
        api.send("PUT", "/v1/grants", root, body, query={"principal": principal}).json()


def test_the_matrix_has_every_route() -> None:
    declared = {(method, resource) for resource, methods in app.routes.items() for method in methods}
    assert MATRIX.keys() == {visit.route for visit in VISITS} == declared


@pytest.mark.parametrize(("visit", "column", "status"), CELLS)
def test_the_access_matrix_holds(scene: Scene, visit: Visit, column: str, status: int) -> None:
    namespace = f"matrix.{uuid4().hex[:12]}"
    by_role = {"writer": scene.callers["writer"][0], "admin": scene.root}
    for each in before(visit):
        assert each.pay(scene.api, namespace, by_role[each.role]).status == each.status
    revision = _read_revision(scene, namespace)
    who, signed = scene.callers[column]
    answer = visit.pay(scene.api, namespace, who, signed=signed)
    assert answer.status == (status or visit.status)
    if status:
        assert answer.code == CODES[status]
        assert _read_revision(scene, namespace) == revision


def _read_revision(scene: Scene, namespace: str) -> object:
    found = scene.api.send("GET", f"/v1/namespaces/{namespace}", scene.root)
    return found.json()["revision"] if found.status < 300 else found.status
