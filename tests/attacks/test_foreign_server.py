"""CONFIGSVC_URL names something else, or somebody is in between: nothing ends well, breaks, or repeats their texts."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from configsvc.model.change_set import Delete
from configsvc.model.errors import ConfigsvcError, Unavailable
from configsvc.model.names import Key
from configsvc_client._aws.kms import AwsKms, resolve_endpoint
from configsvc_client._secret import Secret
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.http import Connection
from configsvc_client._transport.response import Response
from configsvc_client._world import SystemClocks
from configsvc_client.admin import Admin, Grant, LogFilter, Retention, compose
from configsvc_client.admin.compose import make_own_credentials
from configsvc_client.admin.ports import AdminPorts
from configsvc_client.admin.wire.api import MOST_PAGES, Cursors
from configsvc_client.admin.wire.members import AnswerMembers
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell
from tests.support.client.stub_servers import Answer, run_stub

pytestmark = pytest.mark.slow  # many processes

MARK = "canary-of-their-page"
SAYS_SO = "did not answer as configsvc does"
JSON = {"content-type": "application/json"}

Use = Callable[[Admin, str, Path], object]
Change = Callable[[Response], Response]

USES: dict[str, Use] = {
    "namespaces": lambda admin, _, __: list(admin.namespaces.list()),
    "namespace": lambda admin, namespace, _: admin.namespaces.get(namespace),
    "create_namespace": lambda admin, namespace, _: admin.namespaces.create(
        namespace, description="d", retention=Retention(9, 9), schemas={"n.*": {"type": "integer"}}
    ),
    "lift": lambda admin, namespace, _: admin.namespaces.lift(namespace, 100),
    "upkeep": lambda admin, namespace, _: admin.namespaces.run_upkeep(namespace),
    "keys": lambda admin, namespace, _: list(admin.values.list_keys(namespace)),
    "known": lambda admin, namespace, _: admin.values.find_keys(namespace, ["a"]),
    "get": lambda admin, namespace, _: admin.values.get(namespace, "a"),
    "get version": lambda admin, namespace, _: admin.values.get(namespace, "a", 1),
    "snapshot": lambda admin, namespace, _: admin.values.get_snapshot(namespace),
    "values": lambda admin, namespace, _: admin.values.get_all(namespace),
    "put": lambda admin, namespace, _: admin.values.put(namespace, "b", "1"),
    "put plain": lambda admin, namespace, _: admin.values.put(namespace, "c", "1", form="plain"),
    "change": lambda admin, namespace, _: admin.change_sets.apply(namespace, [Delete(Key("a"))]),
    "activate": lambda admin, namespace, _: admin.values.activate(namespace, "a", 1),
    "rollback": lambda admin, namespace, _: admin.rollback.roll_back(namespace, "a", version=1),
    "destroy": lambda admin, namespace, _: admin.values.destroy(namespace, "a", 1),
    "history": lambda admin, namespace, _: list(admin.history.list_versions(namespace, "a")),
    "changes": lambda admin, namespace, _: list(admin.history.list_changes(namespace, LogFilter())),
    "grant_changes": lambda admin, _, __: list(
        admin.history.list_grant_changes(LogFilter(principal="api-key:idreader"))
    ),
    "diff": lambda admin, namespace, _: list(admin.history.diff(namespace, 3)),
    "diff_against": lambda admin, namespace, _: list(admin.history.diff_namespaces(namespace, namespace + ".other")),
    "data_keys": lambda admin, namespace, _: admin.data_keys.list(namespace),
    "add_data_key": lambda admin, namespace, _: admin.data_keys.add(namespace, KMS_KEY),
    "rotate": lambda admin, namespace, _: admin.data_keys.rotate(namespace),
    "whoami": lambda admin, _, __: admin.access.whoami(),
    "whoami by key": lambda admin, _, __: admin.access.whoami(signed=False),
    "skew": lambda admin, _, __: admin.access.measure_skew(),
    "list_grants": lambda admin, _, __: list(admin.grants.list()),
    "get_grants": lambda admin, _, __: admin.grants.get("api-key:idreader"),
    "set_grants": lambda admin, _, __: admin.grants.set("api-key:idnobody", [Grant(("read",), ("x",))]),
    "delete_grants": lambda admin, _, __: admin.grants.delete("api-key:idnobody"),
    "save_snapshot": lambda admin, namespace, folder: admin.fallback_file.save(folder / "file", namespace),
    "follow": lambda admin, namespace, _: admin.follow(namespace).look(),
    "follow two": lambda admin, namespace, _: admin.follow(namespace, namespace + ".other").look(),
}

BODIES: dict[str, bytes] = {
    "a page": b"<html><title>%b</title></html>" % MARK.encode(),
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "a text": json.dumps(MARK).encode(),
    "deep": b'{"namespaces":' + b"[" * 100_000,
    "deep and whole": b"[" * 5000 + b"]" * 5000,
    "no UTF-8": b'{"namespace": "\xff\xfe"}',
    "UTF-16": '{"keys": [], "cursor": null}'.encode("utf-16"),
    "cut off": b'{"namespaces": [{"namespace": "a',
    "a giant number": b'{"revision": ' + b"9" * 5000 + b"}",
    "an infinite number": b'{"revision": 1e999}',
    "not a number": b'{"revision": NaN}',
    "a name twice": b'{"status": "ok", "status": "ok"}',
    "half a pair": rb'{"description": "\ud800"}',
}


class Between:
    """A connection of which somebody changes the answers; keeps those that came."""

    def __init__(self, inner: Connection) -> None:
        self._inner = inner
        self.url = inner.url
        self.change: Change = lambda response: response
        self.came: list[Response] = []

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str | Secret],
        body: bytes | Secret,
        deadline: float,
        *,
        while_waiting: Callable[[], None] | None = None,
    ) -> Response:
        del while_waiting
        came = self._inner.request(method, target, headers, body, deadline)
        self.came.append(came)
        return self.change(came)

    def close(self) -> None:
        self._inner.close()


class Hand:
    """An administrator whose answers are changed on the way."""

    def __init__(self, service: Loopback, namespace: str) -> None:
        environ = service.environ("admin", namespace)
        settings = compose.read_settings(environ)
        inner = Connection(settings.url, {})
        self.between = Between(inner)
        find = make_own_credentials(environ).find
        kms = AwsKms(Connection(resolve_endpoint(settings.region, environ), {}), settings.region, find, time.time)

        def close() -> None:
            inner.close()
            kms.close()

        gateway = ApiGateway(self.between, *settings.api_keys)  # type: ignore[arg-type]  # as far as it is used
        ports = AdminPorts(self.between, kms, find, SystemClocks(), compose.OsRandomness(), gateway)
        self.admin = compose.build_admin(settings, ports, close)


@pytest.fixture
def place(service: Loopback) -> str:
    """A namespace with a sealed and a plain key of two versions, and another beside it."""
    namespace = service.namespace(f"foreign.{uuid4().hex[:10]}")
    admin = service.admin("admin")
    admin.grants.set("arn:aws:iam::123456789012:user/admin", [Grant(("read", "write", "admin"), ("*",))])
    service.namespace(f"{namespace}.other")
    for key, value in (("a", "1"), ("a", "2"), ("p", "1"), ("p", "2")):
        admin.values.put(namespace, key, value, form="plain" if key == "p" else "envelope")
    return namespace


@pytest.fixture
def hand(service: Loopback, place: str) -> Iterator[Hand]:
    made = Hand(service, place)
    yield made
    made.admin.close()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_whatever_is_answered_instead_every_method_says_so(hand: Hand, place: str, body: bytes, tmp_path: Path) -> None:
    hand.between.change = lambda _: Response(200, JSON, body)
    for name, use in USES.items():
        with pytest.raises(Unavailable, match=SAYS_SO) as caught:
            use(hand.admin, place, tmp_path)
        assert MARK not in str(caught.value), name


@pytest.mark.parametrize("status", [201, 202, 204, 206, 300, 301, 302, 304, 307, 400, 401, 404, 407, 409, 412, 418])
def test_another_status_without_our_words_decides_nothing(hand: Hand, place: str, status: int, tmp_path: Path) -> None:
    hand.between.change = lambda _: Response(status, {"content-type": "text/html", "location": "/"}, b"<html>")
    for name, use in USES.items():
        with pytest.raises(Unavailable) as caught:
            use(hand.admin, place, tmp_path)
        assert name.startswith("follow") or SAYS_SO in str(caught.value), name


@pytest.mark.parametrize("kind", ["text/html", "text/json", "", "application/problem+json"])
def test_what_is_no_json_by_its_content_type_is_refused(hand: Hand, place: str, kind: str, tmp_path: Path) -> None:
    hand.between.change = lambda came: came._replace(headers={**came.headers, "content-type": kind})
    for name in ("namespaces", "keys", "changes", "history", "list_grants", "skew", "whoami", "put plain"):
        with pytest.raises(Unavailable, match=SAYS_SO):
            USES[name](hand.admin, place, tmp_path)


WRONG: tuple[object, ...] = (
    None, True, -1, 1.5, 10**400, "", MARK, "\ud800", [], [None], ["x"], [{}], [[]], {}, {"x": 1}, {"now": 1},
)  # fmt: skip


@pytest.mark.parametrize("name", [each for each in USES if each != "rotate"])  # of parts that are all here
def test_a_member_that_is_missing_or_of_another_type_breaks_nothing(
    hand: Hand, place: str, name: str, tmp_path: Path
) -> None:
    use = USES[name]

    def used() -> None:
        try:
            use(hand.admin, place, tmp_path)
        except ConfigsvcError:
            return

    used()
    answers = [json.loads(each.body) for each in hand.between.came if each.body]
    for at in {path for answer in answers for path in paths(answer)}:
        for wrong in (*WRONG, KeyError):
            hand.between.change = lambda came, at=at, wrong=wrong: altered(came, at, wrong)  # type: ignore[misc]
            used()


def test_a_member_that_every_listing_has_is_missed(hand: Hand, place: str, tmp_path: Path) -> None:
    for name, at in (
        ("namespaces", ("namespaces",)), ("keys", ("keys",)), ("keys", ("cursor",)), ("history", ("versions",)),
        ("changes", ("changes",)), ("changes", ("cursor",)), ("grant_changes", ("changes",)), ("diff", ("to",)),
        ("diff_against", ("differences",)), ("data_keys", ("data_keys",)), ("list_grants", ("grants",)),
        ("get_grants", ("grants",)), ("snapshot", ("entries",)), ("upkeep", ("done",)), ("lift", ("floor",)),
    ):  # fmt: skip
        hand.between.change = lambda came, at=at: altered(came, at, KeyError)  # type: ignore[misc]
        with pytest.raises(Unavailable, match=SAYS_SO):
            USES[name](hand.admin, place, tmp_path)


@pytest.mark.parametrize(
    ("name", "at", "other"),
    [
        ("get", ("namespace",), "evil.prod"), ("get", ("key",), "b"), ("get version", ("version",), 2),
        ("snapshot", ("namespace",), "evil.prod"), ("keys", ("namespace",), "evil.prod"), ("history", ("key",), "b"),
        ("changes", ("namespace",), "evil.prod"), ("data_keys", ("namespace",), "evil.prod"),
        ("put plain", ("key",), "b"), ("get_grants", ("principal",), "api-key:other"), ("diff", ("from",), 2),
        ("change", ("results", 0, "key"), "b"), ("lift", ("namespace",), "evil.prod"),
        ("namespace", ("namespace",), "evil.prod"),
    ],
)  # fmt: skip
def test_an_answer_to_something_else_is_refused(  # noqa: PLR0917  # a table's columns
    hand: Hand, place: str, name: str, at: tuple[str | int, ...], other: object, tmp_path: Path
) -> None:
    hand.between.change = lambda came: altered(came, at, other)
    with pytest.raises(Unavailable, match=SAYS_SO):
        USES[name](hand.admin, place, tmp_path)


LISTINGS = ("namespaces", "keys", "history", "changes", "grant_changes", "diff", "diff_against", "list_grants")


@pytest.mark.parametrize("name", LISTINGS)
def test_a_cursor_that_comes_again_ends_the_listing_with_an_error(
    hand: Hand, place: str, name: str, tmp_path: Path
) -> None:
    first: list[Response] = []

    def again(came: Response) -> Response:
        first.append(altered(came, ("cursor",), "again"))
        return first[0]

    hand.between.change = again
    with pytest.raises(Unavailable, match="pages never end"):
        USES[name](hand.admin, place, tmp_path)
    assert len(first) == 2


def test_cursors_that_are_always_new_end_as_well() -> None:
    seen = Cursors()
    for number in range(MOST_PAGES):
        seen.next(AnswerMembers({"cursor": str(number)}))
    with pytest.raises(ValueError, match="pages never end"):
        seen.next(AnswerMembers({"cursor": "one more"}))


def test_an_upkeep_that_comes_no_further_ends(hand: Hand, place: str, tmp_path: Path) -> None:
    hand.between.change = lambda came: altered(came, ("done",), False)  # noqa: FBT003  # a member
    with pytest.raises(Unavailable, match="pages never end"):
        USES["upkeep"](hand.admin, place, tmp_path)


@pytest.mark.parametrize("said", ["-1", "1e3", "٣", ""])
def test_a_retry_after_that_is_none_is_passed_over(hand: Hand, place: str, said: str) -> None:
    hand.between.change = lambda _: Response(403, {"retry-after": said}, b"")
    with pytest.raises(ConfigsvcError) as caught:
        hand.admin.namespaces.get(place)
    assert "retry_after" not in caught.value.members


def test_a_retry_after_of_thousands_of_digits_is_capped(hand: Hand, place: str) -> None:
    hand.between.change = lambda _: Response(429, {"retry-after": "9" * 5000}, b"")
    with pytest.raises(ConfigsvcError) as caught:
        hand.admin.namespaces.get(place)
    assert caught.value.members["retry_after"] == 10**9 - 1


def test_a_forged_problem_is_cut_and_stripped_of_terminal_controls(hand: Hand, place: str) -> None:
    problem = {
        "code": "conflict",
        "detail": "\x1b]0;x\x07" + "d" * 10**6,
        "key": "\x1b[2J" + "k" * 10**6,
        "next_version": 10**30,
        "\x1b[2J": 1,
        "n" * 10**6: 1,
        "errors": [{"\x1b[2J": 1, "n" * 10**6: 1, "pointer": "/a"}],
        **{f"m{number}": number for number in range(10_000)},
    }
    kind = {"content-type": "application/problem+json"}
    hand.between.change = lambda _: Response(409, kind, json.dumps(problem).encode())
    with pytest.raises(ConfigsvcError) as caught:
        hand.admin.namespaces.get(place)
    error = caught.value
    assert len(error.detail) <= 2000
    assert len(str(error.members["key"])) <= 500
    assert "\x1b" not in error.detail + "".join([str(error.members), *error.members])
    assert error.members["next_version"] is None
    assert error.members["errors"] == [{"pointer": "/a"}]
    assert len(error.members) <= 30


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("list",), ("list", "--long"), ("log",), ("log", "--grants"), ("grants",), ("history", "a"), ("namespace", "list"),
    ("namespace", "show"), ("data-key", "list"), ("get", "a"), ("put", "a", "-"), ("put", "a", "-", "--plain"),
    ("delete", "a"), ("activate", "a", "1"), ("rollback", "a"), ("destroy", "a", "1"), ("export",), ("whoami",),
    ("diff", "--from", "1"), ("doctor",), ("grant", "api-key:x", "-a", "read", "-n", "x"),
    ("revoke", "api-key:x", "--all"), ("exec", "true"),
    ("snapshot", "save", "file"), ("copy", "a", "--to", "other.prod"), ("watch",), ("env",), ("data-key", "add"),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_takes_a_page_for_an_answer(
    service: Loopback, place: str, command: tuple[str, ...], tmp_path: Path
) -> None:
    def page(*_: object) -> Answer:
        return 200, {"content-type": "text/html"}, b"<html>\x1b]0;%b\x07</html>" % MARK.encode()

    with run_stub(page) as server:
        shell = Shell({**service.environ("admin", place), "CONFIGSVC_URL": f"{server.url}/api"}, tmp_path)
        done = shell.run("--yes", *command, given=b"value")
    if command == ("env",) and not server.requests:
        return  # it prints what is set and asks nobody
    said = done.out + done.err
    assert done.code, said
    assert SAYS_SO in said
    assert not [word for word in (MARK, "Traceback", "failed unexpectedly", "service ok", "\x1b") if word in said], said


def paths(node: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Finds the places in a body; of a list only the first item."""
    inner = (
        list(node.items()) if isinstance(node, dict) else list(enumerate(node))[:1] if isinstance(node, list) else []
    )
    for name, each in inner:
        yield (*at, name)
        yield from paths(each, (*at, name))


def altered(came: Response, at: tuple[str | int, ...], wrong: object) -> Response:
    """The answer with one member replaced, or taken out for KeyError; as it is where it has none there."""
    try:
        body: Any = copy.deepcopy(json.loads(came.body))
        holder = body
        for name in at[:-1]:
            holder = holder[name]
        holder[at[-1]]
    except (ValueError, LookupError, TypeError):
        return came
    if wrong is KeyError:
        del holder[at[-1]]
    else:
        holder[at[-1]] = wrong
    return came._replace(body=json.dumps(body).encode())
