"""Get and set grants: which principal may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.errors import Forbidden, InvalidName, InvalidRequest, NotFound, PreconditionFailed
from configsvc.model.etag import is_of_revision
from configsvc.model.grants import (
    Action,
    Grant,
    allows,
    find_lacking,
    is_api_key,
    normalize_arn,
    parse_principal,
)
from configsvc_client._service.answers import NotOurs
from configsvc_client.admin.wire.api import AdminApi, ApiAnswer, list_items, read_nothing
from configsvc_client.admin.wire.members import AnswerMembers

_TRIES = 4


class Granted(NamedTuple):
    """A principal and its grants."""

    principal: str
    grants: tuple[Grant, ...]


def _accept(lost: tuple[Grant, ...]) -> None:
    del lost


class Grants:
    """The grants of principals. Every method needs `admin` on `*`."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def get(self, principal: str) -> tuple[Grant, ...]:
        """Return the grants of a principal; empty if it has none."""
        return self._read_held(principal)[0]

    def list(self) -> Iterator[Granted]:
        """List all principals and their grants, page by page."""
        return list_items(self._api, "/grants", "grants", _read_granted, {}, signed=True)

    def set(self, principal: str, grants: Sequence[Grant]) -> None:
        """Replace the grants of a principal."""
        self._set(principal, grants, {})

    def delete(self, principal: str) -> None:
        """Remove every grant of a principal."""
        self._delete(principal, {})

    def change(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        """Replace the grants of a principal with the result of `new`, and return that.

        If someone else changes them at the same time, `new` is called again, so no change is lost.

        Raises:
            PreconditionFailed: they changed every time.
        """
        for _ in range(_TRIES):
            with suppress(PreconditionFailed):
                return self._change(principal, new)
        return self._change(principal, new)

    def copy(
        self, source: str, target: str, *, replace: bool = False, on_loss: Callable[[tuple[Grant, ...]], None] = _accept
    ) -> tuple[Grant, ...]:
        """Give one principal the grants of another, and return those that it has then.

        This is one change of the target's record, as with `change`. The grants of the source are read again for each
        try, just before the target's are written; a later change of the source is not copied.

        Args:
            source: the principal whose grants are copied. It keeps them.
            target: gets what it lacks; of the same kind as the source: an API key, or a role or user.
            replace: whether the target loses what the source does not have, so that both are equal.
            on_loss: called with what the target would lose, before it does. Nothing is changed if it raises.

        Raises:
            NotFound: the source has no grants; nothing was changed.
            InvalidName: one of them is not a principal, or they are the same, or of different kinds.
            PreconditionFailed: the target's grants changed every time.
        """
        _check_alike(source, target)

        def merge(held: tuple[Grant, ...]) -> tuple[Grant, ...]:
            given = self._require(source)
            lost = find_lacking(given, held) if replace else ()
            if lost:
                on_loss(lost)
            return given if replace else (*held, *find_lacking(held, given))

        return self.change(target, merge)

    def _require(self, source: str) -> tuple[Grant, ...]:
        """Returns grants to copy.

        Raises:
            NotFound: there are none.
        """
        held = self.get(source)
        if not held:
            raise NotFound(
                f"{source} has no grants, so there is nothing to copy. Nothing was changed. `configsvc grants` lists "
                "the principals that have grants.",
                principal=source,
            )
        return held

    def _change(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        held, etag = self._read_held(principal)
        wanted = tuple(new(held))
        if wanted == held:
            return held
        expected = {"if-match": etag} if etag else {"if-none-match": "*"}
        if wanted:
            self._set(principal, wanted, expected)
        else:
            self._delete(principal, expected)
        return wanted

    def _read_held(self, principal: str) -> tuple[tuple[Grant, ...], str | None]:
        """Reads the grants of a principal and their ETag; empty if it has none."""

        def read(answer: ApiAnswer) -> tuple[tuple[Grant, ...], str]:
            answer.members.expect("principal", principal)
            if not is_of_revision(answer.etag or ""):
                raise NotOurs("its ETag is not a configsvc ETag")
            return answer.members.grants(), str(answer.etag)

        try:
            return self._api.read("/grants", read, {"principal": principal}, signed=True)
        except NotFound:
            return (), None

    def _set(self, principal: str, grants: Sequence[Grant], expected: Mapping[str, str]) -> None:
        body = {"grants": [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in grants]}

        def read(answer: ApiAnswer) -> None:
            answer.members.expect("principal", principal)
            answer.members.grants()

        self._api.write("PUT", "/grants", body, read, query={"principal": principal}, headers=expected)

    def _delete(self, principal: str, expected: Mapping[str, str]) -> None:
        self._api.write("DELETE", "/grants", None, read_nothing, query={"principal": principal}, headers=expected)


def _check_alike(source: str, target: str) -> None:
    """Checks that grants can be copied from one principal to another.

    Raises:
        InvalidName: one is not a principal, or they are the same, or of different kinds: the grants of one kind are of
            no use to the other.
    """
    if parse_principal(source) == parse_principal(target):
        raise InvalidName(f"{target} already has its own grants. Name another principal to copy from.")
    if is_api_key(source) != is_api_key(target):
        raise InvalidName(
            f"The grants of {source} are of no use to {target}: reads are judged by the API key, writes by the IAM "
            "role or user. Copy from one API key to another, or from one role or user to another."
        )


def _read_granted(members: AnswerMembers) -> Granted:
    return Granted(members.principal(), members.grants())


_PROBES: Mapping[Action, tuple[tuple[str, str], ...]] = {
    "write": (("POST", "/changes"), ("PUT", "/keys/configsvc.doctor")),
    "admin": (("POST", "/data-keys"),),
}
"""Routes that require content, and refuse a request without it."""


class CallerAccess:
    """Checks what the caller may do. Nothing here writes."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def whoami(self, *, signed: bool = True) -> Mapping[str, object]:
        """Return the caller's principals and grants, as the service sees them; the IAM principal only if signed."""
        return (
            self._api.write("POST", "/whoami", None, _read_caller)
            if signed
            else self._api.read("/whoami", _read_caller)
        )

    def measure_skew(self) -> float | None:
        """Return by how many seconds this clock is ahead of the service's, if known. Needs no grant."""
        return self._api.skew()

    def check_table(self) -> None:
        """Check that the service can read its table. Needs no grant.

        Raises:
            Unavailable: it cannot, and `reason` says why.
        """
        self._api.check_table()

    def require(self, namespace: str, *actions: Action) -> None:
        """Check that the caller's IAM principal has all these actions, before the first of several requests is sent.

        If the caller may not call `whoami`, nothing is raised: the service checks each request anyway.

        Raises:
            Forbidden: an action is missing.
        """
        name = names.parse_namespace(namespace)
        try:
            principal, held, everywhere = self._api.write("POST", "/whoami", None, _read_rights)
        except (Forbidden, NotFound):
            return
        lacking = [each for each in actions if not (allows(held, each, name) or (each == "admin" and everywhere))]
        if lacking:
            granted = " ".join(f"-a {each}" for each in lacking)
            raise Forbidden(
                f"This needs {' and '.join(actions)} on {name}, and {principal or 'your IAM principal'} lacks "
                f"{' and '.join(lacking)}; nothing was done. Ask an administrator to run: "
                f"configsvc grant {principal or 'PRINCIPAL'} {granted} -n {name}",
                action=lacking[0], namespace=name, principal=principal, lacks="iam",
            )  # fmt: skip

    def find_denial(self, namespace: str, action: Action) -> Forbidden | None:
        """Return why IAM denies the caller an action, or None if it allows it. Nothing is written.

        The requests are signed and have no content, so the service refuses them before it reads anything; a request
        that IAM denies does not even get that far. Grants play no part: see `whoami`.

        Args:
            namespace: need not exist.
            action: write or admin. Reads are not signed, so there is nothing to check for them.

        Raises:
            ConfigsvcError: neither IAM nor the service's check of the content answered.
        """
        name = names.parse_namespace(namespace)
        for method, path in _PROBES.get(action, ()):
            try:
                self._api.write(method, f"/namespaces/{name}{path}", {}, read_nothing)
            except InvalidRequest:
                continue
            except Forbidden as error:
                if error.members.get("gateway") != "ACCESS_DENIED":
                    raise
                return error
        return None


def _read_caller(answer: ApiAnswer) -> dict[str, object]:
    """Reads both principals; None for a missing one."""
    members = answer.members
    key, iam = members.inner_or_none("api_key"), members.inner_or_none("iam")
    return {"api_key": key and _read_holder(key), "iam": iam and _read_iam(iam)}


def _read_rights(answer: ApiAnswer) -> tuple[str | None, tuple[Grant, ...], bool]:
    """Reads the IAM principal, its grants, and whether it is an administrator everywhere."""
    iam = answer.members.inner_or_none("iam")
    return (iam.principal(), iam.grants(), iam.flag("administrator")) if iam else (None, (), False)


def _read_holder(members: AnswerMembers) -> dict[str, object]:
    grants = [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in members.grants()]
    return {"principal": members.principal(), "grants": grants}


def _read_iam(members: AnswerMembers) -> dict[str, object]:
    held = _read_holder(members)
    if normalize_arn(members.text("arn")) is None:
        raise NotOurs("its arn is not that of a role or user")
    own = {"arn": members.text("arn"), "grants": held["grants"], "administrator": members.flag("administrator")}
    return {"principal": held["principal"], **own}
