"""Where the API key comes from: CONFIGSVC_API_KEY, a command of the user file, or the system's keyring."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Protocol

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.output import stdio
from configsvc_client.cli.settings.profiles import Resolved

SERVICE = "configsvc"
"""The name that keys have in the keyring; the account is the URL, so that another URL gets no key of this one."""

_SECONDS = 120.0
_NO_KEYRING = "NoKeyringError"  # of the library: installed, but the system has no keyring that it knows
_KEEPING_NOTHING = ("keyring.backends.fail", "keyring.backends.null")
_NONE = object()

_COMMAND = "name api_key_command, with the url beside it, in ~/.config/configsvc/config.toml"
_UNINSTALLED = f"Set CONFIGSVC_API_KEY; or keep it in the keyring: pip install 'configsvc[keyring]'; or {_COMMAND}."
_UNUSABLE = f"keyring is installed, but this system has no keyring for it. Set CONFIGSVC_API_KEY; or {_COMMAND}."
_USABLE = f"Set CONFIGSVC_API_KEY; or run configsvc init on a terminal, which puts it into the keyring; or {_COMMAND}."


class SystemKeyring(Protocol):
    """What is used of the library `keyring`."""

    def get_password(self, service: str, account: str, /) -> str | None:
        """A password, None where there is none."""

    def set_password(self, service: str, account: str, password: str, /) -> None:
        """Keep a password."""


def find_api_key(resolved: Resolved) -> tuple[str, str]:
    """The API key and where it comes from; both empty where there is none.

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
    """Put the API key for a URL into the keyring; False where there is none, or it keeps nothing.

    Raises:
        Misconfigured: the keyring failed.
    """
    account = url.rstrip("/")
    if _ask_keyring(lambda library: library.set_password(SERVICE, account, key)) is _NONE:
        return False
    return _read_held(account) == key


def has_keyring(url: str) -> bool:
    """Whether there is a keyring to ask for that URL's API key.

    Raises:
        Misconfigured: the keyring failed.
    """
    return _ask_keyring(lambda library: library.get_password(SERVICE, url.rstrip("/"))) is not _NONE


def advise() -> str:
    """What helps who has no API key set, on this system."""
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
    """What the keyring answers; _NONE where the library is not installed, or the system has no keyring for it.

    Raises:
        Misconfigured: it failed.
    """
    try:
        library = _import_keyring()
        return _NONE if library is None or _keeps_nothing(library) else ask(library)
    except Exception as error:  # noqa: BLE001  # the keyrings of all systems have errors of their own
        failed = type(error).__name__
    if failed == _NO_KEYRING:
        return _NONE
    raise Misconfigured(f"The keyring failed ({failed}). Set CONFIGSVC_API_KEY.")  # here: without that error as context


def _import_keyring() -> SystemKeyring | None:
    """The library, which chooses a keyring while it is imported; None where it is not installed."""
    try:
        import keyring
    except ModuleNotFoundError as error:
        if error.name == "keyring":
            return None
        raise
    return keyring


def _keeps_nothing(library: object) -> bool:
    """Whether it chose one of its own that stands for none."""
    chosen = getattr(library, "get_keyring", lambda: None)()
    return type(chosen).__module__ in _KEEPING_NOTHING


def _run_command(command: tuple[str, ...], source: str) -> str:
    """What the command prints, without the line's end. What it says on stderr is the person's to see."""
    streams, done = stdio.get_helper_streams(), None
    words = [each.encode() for each in command]  # UTF-8, as the file is, whatever the locale
    try:
        done = subprocess.run(  # noqa: S603  # it is asked for
            words, stdin=streams.stdin, stdout=subprocess.PIPE, stderr=streams.stderr, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        failed = f"it did not end within {_SECONDS:.0f} seconds"
    except OSError as error:
        failed = f"{command[0]}: {error.strerror}"
    except ValueError:
        failed = "a word holds a NUL"
    if done is None:  # raised here: as its context, a TimeoutExpired would show what was printed
        raise Misconfigured(f"The API key's command in {source} failed: {failed}.")
    if done.returncode:
        raise Misconfigured(f"The API key's command in {source} ended with {done.returncode}.")
    found = done.stdout.decode(errors="replace").strip()
    if not found:
        raise Misconfigured(f"The API key's command in {source} printed nothing.")
    return found
