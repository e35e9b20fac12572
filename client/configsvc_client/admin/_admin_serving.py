"""Which version of a key is served."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Conflict, NotFound
from configsvc.model.names import Key, Namespace
from configsvc_client.admin._admin_values import Values
from configsvc_client.admin._backwards import last_served, version_before
from configsvc_client.admin._history import LogFilter
from configsvc_client.admin._reader import KeyInfo
from configsvc_client.admin._wire import Changed


class Serving(Values):
    """Values, and which of their versions are served."""

    def activate(
        self, namespace: str, key: str, version: int, message: str = "", *, if_match: int | None = None,
        declassify: bool = False,
    ) -> Changed:  # fmt: skip
        """Serve a version that is there: staged, earlier, or deleted. Nothing is sealed again.

        Raises:
            Unprocessable: it is plain and what is served is sealed; `declassify` allows it.
            NotFound: there is no such version.
            Gone: its value was destroyed.
            Conflict: its data key is retired.
        """
        changes = [Activate(names.key(key), version, if_match)]
        return self.change(namespace, changes, message, declassify=declassify)

    def rollback(
        self, namespace: str, key: str, message: str = "", *, version: int | None = None, declassify: bool = False
    ) -> Changed:
        """Serve a version again; left out, of those lower than the active one the one that was served last.

        Raises:
            NotFound: nothing is served under the key, or no lower version was; or there is no such version.
            PreconditionFailed: someone writes the key meanwhile.
            Gone: the value of that version was destroyed.
            Conflict: that version's data key is retired; names the revision to go back to instead.
        """
        info = self.known(namespace, [key]).get(names.key(key))
        if info is None or (version is None and info.active is None):
            raise NotFound(f"Nothing is served under {key}. Activate a version instead.", key=key)
        chosen = version or self._before(names.namespace(namespace), info)
        try:
            return self.activate(namespace, key, chosen, message, if_match=info.revision, declassify=declassify)
        except Conflict as error:
            if "kid" not in error.members:
                raise
        raise self._under_a_retired_data_key(names.namespace(namespace), info.key, chosen)

    def _under_a_retired_data_key(self, namespace: Namespace, key: Key, version: int) -> Conflict:
        """The refusal that names the way to serve such a version's value all the same."""
        log = self._parts.history.changes(namespace, LogFilter(key=key, order="newest"))
        revision = last_served(log, key, version)
        way = (
            f"configsvc rollback {key} -n {namespace} --to-revision {revision}" if revision
            else f"configsvc get {key} -n {namespace} --version {version} shows the value, to put it again"
        )  # fmt: skip
        return Conflict(
            f"Version {version} of {key} is sealed under a retired data key, so it cannot be activated. Seal its value "
            f"again under the current one: {way}", key=key, version=version,
        )  # fmt: skip

    def _before(self, namespace: Namespace, info: KeyInfo) -> int:
        history, active = self._parts.history, info.active or 0
        kept = {each.version for each in history.versions(namespace, info.key) if not each.destroyed}
        log = history.changes(namespace, LogFilter(key=info.key, order="newest"))
        found = version_before(log, info.key, active, kept)
        if found is None:
            raise NotFound(
                f"No version of {info.key} lower than {active}, which is active, was ever served and is still there. "
                "Name one with --to-version.", key=info.key, version=active,
            )  # fmt: skip
        return found

    def delete(self, namespace: str, key: str, message: str = "", *, if_match: int | None = None) -> Changed:
        """Serve a key no longer. Its versions stay, and `activate` brings one back.

        Raises:
            NotFound: nothing is served under it.
        """
        return self.change(namespace, [Delete(names.key(key), if_match)], message)

    def destroy(self, namespace: str, key: str, version: int) -> int:
        """Destroy the value of a version for good; its record stays. The revision that did it.

        Raises:
            NotFound: there is no such version.
            Conflict: it is served.
        """
        return self._parts.writer.destroy(names.namespace(namespace), names.key(key), version)
