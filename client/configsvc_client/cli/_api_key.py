"""Where the API key comes from: CONFIGSVC_API_KEY, a command of the user file, or the system's keyring."""

from __future__ import annotations

import importlib
import subprocess
from typing import Any, Protocol

from configsvc.model.errors import Misconfigured
from configsvc_client.cli._profiles import Resolved

SERVICE = "configsvc"
"""The name that keys have in the keyring; the account is the URL, so that another URL gets no key of this one."""

_SECONDS = 120.0


class Keyring(Protocol):
    """What is used of the library `keyring`."""

    def get_password(self, service: str, account: str) -> str | None:
        """A password, None where there is none."""

    def set_password(self, service: str, account: str, password: str) -> None:
        """Keep a password."""


def api_key(resolved: Resolved) -> tuple[str, str]:
    """The API key and where it comes from; both empty where there is none.

    Raises:
        Misconfigured: the command failed, or the keyring did.
    """
    given = resolved.settings.get("CONFIGSVC_API_KEY")
    if given:
        return given.text, given.source
    if resolved.api_key_command:
        return _said(resolved.api_key_command, resolved.command_source), f"the command in {resolved.command_source}"
    held = _held(resolved.get("CONFIGSVC_URL").rstrip("/"))
    return (held, "the keyring") if held else ("", "")


def keyring() -> Keyring | None:
    """The library, where it is installed."""
    try:
        found: Any = importlib.import_module("keyring")
    except ImportError:
        return None
    library: Keyring = found
    return library


def _held(url: str) -> str | None:
    library = keyring() if url else None
    if library is None:
        return None
    try:
        return library.get_password(SERVICE, url)
    except Exception as error:  # noqa: BLE001  # the keyrings of all systems have errors of their own
        raise Misconfigured(f"The keyring failed ({type(error).__name__}). Set CONFIGSVC_API_KEY.") from None


def _said(command: tuple[str, ...], source: str) -> str:
    """What the command prints, without the line's end. What it says on stderr is the person's to see."""
    done: subprocess.CompletedProcess[bytes] | None = None
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=_SECONDS, check=False)  # noqa: S603  # it is asked for
    except (OSError, subprocess.TimeoutExpired) as error:
        failed = type(error).__name__
    if done is None:  # raised here: as its context, a TimeoutExpired would show what was printed
        raise Misconfigured(f"The API key's command in {source} failed ({failed}).")
    if done.returncode:
        raise Misconfigured(f"The API key's command in {source} ended with {done.returncode}.")
    found = done.stdout.decode(errors="replace").strip()
    if not found:
        raise Misconfigured(f"The API key's command in {source} printed nothing.")
    return found
