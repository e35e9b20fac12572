"""A Config with fake ports, all of them accessible to the test."""

from __future__ import annotations

from collections.abc import Callable

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Namespace
from configsvc_client import Config
from configsvc_client._opening.fallback_file import BadFallback, Fallback, encode
from configsvc_client._ports import FetchedSnapshot, World
from configsvc_client._settings import ClientSettings
from tests.support.client.fakes import KMS_KEY, FakeClock, FakeGateway, FakeKms

ENVIRON = {
    "CONFIGSVC_URL": "https://api.example/prod",
    "CONFIGSVC_API_KEY": "abcdefghij0123456789",
    "CONFIGSVC_NAMESPACES": "payments.prod",
    "CONFIGSVC_KMS_KEYS": KMS_KEY,
}


class Stage:
    """The fakes of one Config. Every random draw returns `chance`: the middle by default, so no jitter."""

    def __init__(self, *served: FetchedSnapshot, **environ: str) -> None:
        self.clock, self.gateway, self.kms = FakeClock(), FakeGateway(), FakeKms()
        self.chance = 0.5
        self.draw: Callable[[], float] = lambda: self.chance
        self.file: bytes | ConfigsvcError | None = None
        self.warnings: list[str] = []
        self.prepared = 0
        self.closed = 0
        self.environ = {**ENVIRON, **environ}
        self.serve(*served)
        namespaces = [each.sealed.namespace for each in served]
        self.config = Config(*namespaces, environ=self.environ, world=self.world)

    def serve(self, *served: FetchedSnapshot) -> None:
        for each in served:
            self.gateway.served[Namespace(each.sealed.namespace)] = each

    def world(self, _: ClientSettings) -> World:
        return World(
            self.gateway, self.kms, self.clock, self._chance, self._prepare, self._close,
            self._read, self.warnings.append,
        )  # fmt: skip

    def save(self, *served: FetchedSnapshot, ago: float = 0.0, url: str = ENVIRON["CONFIGSVC_URL"]) -> None:
        """Saves the fallback file that the Config will find."""
        self.file = encode(Fallback(url, self.clock.at - ago, tuple(each.sealed for each in served)))

    def _read(self, path: str) -> bytes:
        assert path == self.environ["CONFIGSVC_FALLBACK"]
        if not isinstance(self.file, bytes):
            raise self.file or BadFallback("absent")
        return self.file

    def _chance(self) -> float:
        return self.draw()

    def _close(self) -> None:
        self.closed += 1

    def _prepare(self) -> None:
        self.prepared += 1
