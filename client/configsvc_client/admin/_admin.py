"""`Admin`: the write side of configsvc, for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

from configsvc.model import names
from configsvc.model.errors import Forbidden
from configsvc.model.grants import Action, Grant
from configsvc_client.admin._access import Granted
from configsvc_client.admin._admin_data_keys import Keyrings
from configsvc_client.admin._admin_files import Files
from configsvc_client.admin._admin_follow import Follows
from configsvc_client.admin._admin_history import Histories
from configsvc_client.admin._admin_namespaces import AllNamespaces
from configsvc_client.admin._admin_rollback import Rollbacks
from configsvc_client.admin._admin_serving import Serving
from configsvc_client.admin._parts import Parts


class Admin(Serving, Histories, Rollbacks, Keyrings, AllNamespaces, Files, Follows):
    """Everything that people and scripts do with configsvc. Reads need an API key, writes AWS credentials too.

    Every method raises the errors of `configsvc.model.errors` as the service answered them, and Unavailable when it
    did not. Writes are sent again where that is safe, and done once.
    """

    def __init__(self, parts: Parts, close: Callable[[], None] = lambda: None) -> None:
        super().__init__(parts)
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections; the next use opens others."""
        self._close()

    def whoami(self, *, signed: bool = True) -> Mapping[str, object]:
        """The caller's principals and grants, as the service sees them; the IAM one only when signed."""
        return self._parts.access.whoami(signed=signed)

    def denied(self, namespace: str, action: Action) -> Forbidden | None:
        """Why IAM does not let the caller call what the action takes; None where it does. Nothing is written.

        Raises:
            ConfigsvcError: neither IAM nor the service answered.
        """
        return self._parts.access.denied(names.namespace(namespace), action)

    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the service's; None where it does not tell. Takes no right at all."""
        return self._parts.access.skew()

    def check_table(self) -> None:
        """Ask whether the service can read its table. Takes no right at all.

        Raises:
            Unavailable: it cannot, and `reason` says why.
        """
        self._parts.access.check_table()

    def get_grants(self, principal: str) -> tuple[Grant, ...]:
        """The grants of a principal."""
        return self._parts.access.get(principal)

    def list_grants(self) -> Iterator[Granted]:
        """All principals and their grants, page by page."""
        return self._parts.access.list()

    def set_grants(self, principal: str, grants: Sequence[Grant]) -> None:
        """Replace the grants of a principal."""
        self._parts.access.set(principal, grants)

    def change_grants(self, principal: str, new: Callable[[tuple[Grant, ...]], Sequence[Grant]]) -> tuple[Grant, ...]:
        """The grants of a principal become what `new` makes of them, and nothing that others do meanwhile is lost.

        `new` is asked again when they changed.

        Raises:
            PreconditionFailed: they changed each time.
        """
        return self._parts.access.change(principal, new)

    def delete_grants(self, principal: str) -> None:
        """Take every grant of a principal away."""
        self._parts.access.delete(principal)
