"""Failures in a consumer and a writer, each with the values that the code around it holds."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from configsvc.model import names
from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.snapshot import Entry
from configsvc_client import Config, environment
from configsvc_client._opening.fallback_file import Fallback, encode
from configsvc_client.admin import Admin, Draft, from_environ, make_draft
from tests.support.client.fakes import KMS_KEY
from tests.support.client.sealing import DATA_KEY, NS, make_data_key, make_envelope, make_plain_entry, make_snapshot
from tests.support.client.stub_servers import Answer, run_scripted, run_stub, take_request
from tests.support.client.stub_service import run_service
from tests.support.trackers import canaries
from tests.support.trackers.canaries import (  # fmt: skip
    API_KEY,
    BY_KMS,
    IN_JSON,
    OTHER_API_KEY,
    OWN,
    PLAIN,
    SECRET_KEY,
    SESSION,
    VALUE,
)

Make = Callable[..., Config]
Scene = Callable[[Make], None]

NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there: the port is the discard protocol's, and below those that are given out."""

CREDENTIALS = {
    "CONFIGSVC_API_KEY": f"{API_KEY},{OTHER_API_KEY}",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": SESSION,
}


class Vault:
    """KMS: unlike the fake of the other tests, what it gives out as ciphertext does not hold the plaintext."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def wrapped(self, plaintext: bytes) -> str:
        blob = to_base64std(f"blob {len(self._kept)}".encode())
        self._kept[blob] = plaintext
        return blob

    def answer(self, _: str, __: str, headers: dict[str, str], body: bytes) -> Answer:
        asked = json.loads(body)
        if not headers["x-amz-target"].endswith("Decrypt") or asked["CiphertextBlob"] not in self._kept:
            return 400, {}, json.dumps({"__type": "AccessDeniedException"}).encode()
        opened = to_base64std(self._kept[asked["CiphertextBlob"]])
        return 200, {}, json.dumps({"Plaintext": opened, "KeyId": KMS_KEY}).encode()


_VAULT = Vault()
_DATA_KEY = make_data_key()._replace(wrapped=_VAULT.wrapped(DATA_KEY))


def by_kms(key: str, plaintext: str) -> Entry:
    return Entry(names.Key(key), 1, "kms", "text/plain", _VAULT.wrapped(plaintext.encode()))


_SERVED = make_snapshot(
    [
        make_envelope("db.password", VALUE.encode()),
        make_envelope("db.more", json.dumps({"inner": [IN_JSON]}).encode(), content_type="application/json"),
        by_kms("db.by_kms", BY_KMS),
        make_plain_entry("log.level", PLAIN),
        make_envelope("ld.preload", VALUE.encode()),
    ],
    data_keys=[_DATA_KEY],
)
_LATER = make_snapshot(
    [by_kms("a.first", BY_KMS), make_plain_entry("log.level", PLAIN),
     by_kms("z.last", "x")._replace(value=to_base64std(b"foreign"))],
    data_keys=[_DATA_KEY], revision=2, tag="0a2c",
)  # fmt: skip


_OPENED: list[Callable[[], None]] = []
"""Closes the Configs and Admins of the scenes, which end with an error."""


@contextlib.contextmanager
def consumer() -> Iterator[tuple[Make, Callable[[], None], Callable[[], int]]]:
    """A service with something of every form: what makes Configs that read it, what serves the next revision, and
    how many requests it got. Functions, as what they know of is the test's own and would be shown.
    """
    with run_service(_SERVED) as running, run_stub(_VAULT.answer) as kms:
        running.environ.update({**CREDENTIALS, "AWS_ENDPOINT_URL_KMS": kms.url, "CONFIGSVC_START_SECONDS": "0.3"})

        def make(*namespaces: str, **changes: str) -> Config:
            config = Config(*namespaces, environ={**running.environ, **changes})
            _OPENED.append(config.close)
            return config

        def serve_later() -> None:
            running.serve(_LATER)

        try:
            yield make, serve_later, lambda: len(running.api.requests)
        finally:
            while _OPENED:
                _OPENED.pop()()


def given(name: str) -> str:
    """A canary. Not by its name: some libraries show the names in a line with what they stand for."""
    return str(getattr(canaries, name))


def the_data_key() -> bytes:
    """As `given`."""
    return DATA_KEY


@contextlib.contextmanager
def at(answer: Callable[[str, str, dict[str, str], bytes], Answer]) -> Iterator[str]:
    """The URL of a stub that answers so. The stub is no variable of who asks for it: it knows what was asked."""
    with run_stub(answer) as running:
        yield running.url


def variables(make: Make) -> None:
    own, config = OWN, make()
    snapshot, secret, more = config.snapshot(), config.secret("db.password"), config.secret("db.more")
    views, methods = [config.items(), snapshot.values()], [config.get, snapshot.get, secret.reveal, config.items]
    bound, nested = functools.partial(config.get, "db.password"), {"config": config, "held": (snapshot, [secret])}
    raise ValueError(own[:3], len([snapshot, secret, more, views, methods, bound, nested]))


def json_in_a_variable(make: Make) -> None:
    """A value of a custom type: Sentry and rich ask it how it is shown."""
    more: Any = make()["db.more"]
    own = OWN
    raise ValueError(len(own), len(more))


def in_a_handler(make: Make) -> None:
    config = make()

    @config.handler
    def handler(event: str, context: object) -> NoReturn:
        own, held = OWN, config.snapshot()
        raise RuntimeError(event, context, len(own), len(held))

    handler("an event", None)


def absent(make: Make) -> None:
    own, config = OWN, make()
    config.snapshot()
    assert own
    config["absent"]


def absent_of_a_snapshot(make: Make) -> None:
    own, snapshot = OWN, make().snapshot()
    assert own
    snapshot["absent"]


def not_a_number(make: Make) -> None:
    own, config = OWN, make()
    assert own
    config.get("db.password", config.get("db.by_kms"), as_=int)


def not_what_a_converter_of_mine_takes(make: Make) -> None:
    own, config = OWN, make()

    def refuse(value: object) -> NoReturn:
        raise LookupError(value)

    assert own
    config.get("db.more", as_=refuse)


def no_secret(make: Make) -> None:
    own, config = OWN, make()
    assert own
    config.secret("log.level")


def service_down(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_URL=f"{NOWHERE}/prod").snapshot()


def service_down_in_a_handler(make: Make) -> None:
    own, config = OWN, make(CONFIGSVC_URL=f"{NOWHERE}/prod")

    @config.handler
    def handler(event: str, context: object) -> object:
        return config[event], context

    assert own
    handler("db.password", None)


def proxy_down(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_URL="https://configsvc.test/prod", HTTPS_PROXY=f"http://me:{given('PROXY')}@127.0.0.1:9").snapshot()


def proxy_that_is_none(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_URL="https://configsvc.test/prod", HTTPS_PROXY=f"http://me:{given('PROXY')}@127.0.0.1:0").snapshot()


def not_ours(make: Make) -> None:
    own = OWN
    assert own
    said = {"content-type": "application/json", "etag": '"1"'}
    with at(lambda *_: (200, said, json.dumps([given("VALUE")]).encode())) as url:
        make(CONFIGSVC_URL=f"{url}/prod").snapshot()


def kms_down(make: Make) -> None:
    own = OWN
    assert own
    make(AWS_ENDPOINT_URL_KMS=NOWHERE).snapshot()


def kms_down_as_it_answers(make: Make) -> None:
    """The first part of its answer, with the data key in it, comes; the rest does not."""
    own = OWN
    assert own

    def breaks_off(connection: socket.socket) -> None:
        take_request(connection)
        text = json.dumps({"Plaintext": to_base64std(the_data_key())})
        connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(text) + 9}\r\n\r\n{text}".encode())

    with run_scripted(breaks_off) as it:
        make(AWS_ENDPOINT_URL_KMS=f"http://127.0.0.1:{it.port}").snapshot()


def another_data_key(make: Make) -> None:
    own = OWN
    assert own
    with at(_answering(lambda opened: opened[::-1] if len(opened) == len(the_data_key()) else opened)) as url:
        config = make(AWS_ENDPOINT_URL_KMS=url)
        config["db.password"]


def short_data_key(make: Make) -> None:
    own = OWN
    assert own
    with at(_answering(lambda opened: opened[:-1])) as url:
        config = make(AWS_ENDPOINT_URL_KMS=url)
        config["db.password"]


def kms_without_a_key(make: Make) -> None:
    own = OWN
    assert own
    with at(lambda *asked: _without_key(_VAULT.answer(*asked))) as url:
        make(AWS_ENDPOINT_URL_KMS=url).snapshot()


def _answering(change: Callable[[bytes], bytes]) -> Callable[[str, str, dict[str, str], bytes], Answer]:
    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        status, told, text = _VAULT.answer(method, path, headers, body)
        members = json.loads(text)
        members["Plaintext"] = to_base64std(change(from_base64std(members["Plaintext"])))
        return status, told, json.dumps(members).encode()

    return answer


def _without_key(answer: Answer) -> Answer:
    members = json.loads(answer[2])
    del members["KeyId"]
    return answer[0], answer[1], json.dumps(members).encode()


def missing_settings(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_NAMESPACES="").snapshot()


def malformed_api_key(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_API_KEY=given("API_KEY") + "\n" + given("API_KEY")).snapshot()


def malformed_api_keys(make: Make) -> None:
    own = OWN
    assert own
    make(CONFIGSVC_API_KEY=f"{given('API_KEY')},{given('OTHER_API_KEY')},{given('SECRET_KEY')}").snapshot()


@contextlib.contextmanager
def _refusing() -> Iterator[str]:
    """The URL alone: what keeps the requests would be shown."""
    with run_stub(lambda *_: (403, {}, b"")) as refusing:
        yield refusing.url


def both_api_keys_refused(make: Make) -> None:
    own = OWN
    assert own
    with _refusing() as url:
        make(CONFIGSVC_URL=url).snapshot()


def put_with_refused_api_keys(make: Make) -> None:
    own = OWN
    with _refusing() as url:
        admin = _admin(make, CONFIGSVC_URL=url)
        assert own
        admin.values.put(NS, "key", given("VALUE"))


def malformed_secret_key(make: Make) -> None:
    own = OWN
    assert own
    make(AWS_SECRET_ACCESS_KEY=given("SECRET_KEY") + "\n" + given("SECRET_KEY")).snapshot()


def refused_argument(make: Make) -> None:
    own = OWN
    assert own
    assert callable(make)
    Config(api_key=given("API_KEY"), kms_keys=5)  # type: ignore[arg-type]  # that is the point


def container_down(make: Make) -> None:
    own = OWN
    assert own
    make(
        AWS_ACCESS_KEY_ID="", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{NOWHERE}/v1",
        AWS_CONTAINER_AUTHORIZATION_TOKEN=given("CONTAINER"),
    ).snapshot()  # fmt: skip


def container_talks_nonsense(make: Make) -> None:
    own = OWN
    assert own
    with at(lambda *_: (200, {}, json.dumps({"SecretAccessKey": given("SECRET_KEY")}).encode())) as url:
        make(
            AWS_ACCESS_KEY_ID="", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url}/v1",
            AWS_CONTAINER_AUTHORIZATION_TOKEN=given("CONTAINER"),
        ).snapshot()  # fmt: skip


def fallback_file_and_no_kms(make: Make) -> None:
    own = OWN
    assert own
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fallback.json")  # noqa: PTH118  # short
        url = f"{NOWHERE}/prod"
        with open(path, "wb") as file:  # noqa: PTH123  # as above
            file.write(encode(Fallback(url, 0.0, (_SERVED.sealed,))))
        make(CONFIGSVC_URL=url, AWS_ENDPOINT_URL_KMS=NOWHERE, CONFIGSVC_FALLBACK=path).snapshot()


def would_choose_code(make: Make) -> None:
    own, config = OWN, make()
    assert own
    environment.fill(config, {})


def in_another_thread(make: Make) -> None:
    own = OWN
    assert own
    with ThreadPoolExecutor(1) as pool:
        pool.submit(absent, make).result()


def in_a_task(make: Make) -> None:
    own = OWN
    assert own

    async def reads() -> None:
        absent(make)

    asyncio.run(reads(), debug=True)


def _admin(make: Make, **changes: str) -> Admin:
    environ = make()._environ  # noqa: SLF001  # the same stubs
    admin = from_environ({**environ, **changes, "CONFIGSVC_KMS_KEYS": KMS_KEY})
    _OPENED.append(admin.close)
    return admin


def put_that_kms_refuses(make: Make) -> None:
    own, admin = OWN, _admin(make)
    assert own
    admin.values.put(NS, "key", given("VALUE"), form="kms")


def put_with_no_data_key(make: Make) -> None:
    own, admin = OWN, _admin(make)
    assert own
    admin.values.put_draft(NS, _draft())


def _draft() -> Draft:
    return make_draft("db.password", given("VALUE"))


def put_of_no_key(make: Make) -> None:
    own, admin = OWN, _admin(make)
    assert own
    admin.values.put(NS, "no/key", given("VALUE"))


def put_of_no_json(make: Make) -> None:
    own, admin = OWN, _admin(make)
    assert own
    admin.values.put(NS, "key", {given("VALUE"): {1, 2}})  # type: ignore[dict-item]  # that is the point


def variables_of_a_writer(make: Make) -> None:
    own, admin, prepared = OWN, _admin(make), _draft()
    opened = admin.values.open_entry(NS, make_plain_entry("log.level", given("PLAIN")))
    raise ValueError(own[:3], len(str([admin, prepared, opened])))


SCENES: tuple[Scene, ...] = (
    variables, in_a_handler, absent, absent_of_a_snapshot, not_a_number, not_what_a_converter_of_mine_takes, no_secret,
    service_down, service_down_in_a_handler, proxy_down, proxy_that_is_none, not_ours, kms_down, kms_down_as_it_answers,
    another_data_key, short_data_key, kms_without_a_key, missing_settings, malformed_api_key, malformed_api_keys,
    both_api_keys_refused, put_with_refused_api_keys, malformed_secret_key,
    refused_argument, container_down, container_talks_nonsense, fallback_file_and_no_kms, would_choose_code,
    in_another_thread, in_a_task, put_that_kms_refuses, put_with_no_data_key, put_of_no_key, put_of_no_json,
    variables_of_a_writer,
)  # fmt: skip


def refreshed_by_halves(make: Make, serve_later: Callable[[], None]) -> None:
    """One entry opens, and the next does not: the old snapshot stays, and why is raised."""
    own, config = OWN, make()
    config.snapshot()
    serve_later()
    assert own
    config.refresh()
