"""For every test: an environment of its own, and the emulator where a test asks for it."""

import os

import pytest

pytest_plugins = ["tests.fixtures_emulator", "tests.fixtures_package", "tests.fixtures_deployed"]

_PREFIXES = ("AWS_", "CONFIGSVC_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set up must not change what they show."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
