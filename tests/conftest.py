"""For every test: a clean environment, and the emulator if a test needs it."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.fixtures.emulator",
    "tests.support.fixtures.package",
    "tests.support.fixtures.deployed",
]

# Speed is never asserted in a test: a busy machine must not fail one.
settings.register_profile("configsvc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("configsvc")


def pytest_configure() -> None:
    """Whoever is started in the background ignores Ctrl-C and hang-ups, and so would what the tests start."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


_PREFIXES = ("AWS_", "CONFIGSVC_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the settings of whoever runs the tests, so that they cannot change a result."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
