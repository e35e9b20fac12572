"""Clean-up after a run: its namespaces are deleted, and the grants of its people are restored.

A namespace's HEAD and change log stay by design: its numbers are never given out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.support.journeys.api import Api, Reply
from tests.support.journeys.stage import Stage
from tests.support.journeys.waiting import until

_GRANTS = "/v1/grants"
_OPERATIONS = 40
_AT_ONCE = 4

Granted = Sequence[Mapping[str, Any]]


@contextmanager
def hold_grants(api: Api, stage: Stage, wanted: Mapping[str, Granted]) -> Iterator[None]:
    """Add these grants to those that each principal has; at the end restore the latter."""
    before = {principal: _held(api, stage, principal) for principal in wanted}
    try:
        for principal, grants in wanted.items():
            _set(api, stage, principal, [*before[principal], *grants])
        yield
    finally:
        for principal, grants in before.items():
            _set(api, stage, principal, grants)


def remove_namespaces(api: Api, stage: Stage, prefix: str) -> None:
    """Take away every namespace whose name begins so."""
    with ThreadPoolExecutor(_AT_ONCE) as at_once:
        list(at_once.map(lambda namespace: _remove(api, stage, namespace), _namespaces(api, stage, prefix)))


def _held(api: Api, stage: Stage, principal: str) -> Granted:
    answer = api.send("GET", _GRANTS, stage.admin, query={"principal": principal})
    found: Granted = [] if answer.status == 404 else answer.json()["grants"]
    return found


def _set(api: Api, stage: Stage, principal: str, grants: Granted) -> None:
    query = {"principal": principal}
    if grants:
        api.send("PUT", _GRANTS, stage.admin, {"grants": grants}, query=query).json()
    else:
        answer = api.send("DELETE", _GRANTS, stage.admin, query=query)
        assert answer.status in {200, 204, 404}, answer


def _namespaces(api: Api, stage: Stage, prefix: str) -> list[str]:
    return [each["namespace"] for each in _pages(api, stage, "/v1/namespaces", "namespaces", prefix)]


def _remove(api: Api, stage: Stage, namespace: str) -> None:
    path = f"/v1/namespaces/{namespace}"
    served = [each["key"] for each in _pages(api, stage, f"{path}/keys", "keys", "") if each["active"]]
    if served:
        api.send("PUT", path, stage.admin, {"read_only": False, "require_preconditions": False}).json()
    for start in range(0, len(served), _OPERATIONS):
        operations = [{"op": "delete", "key": key} for key in served[start : start + _OPERATIONS]]
        _ask_again(partial(api.send, "POST", f"{path}/changes", stage.writer, {"operations": operations})).json()
    api.send("DELETE", path, stage.admin).json()


def _pages(api: Api, stage: Stage, path: str, what: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    cursor = ""
    while True:
        query = {name: text for name, text in (("prefix", prefix), ("cursor", cursor)) if text}
        page = _ask_again(partial(api.send, "GET", path, stage.reader, query=query)).json()
        yield from page[what]
        cursor = page["cursor"]
        if not cursor:
            return


def _ask_again(send: Callable[[], Reply]) -> Reply:
    """Repeat the request until the answer is not 404: warm processes cache grants of an earlier run for seconds."""
    answers: list[Reply] = []

    def is_answered() -> bool:
        answers.append(send())
        return answers[-1].status != 404

    until(is_answered)
    return answers[-1]
