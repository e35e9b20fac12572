"""Ports of this computer's loopback address: free ones, and whose a listening one is."""

import socket
from contextlib import suppress
from pathlib import Path

from local.errors import PortBusy

LOOPBACK = "127.0.0.1"
_PROC = Path("/proc")
_LISTEN = "0A"  # the state column of /proc/net/tcp


def claim_port(port: int) -> int:
    """The port when nothing listens on it, or a free one for 0. Raises PortBusy."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortBusy(
                f"port {port} on {LOOPBACK} cannot be used ({error.strerror}): another program has it. "
                "End that program, or start with another port."
            ) from error
        return int(probe.getsockname()[1])


def listens(pid: int, port: int) -> bool:
    """True if the process itself holds the listening socket of 127.0.0.1:port (True where that cannot be known)."""
    table = _PROC / "net/tcp"
    if not table.exists():
        return True
    address = f"0100007F:{port:04X}"
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1] == address and row[3] == _LISTEN}
    return bool(sockets & _find_open_files(pid))


def _find_open_files(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # the process ended while we looked
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):  # or closed just this file
                found.add(str(entry.readlink()))
    return found
