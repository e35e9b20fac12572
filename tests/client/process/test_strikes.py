"""A signal handler raises at each line of the client in turn, during a load and during refreshes.

Its exception leaves the call unchanged, even if it looks like an error of ours, of Python or of the system, and the
Config works afterwards.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import make_envelope, make_kms_entry, make_plain_entry, make_snapshot
from tests.support.client.stub_service import run_service

ROOT = Path(__file__).parents[3]
ENTRIES = [make_envelope("k1", b"v1"), make_plain_entry("p", "1"), make_kms_entry("s", b"2")]

STRUCK = """
import os, signal, socket, ssl, sys
from configsvc.model.errors import CannotOpen, Forbidden, Misconfigured, NotFound, Unavailable
from configsvc_client import Config
import configsvc_client

KINDS = {each.__name__: each for each in (
    CannotOpen, Forbidden, Misconfigured, NotFound, Unavailable, OSError, ValueError, RuntimeError,
)}
kind = KINDS[sys.argv[2]]
ours = os.path.dirname(configsvc_client.__file__)
of_two = {(ssl.__file__, "_create"), (socket.__file__, "detach")}  # where two sockets share a descriptor
closed_twice = []
sys.unraisablehook = lambda event: "Bad file" in str(event.exc_value) and closed_twice.append(event.exc_value)
struck, passed = set(), []

def strike(does):
    limit, at = kind("the time limit"), []

    def handler(signum, frame):
        raise limit

    def trace(frame, event, arg):
        place = frame.f_code.co_filename, frame.f_lineno
        if not place[0].startswith(ours) and (place[0], frame.f_code.co_name) not in of_two:
            return None
        if event == "line" and place not in struck:
            struck.add(place)
            at.append(place)
            sys.settrace(None)
            signal.raise_signal(signal.SIGALRM)
        return trace

    signal.signal(signal.SIGALRM, handler)
    sys.settrace(trace)
    try:
        does()
    except kind as error:
        if error is not limit:
            passed.append((*at, repr(error)))
    else:
        passed.extend(at)
    finally:
        sys.settrace(None)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return bool(at)

def new():
    return Config(poll_seconds=3600, start_seconds=20, refresh_seconds=20, background=False)

def load():
    config = new()
    assert config["k1"] == "v1"
    config.close()

def load_in_an_except():
    try:
        raise KeyError("of the caller")
    except KeyError:
        load()

load()
config = new()
for does in (load, load_in_an_except, config.refresh, lambda: (config.close(), config.refresh())):
    struck.clear()
    config["p"]
    while strike(does):
        config.refresh()
        assert (config["p"], config["k1"], config["s"], config.last_error) == ("1", "v1", "2", None)
    assert len(struck) > 100, len(struck)
assert not closed_twice, closed_twice
assert not passed, "\\n".join(map(str, passed))
print("sound")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "kind"),
    [
        ("http", "Unavailable"),
        ("http", "ValueError"),
        ("http", "RuntimeError"),
        ("https", "CannotOpen"),
        ("https", "OSError"),
    ],
)
def test_signal_handler_exception_at_any_line_propagates(scheme: str, kind: str, tmp_path: Path) -> None:
    tls = make_server_context(tmp_path) if scheme == "https" else None
    with run_service(make_snapshot(ENTRIES), tls) as running:
        environ = {
            **running.environ,
            "CONFIGSVC_MAX_STALE_SECONDS": "7200",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
        }
        command = [sys.executable, "-c", STRUCK, scheme, kind]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=110)
    assert done.stdout == "sound\n", done.stderr
