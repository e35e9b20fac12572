"""Finds the API key: in CONFIGSVC_API_KEY, from a command of the user file, or in the system's keyring."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Protocol

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.output import stdio
from configsvc_client.cli.settings.profiles import Resolved

SERVICE = "configsvc"
"""The service name of keys in the keyring. The account is the URL, so another URL never gets this one's key."""

_SECONDS = 120.0
_NO_KEYRING = "NoKeyringError"  # the library is installed, but knows no keyring on this system
_KEEPING_NOTHING = ("keyring.backends.fail", "keyring.backends.null")
_NONE = object()

_COMMAND = "set api_key_command and url in ~/.config/configsvc/config.toml"
_UNINSTALLED = f"Set CONFIGSVC_API_KEY; or store it in the keyring: pip install 'configsvc[keyring]'; or {_COMMAND}."
_UNUSABLE = f"The keyring library is installed, but finds no keyring here. Set CONFIGSVC_API_KEY; or {_COMMAND}."
_USABLE = f"Set CONFIGSVC_API_KEY; or run configsvc init on a terminal to store it in the keyring; or {_COMMAND}."


class SystemKeyring(Protocol):
    """The part of the `keyring` library that is used here."""

    def get_password(self, service: str, account: str, /) -> str | None:
        """The stored password, or None."""

    def set_password(self, service: str, account: str, password: str, /) -> None:
        """Stores a password."""


def find_api_key(resolved: Resolved) -> tuple[str, str]:
    """The API key and where it comes from; both empty if none is set.

    Raises:
        Misconfigured: the command failed, or the keyring did.
    """
    given = resolved.settings.get("CONFIGSVC_API_KEY")
    if given and given.text.strip():
        return given.text, given.source
    if resolved.api_key_command:
        return _run_command(
            resolved.api_key_command, resolved.command_source
        ), f"the command in {resolved.command_source}"
    held = _read_held(resolved.get("CONFIGSVC_URL").rstrip("/"))
    return (held, "the keyring") if held else ("", "")


def keep_api_key(url: str, key: str) -> bool:
    """Stores the API key for a URL in the keyring; False if no keyring exists or it stores nothing.

    Raises:
        Misconfigured: the keyring failed.
    """
    account = url.rstrip("/")
    if _ask_keyring(lambda library: library.set_password(SERVICE, account, key)) is _NONE:
        return False
    return _read_held(account) == key


def has_keyring(url: str) -> bool:
    """Whether a keyring exists that can hold that URL's API key.

    Raises:
        Misconfigured: the keyring failed.
    """
    return _ask_keyring(lambda library: library.get_password(SERVICE, url.rstrip("/"))) is not _NONE


def advise() -> str:
    """How to set an API key on this system."""
    try:
        if _import_keyring() is None:
            return _UNINSTALLED
        return _USABLE if has_keyring("") else _UNUSABLE
    except Misconfigured:
        return _UNUSABLE


def _read_held(url: str) -> str | None:
    found = _ask_keyring(lambda library: library.get_password(SERVICE, url)) if url else None
    return found if isinstance(found, str) else None


def _ask_keyring(ask: Callable[[SystemKeyring], str | None]) -> object:
    """The keyring's answer; _NONE if the library is not installed, or finds no keyring on this system.

    Raises:
        Misconfigured: it failed.
    """
    try:
        library = _import_keyring()
        return _NONE if library is None or _keeps_nothing(library) else ask(library)
    except Exception as error:  # noqa: BLE001  # each system's keyring raises its own errors
        failed = type(error).__name__
    if failed == _NO_KEYRING:
        return _NONE
    raise Misconfigured(f"The keyring failed ({failed}). Set CONFIGSVC_API_KEY.")  # here, to have no error as context


def _import_keyring() -> SystemKeyring | None:
    """The library, which chooses a keyring on import; None if it is not installed."""
    try:
        import keyring
    except ModuleNotFoundError as error:
        if error.name == "keyring":
            return None
        raise
    return keyring


def _keeps_nothing(library: object) -> bool:
    """Whether the library chose one of its placeholders, which store nothing."""
    chosen = getattr(library, "get_keyring", lambda: None)()
    return type(chosen).__module__ in _KEEPING_NOTHING


def _run_command(command: tuple[str, ...], source: str) -> str:
    """The command's output, stripped. Its stderr goes to the user."""
    streams, done = stdio.get_helper_streams(), None
    words = [each.encode() for each in command]  # UTF-8, as the file is, whatever the locale
    try:
        done = subprocess.run(  # noqa: S603  # the user configured it
            words, stdin=streams.stdin, stdout=subprocess.PIPE, stderr=streams.stderr, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        failed = f"it took longer than {_SECONDS:.0f} seconds"
    except OSError as error:
        failed = f"{command[0]}: {error.strerror}"
    except ValueError:
        failed = "a word contains a NUL"
    if done is None:  # raised here: a TimeoutExpired as its context would show the output
        raise Misconfigured(f"api_key_command in {source} failed: {failed}.")
    if done.returncode:
        raise Misconfigured(f"api_key_command in {source} failed with exit code {done.returncode}.")
    found = done.stdout.decode(errors="replace").strip()
    if not found:
        raise Misconfigured(f"api_key_command in {source} printed nothing. It must print the API key.")
    return found
