"""A service in memory, and Configs that read from it."""

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
    """Namespaces with values, KMS and a clock. Values are sealed, fetched, checked and opened as in production.

    Args:
        namespace: the default namespace. If left out, it is the first namespace of the first Config that names its
            own; `test` until then.

    Attributes:
        kms: opens the values; records its calls, and fails on demand.
        clock: the present time; advance it with `clock.advance(seconds)`.
        requests: the requested namespaces of each request.
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
        """Serves a value under a key: `str` as text, `bytes` as bytes, others as JSON. Returns the new revision.

        Raises:
            InvalidName: the key or namespace is not a valid name.
            Unprocessable: the value cannot be stored.
        """
        store = self._store(namespace)
        store.put(names.parse_key(key), value, form)
        return store.revision

    def put_all(self, values: Mapping[str, object], *, form: Form = "envelope", namespace: str | None = None) -> int:
        """Serves several values. Returns the revision of the last one."""
        for key, value in values.items():
            self.put(key, value, form=form, namespace=namespace)
        return self.revision(namespace)

    def delete(self, key: str, *, namespace: str | None = None) -> int:
        """Deletes a key. Returns the new revision.

        Raises:
            NotFound: nothing is served under it.
        """
        store = self._store(namespace)
        store.delete(names.parse_key(key))
        return store.revision

    def damage(self, key: str, *, namespace: str | None = None) -> int:
        """Alters the stored value of a key so that it does not open. Returns the new revision."""
        store = self._store(namespace)
        store.damage(names.parse_key(key))
        return store.revision

    def revision(self, namespace: str | None = None) -> int:
        """Returns the served revision of a namespace."""
        return self._store(namespace).revision

    def move(self, revision: int, *, namespace: str | None = None) -> None:
        """Serves the same values at another revision. A lower one simulates a restored table."""
        self._store(namespace).move(revision)

    def fail(self, error: ConfigsvcError | None = None, times: int | None = None) -> None:
        """Answers with an error (Unavailable, if none is given) this many times, or until `recover`."""
        self._failing.start(error or Unavailable("The service is down, as the test asks."), times)

    def recover(self) -> None:
        """Answers normally again."""
        self._failing.stop()

    def config(self, *namespaces: str, **options: Any) -> Config:  # noqa: ANN401  # each has its type in Config
        """Makes a Config that reads from here, by default the default namespace.

        Args:
            namespaces: as for Config; the first that has a key wins. If all values so far were put without naming a
                namespace, they are in the first of these.
            options: as for Config: `poll_seconds`, `max_stale_seconds`, `sealed_keys`, …
        """
        if namespaces and len(self._stores) == 1 and self._stores[self._default].keys:
            self._name_the_default(names.parse_namespace(namespaces[0]))
        options = {"environ": self.environ(*namespaces), "world": self.world, **options}
        return Config(**options)

    @contextlib.contextmanager
    def stands_for(self, config: Config, *namespaces: str) -> Iterator[None]:
        """Makes an existing Config read from here inside a `with` block, including its wrapped handlers.

        The Config starts with nothing loaded, and ends so: the next read after the block goes to its own service. Its
        arguments stay, except `url`, `api_key`, `kms_keys` and `min_revision`, which belong to another service. Its
        callbacks stay; those added inside the block are dropped.

        The namespaces that it reads exist from now on, empty if nothing was put into them. Values put without naming a
        namespace, before or after, are in the first of them, unless this service was given a namespace or took one
        from an earlier Config.

        Args:
            config: usually one that a module made when it was imported.
            namespaces: as for `config`, for a Config that was made without any.
        """
        self._create_namespaces(config._given.namespaces or namespaces)  # noqa: SLF001  # of one library
        before = config._given, config._environ, config._world, config._callbacks  # noqa: SLF001  # of one library
        given = before[0].without("url", "api_key", "kms_keys", "min_revision")
        config._start_over(given, self.environ(*namespaces), self.world, before[3].again())  # noqa: SLF001  # as above
        try:
            yield
        finally:
            config._start_over(*before)  # noqa: SLF001  # as above

    def environ(self, *namespaces: str) -> dict[str, str]:
        """Returns the environment variables of a consumer of these namespaces."""
        return {
            "CONFIGSVC_URL": "https://configsvc.test/fake",
            "CONFIGSVC_API_KEY": "an-api-key-of-tests",
            "CONFIGSVC_NAMESPACES": ",".join(namespaces or (self._default,)),
            "CONFIGSVC_KMS_KEYS": KMS_KEY,
        }

    def world(self, settings: ClientSettings) -> World:
        """Replaces the network and the clocks: `Config(…, world=fake.world)`. Jitter is always the middle."""
        del settings
        return World(self, self.kms, self.clock, lambda: _MIDDLE, _do_nothing, _do_nothing)

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> dict[Namespace, FetchedSnapshot]:
        """Fetches the changes of some namespaces, for a Config.

        Raises:
            NotFound: there is no such namespace.
            ConfigsvcError: the error that `fail` was given.
        """
        del deadline
        self.requests.append(tuple(known))
        if while_waiting:
            while_waiting()
        self._failing.check()
        absent = [each for each in known if each not in self._stores]
        if absent:
            raise NotFound(
                f"This fake service has no values in the namespace {absent[0]}. Add one with "
                f'put(key, value, namespace="{absent[0]}").',
                namespace=absent[0],
            )
        served = {each: self._stores[each].fetch() for each in known}
        return {each: found for each, found in served.items() if found.etag != known[each]}

    def _create_namespaces(self, namespaces: tuple[str, ...]) -> None:
        read = [names.parse_namespace(each) for each in split_list(",".join(namespaces))]
        if read and self._default not in read:
            self._name_the_default(read[0])
        for each in read:
            self._store(each)

    def _name_the_default(self, namespace: Namespace) -> None:
        """Makes this the default namespace, also for the values that were put before."""
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
    """Nothing has to be prepared or closed."""
