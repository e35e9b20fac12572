"""Planted bugs: in the code of the unpacked zip, and between the gateway and the function."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from local.gateway.event import Event
from local.gateway.gateway import Target
from tests.support.storms.stand import Tamper

Answer = dict[str, Any]


class Code(NamedTuple):
    """Code that is appended to a module of the package and replaces one of its names."""

    module: str
    name: str
    text: str

    def add(self, directory: Path) -> None:
        path = directory / self.module
        source = path.read_text()
        assert self.name in source, f"{self.module} has no {self.name}"
        path.write_text(f"{source}\n\n{self.text}\n")
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()


def _commit(body: str) -> Code:
    """Replaces the table adapter's commit. In the body, `commit` is the original."""
    text = f"""
_commit = DynamoRepository.commit

def _planted(self, actions):
    def commit(actions):
        return _commit(self, actions)

{body}

DynamoRepository.commit = _planted
"""
    return Code("configsvc/adapters/dynamo.py", "def commit(self", text)


def _fail_commit(error: str, answer: str) -> Code:
    """Replaces the result of one attempt at a transaction that fails or gets no response."""
    text = f"""
from configsvc.service.engine.ports import LostRace

_send = Calls._send

def _planted(self, seconds, until, send, addresses=()):
    try:
        return _send(self, seconds, until, send, addresses)
    except {error}:
        if not addresses:
            raise
        {answer}

Calls._send = _planted
"""
    return Code("configsvc/adapters/dynamo_calls.py", "def _send(", text)


CODE: dict[str, Code] = {
    "writes are not conditioned": Code(
        "configsvc/adapters/dynamo.py",
        "def _build_condition(",
        """
def _build_condition(expected):
    return {"ConditionExpression": "attribute_exists(pk) OR attribute_not_exists(pk)"}
""",
    ),
    "a lost answer counts as a lost race": _fail_commit("StoreUnavailable", "raise LostRace(addresses)"),
    "a throttled write is acknowledged": _fail_commit("StoreBusy", "return None"),
    "HEAD and the keys are two transactions": _commit(
        """
    first = [each for each in actions if type(getattr(each, "record", None)).__name__ in {"Head", "LogRecord"}]
    rest = [each for each in actions if each not in first]
    for some in (first, rest):
        if some:
            commit(some)
"""
    ),
    "a record of the log is left out": _commit(
        """
    def left_out(each):
        record = getattr(each, "record", None)
        return type(record).__name__ == "LogRecord" and record.revision % 10 == 7
    commit([each for each in actions if not left_out(each)])
"""
    ),
    "an Idempotency-Key is forgotten": Code(
        "configsvc/service/engine/writing.py",
        "def find_first_answer(",
        "def find_first_answer(found, at, asked, now):\n    return None",
    ),
    "a torn read is taken for a snapshot": Code(
        "configsvc/service/engine/snapshot.py",
        "def is_consistent(",
        "def is_consistent(head, states):\n    return True",
    ),
    "a rendered snapshot is kept too long": Code(
        "configsvc/adapters/caches.py",
        "class RenderedSnapshots",
        """
def _any_of(self, key):
    return next((self._kept[kept] for kept in list(self._kept) if kept[0] == key[0]), None)

RenderedSnapshots.get = _any_of
""",
    ),
    "an ETag matches another revision": Code(
        "configsvc/model/etag.py",
        "def matches_if_none_match(",
        "def matches_if_none_match(if_none_match, etag):\n    return if_none_match[:2] == etag[:2]",
    ),
    "a stale HEAD is read": Code(
        "configsvc/adapters/dynamo.py",
        "def _get_one(",
        """
_get_one, _before, _count = DynamoRepository._get_one, {}, []

def _planted_get(self, address):
    found = _get_one(self, address)
    before, _before[address] = _before.get(address, found), found
    _count.append(address)
    return before if len(_count) % 2 else found

DynamoRepository._get_one = _planted_get
""",
    ),
}


class _Passing:
    """A target that answers every n-th chosen event with `altered` instead.

    Args:
        target: the function.
        every: n.
        chosen: whether an event may be altered.
        altered: called with the target, the event, and the first response to the same request.
    """

    def __init__(self, target: Target, every: int, chosen: Callable[[Event], bool], altered: "Altered") -> None:
        self._target, self._every, self._chosen, self._altered = target, every, chosen, altered
        self._lock, self._count = Lock(), 0
        self._first: dict[str, Answer] = {}

    def __call__(self, event: Event) -> Answer:
        if not self._chosen(event):
            return self._target(event)
        with self._lock:
            self._count += 1
            first = self._first.get(_place(event)) if self._count % self._every == 0 else None
        answer = self._altered(self._target, event, first) if first else self._target(event)
        if answer["statusCode"] == HTTPStatus.OK:
            with self._lock:
                self._first.setdefault(_place(event), answer)
        return answer


Altered = Callable[[Target, Event, Answer], Answer]


def _answer_older(_target: Target, _event: Event, first: Answer) -> Answer:
    """Repeats the first response."""
    return first


def _answer_unchanged(target: Target, event: Event, _first: Answer) -> Answer:
    """Answers 304, whatever happened since."""
    held = event["headers"].get("if-none-match")
    if not held:
        return target(event)
    return {"statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": {"ETag": held}, "body": ""}


def _answer_twice(target: Target, event: Event, _first: Answer) -> Answer:
    """Sends the request once more, under another Idempotency-Key."""
    key = f"{event['headers'].get('idempotency-key', 'k')}-again"
    named = {"idempotency-key": key}
    headers = {"headers": event["headers"] | named}
    target(event | headers | {"multiValueHeaders": event["multiValueHeaders"] | {"idempotency-key": [key]}})
    return target(event)


def _place(event: Event) -> str:
    return f"{event['httpMethod']} {event['path']} {event['multiValueQueryStringParameters']}"


def _is_snapshot(event: Event) -> bool:
    return "snapshot" in str(event["path"])


def _is_change(event: Event) -> bool:
    return str(event["path"]).endswith("/changes") and "storm" in str(event["path"])


TAMPERED: dict[str, Tamper] = {
    "a snapshot of before is answered again": lambda target: _Passing(target, 20, _is_snapshot, _answer_older),
    "304 is answered without asking": lambda target: _Passing(target, 5, _is_snapshot, _answer_unchanged),
    "a write is dropped and acknowledged": lambda target: _Passing(target, 15, _is_change, _answer_older),
    "a write is made twice": lambda target: _Passing(target, 15, _is_change, _answer_twice),
}
