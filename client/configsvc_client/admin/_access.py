"""Grants, and who the caller is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from configsvc.model.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from configsvc.model.etag import is_of_revision
from configsvc.model.grants import Action, Grant, allows, normalised
from configsvc.model.names import Namespace
from configsvc_client._body import NotOurs
from configsvc_client.admin._api import Answer, Api, nothing
from configsvc_client.admin._members import Members
from configsvc_client.admin._pages import items

_TRIES = 4
_PROBES: Mapping[Action, tuple[tuple[str, str], ...]] = {
    "write": (("POST", "/changes"), ("PUT", "/keys/configsvc.doctor")),
    "admin": (("POST", "/data-keys"),),
}
"""Routes that take content, and refuse a request without it."""


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
        return self._api.write("POST", "/whoami", None, _who) if signed else self._api.read("/whoami", _who)

    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the service's; None where it does not tell. Takes no right at all."""
        return self._api.skew()

    def check_table(self) -> None:
        """Ask whether the service can read its table. Takes no right at all.

        Raises:
            Unavailable: it cannot, and `reason` says why.
        """
        self._api.check_table()

    def require(self, namespace: Namespace, *actions: Action) -> None:
        """Whether the caller's IAM principal may do all that several requests take, before the first of them is sent.

        A caller who may not ask is let on: each request is judged by itself in any case.

        Raises:
            Forbidden: an action is missing.
        """
        try:
            principal, held, everywhere = self._api.write("POST", "/whoami", None, _rights)
        except (Forbidden, NotFound):
            return
        lacking = [each for each in actions if not (allows(held, each, namespace) or (each == "admin" and everywhere))]
        if lacking:
            granted = " ".join(f"-a {each}" for each in lacking)
            raise Forbidden(
                f"This needs {' and '.join(actions)} on {namespace}, and {principal or 'your IAM principal'} lacks "
                f"{' and '.join(lacking)}; nothing was done. An administrator grants that: "
                f"configsvc grant {principal or 'PRINCIPAL'} {granted} -n {namespace}",
                action=lacking[0], namespace=namespace, principal=principal, lacks="iam",
            )  # fmt: skip

    def denied(self, namespace: Namespace, action: Action) -> Forbidden | None:
        """Why IAM does not let the caller call what the action takes; None where it does. Nothing is written.

        The requests are signed and have no content, so the service refuses them before it reads anything. Only whom IAM
        lets through gets that far. Grants play no part: see `whoami`.

        Args:
            namespace: need not be there.
            action: write or admin. Reads are not signed, so nothing is asked for them.

        Raises:
            ConfigsvcError: neither IAM nor the service's check of the content answered.
        """
        for method, path in _PROBES.get(action, ()):
            try:
                self._api.write(method, f"/namespaces/{namespace}{path}", {}, nothing)
            except InvalidRequest:
                continue
            except Forbidden as error:
                if error.members.get("gateway") != "ACCESS_DENIED":
                    raise
                return error
        return None

    def get(self, principal: str) -> tuple[Grant, ...]:
        """The grants of a principal; none when it has none."""
        return self._held(principal)[0]

    def list(self) -> Iterator[Granted]:
        """All principals and their grants, page by page."""
        return items(self._api, "/grants", "grants", _granted, {}, signed=True)

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


def _who(answer: Answer) -> dict[str, object]:
    """Both principals, None for one that there is not."""
    members = answer.members
    key, iam = members.inner_or_none("api_key"), members.inner_or_none("iam")
    return {"api_key": key and _holder(key), "iam": iam and _iam(iam)}


def _rights(answer: Answer) -> tuple[str | None, tuple[Grant, ...], bool]:
    """The IAM principal, its grants, and whether it administers everywhere."""
    iam = answer.members.inner_or_none("iam")
    return (iam.principal(), iam.grants(), iam.flag("administrator")) if iam else (None, (), False)


def _holder(members: Members) -> dict[str, object]:
    grants = [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in members.grants()]
    return {"principal": members.principal(), "grants": grants}


def _iam(members: Members) -> dict[str, object]:
    held = _holder(members)
    if normalised(members.text("arn")) is None:
        raise NotOurs("its arn is none of a role or user")
    own = {"arn": members.text("arn"), "grants": held["grants"], "administrator": members.flag("administrator")}
    return {"principal": held["principal"], **own}
