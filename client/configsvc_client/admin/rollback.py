"""Roll back a key or a whole namespace to what it served before."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.errors import Conflict, Gone, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client.admin import rollback_plan
from configsvc_client.admin.change_sets import refuse_declassifying
from configsvc_client.admin.history import History, LogFilter
from configsvc_client.admin.namespaces import Namespaces
from configsvc_client.admin.reading import KeyInfo, Opener, Reader
from configsvc_client.admin.rollback_plan import RollbackPlan, RollbackStep, find_last_served, find_version_before
from configsvc_client.admin.sealing.keyrings import Keyrings
from configsvc_client.admin.sealing.protection import FormRules
from configsvc_client.admin.values import Values
from configsvc_client.admin.wire.writes import Changed
from configsvc_client.admin.writing import Writer


class RollbackSources(NamedTuple):
    """The sources of a rollback: what was served before, and what is needed to serve it again."""

    namespaces: Namespaces
    history: History
    reader: Reader
    keyrings: Keyrings
    opener: Opener


class Rollback:
    """Rolls back keys and namespaces.

    Args:
        sources: tell what was served, and when.
        values: activates a version of a key.
        writer: sends the change sets of a whole namespace.
        rules: the writer's own settings, whose CONFIGSVC_SEALED_KEYS refuses plain versions.
    """

    def __init__(self, sources: RollbackSources, values: Values, writer: Writer, rules: FormRules) -> None:
        self._sources = sources
        self._values = values
        self._writer = writer
        self._rules = rules

    def roll_back(
        self, namespace: str, key: str, message: str = "", *, version: int | None = None, declassify: bool = False
    ) -> Changed:
        """Serve an earlier version of a key again.

        Without `version`, this is the version served last among those lower than the active one.

        Raises:
            NotFound: the key is not served, no lower version was ever served, or there is no such version.
            PreconditionFailed: someone else writes the key at the same time.
            Gone: the value of that version was destroyed.
            Conflict: that version's data key is retired; names the revision to roll back to instead.
        """
        info = self._values.find_keys(namespace, [key]).get(names.parse_key(key))
        if info is None or (version is None and info.active is None):
            raise NotFound(f"Nothing is served under {key}. Activate a version instead.", key=key)
        chosen = version or self._find_version_before(names.parse_namespace(namespace), info)
        try:
            return self._values.activate(
                namespace, key, chosen, message, if_match=info.revision, declassify=declassify
            )  # fmt: skip
        except Conflict as error:
            if "kid" not in error.members:
                raise
        raise self._explain_retired(names.parse_namespace(namespace), info.key, chosen)

    def _explain_retired(self, namespace: Namespace, key: Key, version: int) -> Conflict:
        """Makes the error that says how to serve the value of such a version anyway."""
        log = self._sources.history.list_changes(namespace, LogFilter(key=key, order="newest"))
        revision = find_last_served(log, key, version)
        way = (
            f"configsvc rollback {key} -n {namespace} --to-revision {revision}" if revision
            else f"configsvc get {key} -n {namespace} --version {version} shows the value, so that you can put it again"
        )  # fmt: skip
        return Conflict(
            f"Version {version} of {key} is sealed under a retired data key, so it cannot be activated. Seal its value "
            f"again under the current one: {way}", key=key, version=version,
        )  # fmt: skip

    def _find_version_before(self, namespace: Namespace, info: KeyInfo) -> int:
        history, active = self._sources.history, info.active or 0
        kept = {each.version for each in history.list_versions(namespace, info.key) if not each.destroyed}
        log = history.list_changes(namespace, LogFilter(key=info.key, order="newest"))
        found = find_version_before(log, info.key, active, kept)
        if found is None:
            raise NotFound(
                f"No version of {info.key} below the active version {active} was once served and still exists. "
                "Name one with --to-version.", key=info.key, version=active,
            )  # fmt: skip
        return found

    def find_revision(self, namespace: str, time: str) -> int:
        """Find the revision that a namespace had at a time (RFC 3339 in UTC, or a date).

        Raises:
            Gone: the change log does not go back that far.
        """
        name = names.parse_namespace(namespace)
        last = next(self._sources.history.list_changes(name, LogFilter(before_time=time, order="newest")), None)
        if last is None:
            raise Gone(f"The change log of {name} has no record from before {time}. Name a later time or a revision.")
        return last.revision

    def plan(self, namespace: str, revision: int, key: str | None = None) -> RollbackPlan:
        """Find what differs between now and an earlier revision, in a namespace or in one key.

        A version whose data key is retired cannot be activated. Its value is opened here, to be sealed again, unless
        the same value is served now.

        Raises:
            NotFound: the namespace has not come to that revision, or nothing is kept under the key.
            Gone: it is beyond the log.
            CannotOpen: such a value does not open; names every key.
            Misconfigured: as `Values.get`.
        """
        name = names.parse_namespace(namespace)
        # Read first: a later write makes the first change set fail its condition.
        current = int(str(self._sources.namespaces.get(name)["revision"]))
        reader = self._sources.reader
        now, then = reader.snapshot(name), reader.snapshot(name, revision)
        wanted = tuple(each for each in rollback_plan.find_steps(now, then) if key in (None, each.key))
        if not wanted and key is not None and not reader.known(name, [names.parse_key(key)]):
            raise NotFound(f"{name} has no key {key}.", key=key)
        return RollbackPlan(name, current, self._add_values(self._mark_declassifying(name, wanted), now, then))

    def _mark_declassifying(self, namespace: Namespace, steps: tuple[RollbackStep, ...]) -> tuple[RollbackStep, ...]:
        """Marks steps that declassify keys which serve nothing now: their latest version was sealed."""
        gone = [each.key for each in steps if each.plain and each.now is None]
        known = self._sources.reader.known(namespace, gone)
        sealed = {key for key, info in known.items() if info.form != "plain"}
        return tuple(each._replace(declassifies=True) if each.key in sealed else each for each in steps)

    def _add_values(
        self, steps: tuple[RollbackStep, ...], now: SealedSnapshot, then: SealedSnapshot
    ) -> tuple[RollbackStep, ...]:
        """Adds the values to steps whose version cannot be activated."""
        keys = {each.key for each in steps}
        missing = {each.kid for each in then.data_keys} - {each.kid for each in now.data_keys}
        if not missing or not rollback_plan.select_sealed_under(_select_entries(keys, then), missing):
            return steps
        listed = self._sources.keyrings.list(then.namespace)
        old = rollback_plan.select_sealed_under(
            _select_entries(keys, then), {each.data_key.kid for each in listed if each.state == "retired"}
        )
        opener, found = self._sources.opener, {each.key for each in old}
        return rollback_plan.seal_again(
            steps,
            opener.open_all(now.namespace, _select_entries(found, now), now.data_keys),
            opener.open_all(then.namespace, old, then.data_keys),
            self._sources.reader.known(then.namespace, sorted(found)),
        )

    def apply(self, plan: RollbackPlan, message: str = "", *, declassify: bool = False) -> Iterator[Changed]:
        """Apply a plan in change sets of up to 40 keys, each all or nothing. Stops if someone else writes.

        Raises:
            Unprocessable: a plain version would replace a sealed one; `declassify` allows it.
            Misconfigured: a plain version of a key that CONFIGSVC_SEALED_KEYS names.
            PreconditionFailed: someone else wrote; finished change sets stay. Make another plan for the rest.
            Conflict: a version's data key was retired in between.
            Gone: a version's value was destroyed or pruned.
            CannotOpen: a value has to be sealed, but KMS refuses; nothing was done.
        """
        for each in plan.steps:
            if each.plain:
                self._rules.named(plan.namespace, each.key, "plain")
        refuse_declassifying([each.key for each in plan.steps if each.declassifies], declassify=declassify)
        if any(each.reseal for each in plan.steps):
            self._sources.keyrings.sealer(plan.namespace)  # so that KMS refuses before anything is changed
        revision = plan.revision
        for group in rollback_plan.split_steps(plan.steps):
            done = self._writer.change(plan.namespace, [each.change for each in group], message, revision)
            revision = done.revision
            yield done


def _select_entries(keys: Container[Key], snapshot: SealedSnapshot) -> list[Entry]:
    return [each for each in snapshot.entries if each.key in keys]
