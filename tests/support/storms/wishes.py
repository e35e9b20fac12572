"""The next request of a writer: change sets of pairs and requests for single keys, some with preconditions."""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support.races.linearizability import NAMESPACE, Base
from tests.support.storms.plan import NAMESPACES, PAIRS

SINGLES = ("single.0", "single.1")


class Wish(NamedTuple):
    """A write before it is sent.

    Args:
        namespace: where.
        method: of HTTP.
        path: below the namespace.
        body: JSON, or None.
        headers: preconditions, and the Idempotency-Key.
        keys: all keys that it touches.
        bases: the preconditions on them, or on the namespace.
        deletes: whether it deletes, which requires a served key.
    """

    namespace: str
    method: str
    path: str
    body: Mapping[str, Any] | None
    headers: Mapping[str, str]
    keys: tuple[str, ...]
    bases: Mapping[str, Base]
    deletes: bool = False

    @property
    def once(self) -> bool:
        """Whether it may be sent again after an unknown outcome."""
        return "Idempotency-Key" in self.headers


class Known(NamedTuple):
    """The last known revision of keys and namespaces, and the latest version of keys."""

    touched: dict[tuple[str, str], int]
    latest: dict[tuple[str, str], int]

    @classmethod
    def nothing(cls) -> "Known":
        return cls({}, {})


def pair(number: int) -> tuple[str, str]:
    """Two keys that are only written together, so that they have the same version and value at any revision."""
    return f"pair.{number}.a", f"pair.{number}.b"


def wish(chance: random.Random, known: Known, value: str) -> Wish:
    """Draws a request, given what is known. `value` is a unique text, and also its Idempotency-Key if it has one."""
    namespace = chance.choice(NAMESPACES)
    headers = {"Idempotency-Key": value} if chance.random() < 0.75 else {}
    if chance.random() < 0.7:
        return _pair(chance, known, Wish(namespace, "POST", "/changes", None, headers, (), {}), value)
    return _single(chance, known, Wish(namespace, "", "", None, headers, (), {}), value)


def _pair(chance: random.Random, known: Known, blank: Wish, value: str) -> Wish:
    keys = pair(chance.randrange(PAIRS))
    operation = _operation(chance, known.latest.get((blank.namespace, keys[0])), value)
    bases: dict[str, Base] = {}
    headers, guard = dict(blank.headers), chance.random()
    touched = known.touched.get((blank.namespace, keys[0]))
    if guard < 0.2 and operation["op"] == "put":
        operation["create_only"] = True
        bases = dict.fromkeys(keys, "unserved")
    elif guard < 0.45 and touched:
        operation["if_match"] = touched
        bases = dict.fromkeys(keys, touched)
    elif guard < 0.65 and (whole := known.touched.get((blank.namespace, NAMESPACE))):
        headers["If-Match"] = f'"{whole}"'
        bases[NAMESPACE] = whole
    operations = [{**operation, "key": key} for key in keys]
    body, deletes = {"message": value, "operations": operations}, operation["op"] == "delete"
    return blank._replace(body=body, headers=headers, keys=keys, bases=bases, deletes=deletes)


def _operation(chance: random.Random, latest: int | None, value: str) -> dict[str, Any]:
    dice = chance.random()
    if latest and dice < 0.2:
        return {"op": "activate", "version": chance.randint(max(1, latest - 3), latest)}
    if latest and dice < 0.35:
        return {"op": "delete"}
    return {"op": "put", **_text(value), "activate": dice < 0.92}


def _text(value: str) -> dict[str, Any]:
    return {"form": "plain", "content_type": "text/plain", "value": value}


def _single(chance: random.Random, known: Known, blank: Wish, value: str) -> Wish:
    key = chance.choice(SINGLES)
    operation = _operation(chance, known.latest.get((blank.namespace, key)), value)
    op, bases, headers, guard = operation.pop("op"), dict[str, Base](), dict(blank.headers), chance.random()
    touched = known.touched.get((blank.namespace, key))
    if guard < 0.2 and op == "put":
        headers["If-None-Match"], bases[key] = "*", "unserved"
    elif guard < 0.5 and touched:
        headers["If-Match"], bases[key] = f'"{touched}"', touched
    method, path = {
        "put": ("PUT", f"/keys/{key}"),
        "activate": ("POST", f"/keys/{key}/activate"),
        "delete": ("DELETE", f"/keys/{key}"),
    }[op]
    return Wish(blank.namespace, method, path, operation or None, headers, (key,), bases, op == "delete")
