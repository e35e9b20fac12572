"""The service in memory, and Configs that read from it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, NotFound, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Form
from configsvc_client._config import Config
from configsvc_client._ports import FetchedSnapshot, World
from configsvc_client._setting_parsers import split_list
from configsvc_client._settings import ClientSettings
from configsvc_client.testing.fakes import Failing, FakeClock, FakeKms
from configsvc_client.testing.store import Store

KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NAMESPACE = "test"
_MIDDLE = 0.5


class FakeService:
    """Namespaces with values, KMS and a clock. What is put is sealed, fetched, checked and opened as in production.

    Args:
        namespace: the one that is meant where none is named. Where it is left out, the first namespace of the first
            Config that names its own; `test` while none did.

    Attributes:
        kms: what opens the values; counts its calls, and fails when told to.
        clock: what time it is; go on with `clock.advance(seconds)`.
        requests: for each request the namespaces that were asked for.
    """

    def __init__(self, namespace: str | None = None) -> None:
        self.kms = FakeKms()
        self.clock = FakeClock()
        self.requests: list[tuple[Namespace, ...]] = []
        self._stores: dict[Namespace, Store] = {}
        self._failing = Failing()
        self._unnamed = namespace is None
        self._default = self._store(NAMESPACE if namespace is None else namespace).namespace

    def put(self, key: str, value: object, *, form: Form = "envelope", namespace: str | None = None) -> int:
        """Serve a value (`str` text, `bytes` bytes, else JSON) under a key; the revision that does.

        Raises:
            InvalidName: the key or namespace is not spelt as names are.
            Unprocessable: the value is none that can be stored.
        """
        store = self._store(namespace)
        store.put(names.parse_key(key), value, form)
        return store.revision

    def put_all(self, values: Mapping[str, object], *, form: Form = "envelope", namespace: str | None = None) -> int:
        """Serve several values; the revision that serves the last."""
        for key, value in values.items():
            self.put(key, value, form=form, namespace=namespace)
        return self.revision(namespace)

    def delete(self, key: str, *, namespace: str | None = None) -> int:
        """Serve a key no longer; the revision that does not.

        Raises:
            NotFound: nothing is served under it.
        """
        store = self._store(namespace)
        store.delete(names.parse_key(key))
        return store.revision

    def damage(self, key: str, *, namespace: str | None = None) -> int:
        """Alter what is stored under a key, so that it does not open; the revision that serves it."""
        store = self._store(namespace)
        store.damage(names.parse_key(key))
        return store.revision

    def revision(self, namespace: str | None = None) -> int:
        """The served revision of a namespace."""
        return self._store(namespace).revision

    def move(self, revision: int, *, namespace: str | None = None) -> None:
        """Serve the same at another revision; a lower one is what a restored table looks like."""
        self._store(namespace).move(revision)

    def fail(self, error: ConfigsvcError | None = None, times: int | None = None) -> None:
        """Answer with an error (Unavailable, if none is given) so many times, or until `recover`."""
        self._failing.start(error or Unavailable("The service is down, as the test asks."), times)

    def recover(self) -> None:
        """Answer again."""
        self._failing.stop()

    def config(self, *namespaces: str, **options: Any) -> Config:  # noqa: ANN401  # each has its type in Config
        """A Config that reads from here; the namespace of the service where none is named.

        Args:
            namespaces: as Config's, the first that has a key wins. What was put without naming a namespace is in the
                first of them, if all that was put was put so.
            options: as Config's: `poll_seconds`, `max_stale_seconds`, `sealed_keys`, …
        """
        if namespaces and len(self._stores) == 1 and self._stores[self._default].keys:
            self._name_the_default(names.parse_namespace(namespaces[0]))
        options = {"environ": self.environ(*namespaces), "world": self.world, **options}
        return Config(**options)

    @contextlib.contextmanager
    def stands_for(self, config: Config, *namespaces: str) -> Iterator[None]:
        """A Config that was made elsewhere reads from here while this lasts, its wrapped handlers too.

        It begins with nothing held, and so it is left: the next read is one of what it was made to read from. What
        it was passed in code stays, but for `url`, `api_key`, `kms_keys` and `min_revision`, which are about another
        service. Its callbacks stay; those that are added meanwhile do not.

        The namespaces that it reads exist from here on, empty where nothing was put into them. What is put without
        naming a namespace, before or after, is in the first of them, unless this service has a name of its own or one
        from a Config before.

        Args:
            config: most often a module's, made when that was imported.
            namespaces: as `config`'s, for one that was made without.
        """
        self._let_exist(config._given.namespaces or namespaces)  # noqa: SLF001  # of one library
        before = config._given, config._environ, config._world, config._callbacks  # noqa: SLF001  # of one library
        given = before[0].without("url", "api_key", "kms_keys", "min_revision")
        config._start_over(given, self.environ(*namespaces), self.world, before[3].again())  # noqa: SLF001  # as above
        try:
            yield
        finally:
            config._start_over(*before)  # noqa: SLF001  # as above

    def environ(self, *namespaces: str) -> dict[str, str]:
        """The variables of a consumer of these namespaces."""
        return {
            "CONFIGSVC_URL": "https://configsvc.test/fake",
            "CONFIGSVC_API_KEY": "an-api-key-of-tests",
            "CONFIGSVC_NAMESPACES": ",".join(namespaces or (self._default,)),
            "CONFIGSVC_KMS_KEYS": KMS_KEY,
        }

    def world(self, settings: ClientSettings) -> World:
        """What stands for the network and the clocks: `Config(…, world=fake.world)`. Jitter is always the middle."""
        del settings
        return World(self, self.kms, self.clock, lambda: _MIDDLE, _do_nothing, _do_nothing)

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> dict[Namespace, FetchedSnapshot]:
        """What is new in some namespaces; how a Config reads.

        Raises:
            NotFound: there is no such namespace.
            ConfigsvcError: as `fail` asks for.
        """
        del deadline
        self.requests.append(tuple(known))
        if while_waiting:
            while_waiting()
        self._failing.check()
        absent = [each for each in known if each not in self._stores]
        if absent:
            raise NotFound(
                f"Nothing was put into the namespace {absent[0]} of this fake service. Put into it with "
                f'put(key, value, namespace="{absent[0]}").',
                namespace=absent[0],
            )
        served = {each: self._stores[each].found() for each in known}
        return {each: found for each, found in served.items() if found.etag != known[each]}

    def _let_exist(self, namespaces: tuple[str, ...]) -> None:
        read = [names.parse_namespace(each) for each in split_list(",".join(namespaces))]
        if read and self._default not in read:
            self._name_the_default(read[0])
        for each in read:
            self._store(each)

    def _name_the_default(self, namespace: Namespace) -> None:
        """What was put without naming a namespace is in that one from here on, and what will be put so."""
        if not self._unnamed:
            return
        store = self._stores.pop(self._default)
        self._default, self._unnamed = namespace, False
        if namespace in self._stores:
            self._stores[namespace].take_in(store)
        else:
            store.name(namespace)
            self._stores[namespace] = store

    def _store(self, namespace: str | None) -> Store:
        name = self._default if namespace is None else names.parse_namespace(namespace)
        if name not in self._stores:
            self._stores[name] = Store(name, self.kms, KMS_KEY)
        return self._stores[name]


def _do_nothing() -> None:
    """Nothing is to be readied, and nothing to be closed."""
