"""Back to what a whole namespace served once."""

from __future__ import annotations

from collections.abc import Container, Iterator

from configsvc.model import names
from configsvc.model.entry import Entry
from configsvc.model.errors import Gone, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client.admin import _back
from configsvc_client.admin._activations import refuse
from configsvc_client.admin._back import Step, WayBack
from configsvc_client.admin._history import LogFilter
from configsvc_client.admin._parts import Facet
from configsvc_client.admin._wire import Changed


class Rollbacks(Facet):
    """Namespaces as they were."""

    def revision_at(self, namespace: str, time: str) -> int:
        """The revision that a namespace had at a time (RFC 3339 in UTC, or a date).

        Raises:
            Gone: the change log does not go so far back.
        """
        name = names.namespace(namespace)
        last = next(self._parts.history.changes(name, LogFilter(before_time=time, order="newest")), None)
        if last is None:
            raise Gone(f"The change log of {name} has nothing from before {time}. Name a later time or a revision.")
        return last.revision

    def way_back(self, namespace: str, revision: int, key: str | None = None) -> WayBack:
        """What differs between what is served and what was at a revision; of one key, where one is named.

        A version whose data key is retired cannot be activated: its value is opened here, to be sealed anew where it
        is not what is served now.

        Raises:
            NotFound: the namespace has not come to that revision, or nothing is kept under the key.
            Gone: it is beyond the log.
            CannotOpen: such a value does not open; names every key.
            Misconfigured: as `Values.get`.
        """
        name = names.namespace(namespace)
        # Read first: what is written after it makes the first change set fail its condition.
        current = int(str(self._parts.namespaces.get(name)["revision"]))
        now, then = self._parts.reader.snapshot(name), self._parts.reader.snapshot(name, revision)
        wanted = tuple(each for each in _back.steps(now, then) if key in (None, each.key))
        if not wanted and key is not None and not self._parts.reader.known(name, [names.key(key)]):
            raise NotFound(f"{name} has no key {key}.", key=key)
        return WayBack(name, current, self._openable(self._judged(name, wanted), now, then))

    def _judged(self, namespace: Namespace, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps; where a plain version comes back for a key that serves nothing, its latest version counts."""
        gone = [each.key for each in steps if each.plain and each.now is None]
        known = self._parts.reader.known(namespace, gone)
        sealed = {key for key, info in known.items() if info.form != "plain"}
        return tuple(each._replace(declassifies=True) if each.key in sealed else each for each in steps)

    def _openable(self, steps: tuple[Step, ...], now: SealedSnapshot, then: SealedSnapshot) -> tuple[Step, ...]:
        """The steps, with the values of those that cannot be activated."""
        keys = {each.key for each in steps}
        missing = {each.kid for each in then.data_keys} - {each.kid for each in now.data_keys}
        if not missing or not _back.under(_of(keys, then), missing):
            return steps
        listed = self._parts.data_keys.list(then.namespace)
        old = _back.under(_of(keys, then), {each.data_key.kid for each in listed if each.state == "retired"})
        opener, found = self._parts.opener, {each.key for each in old}
        return _back.sealed_anew(
            steps,
            opener.open_all(now.namespace, _of(found, now), now.data_keys),
            opener.open_all(then.namespace, old, then.data_keys),
            self._parts.reader.known(then.namespace, sorted(found)),
        )

    def go_back(self, way: WayBack, message: str = "", *, declassify: bool = False) -> Iterator[Changed]:
        """Go it, in change sets of up to 40 keys, each all or nothing and only while nobody else writes.

        Raises:
            Unprocessable: a plain version would replace a sealed one; `declassify` allows it.
            Misconfigured: a plain version, of a key that CONFIGSVC_SEALED_KEYS names.
            PreconditionFailed: someone wrote meanwhile; what is done stays, look at the way that is left.
            Conflict: a version's data key was retired meanwhile.
            Gone: a version's value was destroyed or pruned.
            CannotOpen: something is to be sealed, and KMS refuses; nothing was done.
        """
        for each in way.steps:
            if each.plain:
                self._parts.rules.named(way.namespace, each.key, "plain")
        refuse([each.key for each in way.steps if each.declassifies], declassify=declassify)
        if any(each.anew for each in way.steps):
            self._parts.data_keys.sealer(way.namespace)  # so that KMS refuses before anything is changed
        revision = way.revision
        for group in _back.split(way.steps):
            done = self._parts.writer.change(way.namespace, [each.change for each in group], message, revision)
            revision = done.revision
            yield done


def _of(keys: Container[Key], snapshot: SealedSnapshot) -> list[Entry]:
    return [each for each in snapshot.entries if each.key in keys]
