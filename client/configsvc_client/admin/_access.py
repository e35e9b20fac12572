"""Access: who the caller is, what it may do, and whether the service can be used."""

from __future__ import annotations

from collections.abc import Mapping

from configsvc.model import names
from configsvc.model.errors import Forbidden, InvalidRequest, NotFound
from configsvc.model.grants import Action, Grant, allows, normalised
from configsvc_client._body import NotOurs
from configsvc_client.admin._api import Answer, Api, nothing
from configsvc_client.admin._members import Members

_PROBES: Mapping[Action, tuple[tuple[str, str], ...]] = {
    "write": (("POST", "/changes"), ("PUT", "/keys/configsvc.doctor")),
    "admin": (("POST", "/data-keys"),),
}
"""Routes that take content, and refuse a request without it."""


class Access:
    """What the caller may do. None of it writes anything."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def whoami(self, *, signed: bool = True) -> Mapping[str, object]:
        """Return the caller's principals and grants, as the service sees them; the IAM one only when signed."""
        return self._api.write("POST", "/whoami", None, _who) if signed else self._api.read("/whoami", _who)

    def measure_skew(self) -> float | None:
        """Return the seconds by which this clock is ahead of the service's, if known. Needs no grant."""
        return self._api.skew()

    def check_table(self) -> None:
        """Check that the service can read its table. Needs no grant.

        Raises:
            Unavailable: it cannot, and `reason` says why.
        """
        self._api.check_table()

    def require(self, namespace: str, *actions: Action) -> None:
        """Check that the caller's IAM principal has all these actions, before the first of several requests is sent.

        If the caller may not ask, nothing is raised: the service checks each request in any case.

        Raises:
            Forbidden: an action is missing.
        """
        name = names.namespace(namespace)
        try:
            principal, held, everywhere = self._api.write("POST", "/whoami", None, _rights)
        except (Forbidden, NotFound):
            return
        lacking = [each for each in actions if not (allows(held, each, name) or (each == "admin" and everywhere))]
        if lacking:
            granted = " ".join(f"-a {each}" for each in lacking)
            raise Forbidden(
                f"This needs {' and '.join(actions)} on {name}, and {principal or 'your IAM principal'} lacks "
                f"{' and '.join(lacking)}; nothing was done. An administrator grants that: "
                f"configsvc grant {principal or 'PRINCIPAL'} {granted} -n {name}",
                action=lacking[0], namespace=name, principal=principal, lacks="iam",
            )  # fmt: skip

    def find_denial(self, namespace: str, action: Action) -> Forbidden | None:
        """Return why IAM does not let the caller use an action, or None where it does. Nothing is written.

        The requests are signed and have no content, so the service refuses them before it reads anything. Only whom IAM
        lets through gets that far. Grants play no part: see `whoami`.

        Args:
            namespace: need not be there.
            action: write or admin. Reads are not signed, so nothing is asked for them.

        Raises:
            ConfigsvcError: neither IAM nor the service's check of the content answered.
        """
        name = names.namespace(namespace)
        for method, path in _PROBES.get(action, ()):
            try:
                self._api.write(method, f"/namespaces/{name}{path}", {}, nothing)
            except InvalidRequest:
                continue
            except Forbidden as error:
                if error.members.get("gateway") != "ACCESS_DENIED":
                    raise
                return error
        return None


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
