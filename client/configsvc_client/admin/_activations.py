"""What it means to serve a version that is stored: whether it puts a plain value in the place of a sealed one."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model.change_set import Activate
from configsvc.model.entry import Entry
from configsvc.model.errors import NotFound, Unprocessable
from configsvc.model.names import Key, Namespace
from configsvc_client.admin._protection import Rules
from configsvc_client.admin._reader import Reader


class Activations:
    """Looks at versions before they are served.

    Args:
        reader: reads entries.
        rules: the writer's own settings, whose CONFIGSVC_SEALED_KEYS refuses plain versions.
    """

    def __init__(self, reader: Reader, rules: Rules) -> None:
        self._reader = reader
        self._rules = rules

    def check(self, namespace: Namespace, activates: Iterable[Activate], *, declassify: bool) -> None:
        """Refuse a plain version in the place of a sealed one, unless the caller wants it.

        A key that serves nothing is judged by its latest version.

        Raises:
            Unprocessable: names the keys.
            NotFound, Gone: there is no such version, or its value was destroyed.
            Misconfigured: a plain version, of a key that CONFIGSVC_SEALED_KEYS names.
        """
        found: list[Key] = []
        for each in activates:
            if self._reader.entry(namespace, each.key, each.version).form == "plain":
                self._rules.named(namespace, each.key, "plain")
                if self._is_sealed(namespace, each.key):
                    found.append(each.key)
        refuse(found, declassify=declassify)

    def _is_sealed(self, namespace: Namespace, key: Key) -> bool:
        try:
            served: Entry = self._reader.entry(namespace, key)
        except NotFound:
            known = self._reader.known(namespace, [key])
            return key in known and known[key].form != "plain"
        return served.form != "plain"


def refuse(keys: Iterable[Key], *, declassify: bool) -> None:
    """Refuse what would put plain values in the place of sealed ones.

    Raises:
        Unprocessable: there are such keys, and the caller does not want it; `declassifies` names them.
    """
    named = [str(each) for each in keys]
    if named and not declassify:
        raise Unprocessable(
            f'A plain version would replace a sealed one: {", ".join(named)}. Set "declassify": true if you want that.',
            declassifies=named,
        )
