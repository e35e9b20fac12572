"""The environment that `configsvc exec` gives a command: the existing variables, and those that a namespace may add."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from configsvc.model.names import Namespace
from configsvc_client._reading.variables import Advice, check_room, judge_keys, make_variable_name, make_variables
from configsvc_client.admin import Opened
from configsvc_client.cli.output import terminal

ADVICE = Advice(
    "Leave it out with --only or --prefix, use --mount FILE, or put its full name on the policy's exec list.",
    "Select one of each with --only or --prefix, or use --mount FILE.json, which keeps their own names.",
)

ADVICE_FOR_FILE = Advice(
    "Leave it out with --only or --prefix, mount a file of another format, or put its full name on the policy's exec "
    "list.",
    "Select one of each with --only or --prefix, or mount a file of another format.",
)

_UNLISTED = "not on the policy's exec list for {}, or the project file is not trusted (run: configsvc trust)."

_AT_START = Path("/proc/self/environ")
"""The variables that this process started with, NUL after each (proc_pid_environ(5))."""

_API_KEY = "CONFIGSVC_API_KEY"
_AWS = "AWS_"
_NO_CREDENTIALS = frozenset({
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT", "AWS_OUTPUT", "AWS_PAGER", "AWS_CA_BUNDLE",
    "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_DEFAULTS_MODE", "AWS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_EXECUTION_ENV", "AWS_SDK_UA_APP_ID",
})  # fmt: skip
_SOURCES_OFF = {
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def get_inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that this process inherited.

    In the C locale Python sets LC_CTYPE for itself (PEP 538). A program that inherits it would use another encoding
    than without configsvc. If the system does not show the original variables, LC_CTYPE stays.

    Args:
        environ: the current variables.
    """
    if "LC_CTYPE" not in environ:
        return dict(environ)
    try:
        first = _AT_START.read_bytes().split(b"\0")
    except OSError:
        return dict(environ)
    kept = any(each.startswith(b"LC_CTYPE=") for each in first)
    return {name: text for name, text in environ.items() if kept or name != "LC_CTYPE"}


def remove_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without the API key and all AWS credentials; the SDKs' files and metadata are turned off."""
    kept = {
        name: text
        for name, text in environ.items()
        if name != _API_KEY and (not name.startswith(_AWS) or name in _NO_CREDENTIALS or _is_endpoint(name))
    }
    return {**kept, **_SOURCES_OFF}


def _is_endpoint(name: str) -> bool:
    return name.startswith("AWS_ENDPOINT_URL_")


class Admission:
    """Decides which keys may become variables, and names each one that is left out once.

    Args:
        listed: returns the allow-list of a namespace, or None if it has none.
        advice: what the user can do about a dangerous variable.
    """

    def __init__(self, listed: Callable[[Namespace], Sequence[str] | None], advice: Advice = ADVICE) -> None:
        self._listed = listed
        self._advice = advice
        self._said: set[str] = set()

    def admit(self, namespace: Namespace, keys: Sequence[str]) -> list[str]:
        """The keys of a namespace that may become variables. Names the others in one line.

        Raises:
            Unprocessable: variables are dangerous. Names all of their keys.
        """
        listed = self._listed(namespace)
        judged = judge_keys(keys, lambda _: listed)
        judged.check(self._advice)
        new = set(judged.unlisted) - {make_variable_name(key) for key in judged.keys} - self._said
        if new:
            self._said |= new
            are = "is" if len(new) == 1 else "are"
            terminal.say(f"configsvc: {', '.join(sorted(new))} {are} left out: {_UNLISTED.format(namespace)}")
        return [*judged.keys]


class Child:
    """The environment of a command. Each difference from the namespace is reported once.

    Args:
        base: the existing variables. They stay.
        arguments: the command and its arguments.
        override: variables that a namespace may replace.
    """

    def __init__(self, base: Mapping[str, str], arguments: Sequence[str], override: Collection[str] = ()) -> None:
        self._base = dict(base)
        self._arguments = arguments
        self._override = frozenset(override)
        self._said: set[str] = set()

    def get_base(self) -> dict[str, str]:
        """The variables without any value of a namespace."""
        return dict(self._base)

    def build_environment(self, values: Mapping[str, Opened]) -> dict[str, str]:
        """The variables with the values, all of which were admitted.

        Raises:
            Unprocessable: keys share a variable, or a value does not fit into one (names all of these keys), or the
                values are too large together.
        """
        admitted = {make_variable_name(key): (make_variable_name(key),) for key in values}
        found = make_variables(
            {key: each.data for key, each in values.items()}, ADVICE, lambda key: admitted[make_variable_name(key)]
        ).found
        kept = {name for name in found if name in self._base and name not in self._override}
        for name in sorted(kept):
            if self._base[name] != found[name]:
                self._say(name, f"{name} is already set and stays unchanged. To replace it: --override {name}")
        for name in sorted(self._override - found.keys()):
            self._say(name, f"--override {name} has no effect: no key sets {name}.")
        environ = {**self._base, **{name: text for name, text in found.items() if name not in kept}}
        check_room(environ, self._arguments)
        return environ

    def _say(self, name: str, line: str) -> None:
        if name not in self._said:
            self._said.add(name)
            terminal.say(f"configsvc: {line}")
