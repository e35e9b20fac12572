"""Grants: which principal may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from configsvc.model.errors import NotFound, PreconditionFailed
from configsvc.model.etag import is_of_revision
from configsvc.model.grants import Grant
from configsvc_client._body import NotOurs
from configsvc_client.admin._api import Answer, Api, nothing
from configsvc_client.admin._members import Members
from configsvc_client.admin._pages import items

_TRIES = 4


class Granted(NamedTuple):
    """A principal and its grants."""

    principal: str
    grants: tuple[Grant, ...]


class Grants:
    """The grants of principals. Every method takes `admin` on `*`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, principal: str) -> tuple[Grant, ...]:
        """Return the grants of a principal, none when it has none."""
        return self._held(principal)[0]

    def list(self) -> Iterator[Granted]:
        """List all principals and their grants, page by page."""
        return items(self._api, "/grants", "grants", _granted, {}, signed=True)

    def set(self, principal: str, grants: Sequence[Grant]) -> None:
        """Replace the grants of a principal."""
        self._set(principal, grants, {})

    def delete(self, principal: str) -> None:
        """Take every grant of a principal away."""
        self._delete(principal, {})

    def change(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        """Replace the grants of a principal by what `new` makes of them, and return that.

        It is called again when someone else changed them, so no change of theirs is lost.

        Raises:
            PreconditionFailed: they changed each time.
        """
        for _ in range(_TRIES):
            with suppress(PreconditionFailed):
                return self._change(principal, new)
        return self._change(principal, new)

    def _change(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        held, etag = self._held(principal)
        wanted = tuple(new(held))
        if wanted == held:
            return held
        expected = {"if-match": etag} if etag else {"if-none-match": "*"}
        if wanted:
            self._set(principal, wanted, expected)
        else:
            self._delete(principal, expected)
        return wanted

    def _held(self, principal: str) -> tuple[tuple[Grant, ...], str | None]:
        """The grants of a principal and their ETag; none when it has none."""

        def read(answer: Answer) -> tuple[tuple[Grant, ...], str]:
            answer.members.expect("principal", principal)
            if not is_of_revision(answer.etag or ""):
                raise NotOurs("its ETag is none of configsvc's")
            return answer.members.grants(), str(answer.etag)

        try:
            return self._api.read("/grants", read, {"principal": principal}, signed=True)
        except NotFound:
            return (), None

    def _set(self, principal: str, grants: Sequence[Grant], expected: Mapping[str, str]) -> None:
        body = {"grants": [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in grants]}

        def read(answer: Answer) -> None:
            answer.members.expect("principal", principal)
            answer.members.grants()

        self._api.write("PUT", "/grants", body, read, query={"principal": principal}, headers=expected)

    def _delete(self, principal: str, expected: Mapping[str, str]) -> None:
        self._api.write("DELETE", "/grants", None, nothing, query={"principal": principal}, headers=expected)


def _granted(members: Members) -> Granted:
    return Granted(members.principal(), members.grants())
