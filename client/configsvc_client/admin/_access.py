"""Grants, and who the caller is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from configsvc.model.errors import Forbidden, NotFound, PreconditionFailed
from configsvc.model.grants import Action, Grant, allows
from configsvc.model.names import Namespace
from configsvc_client.admin._api import Api

_TRIES = 4


class Granted(NamedTuple):
    """A principal and its grants."""

    principal: str
    grants: tuple[Grant, ...]


class Access:
    """Who may what; all but `whoami` by API key and take `admin` on `*`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def whoami(self, *, signed: bool) -> Mapping[str, object]:
        """The caller's principals and grants, as the service sees them; the IAM one only when signed."""
        return (self._api.write("POST", "/whoami", None) if signed else self._api.read("/whoami")).body

    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the service's; None where it does not tell. Takes no right at all."""
        return self._api.skew()

    def require(self, namespace: Namespace, *actions: Action) -> None:
        """Whether the caller's IAM principal may do all that several requests take, before the first of them is sent.

        A caller who may not ask is let on: each request is judged by itself in any case.

        Raises:
            Forbidden: an action is missing.
        """
        try:
            found: Any = self.whoami(signed=True).get("iam") or {}
        except (Forbidden, NotFound):
            return
        held, everywhere = _grants(found.get("grants")), found.get("administrator") is True
        lacking = [each for each in actions if not (allows(held, each, namespace) or (each == "admin" and everywhere))]
        if lacking:
            granted = " ".join(f"--action {each}" for each in lacking)
            raise Forbidden(
                f"This needs {' and '.join(lacking)} on {namespace} for your IAM role or user; nothing was done. "
                f"`configsvc whoami` shows your principal. An administrator grants it: "
                f"configsvc grant PRINCIPAL {granted} --namespace {namespace}",
                action=lacking[0],
            )  # fmt: skip

    def get(self, principal: str) -> tuple[Grant, ...]:
        """The grants of a principal; none when it has none."""
        return self._held(principal)[0]

    def list(self) -> Iterator[Granted]:
        """All principals and their grants, page by page."""
        cursor: object = None
        while True:
            body: Mapping[str, Any] = self._api.read("/grants", {"cursor": cursor}, signed=True).body
            for each in body.get("grants", []):
                yield Granted(str(each["principal"]), _grants(each["grants"]))
            cursor = body.get("cursor")
            if not cursor:
                return

    def set(self, principal: str, grants: Sequence[Grant]) -> None:
        """Replace the grants of a principal."""
        self._set(principal, grants, {})

    def delete(self, principal: str) -> None:
        """Take every grant of a principal away."""
        self._delete(principal, {})

    def change(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        """The grants of a principal become what `new` makes of them; it is asked again when they changed meanwhile.

        Raises:
            PreconditionFailed: they did each time.
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
        try:
            found = self._api.read("/grants", {"principal": principal}, signed=True)
        except NotFound:
            return (), None
        return _grants(found.body.get("grants")), found.etag

    def _set(self, principal: str, grants: Sequence[Grant], expected: Mapping[str, str]) -> None:
        body = {"grants": [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in grants]}
        self._api.write("PUT", "/grants", body, query={"principal": principal}, headers=expected)

    def _delete(self, principal: str, expected: Mapping[str, str]) -> None:
        self._api.write("DELETE", "/grants", None, query={"principal": principal}, headers=expected)


def _grants(found: object) -> tuple[Grant, ...]:
    listed: Iterable[Mapping[str, Any]] = found if isinstance(found, list) else []
    return tuple(Grant(tuple(each["actions"]), tuple(each["namespaces"])) for each in listed)
