"""The environment that `configsvc exec` gives a command: what is there already, and what a namespace may add to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from configsvc.model.names import Namespace
from configsvc_client._reading.variables import Advice, check_room, judge_keys, make_variable_name, make_variables
from configsvc_client.admin import Opened
from configsvc_client.cli.output import terminal

ADVICE = Advice(
    "Leave it out with --only or --prefix, use --mount FILE, or name the variable in full in the policy's exec list.",
    "Take one of each with --only or --prefix, or use --mount FILE.json, which holds them under their own names.",
)

ADVICE_FOR_FILE = Advice(
    "Leave it out with --only or --prefix, mount a file of another format, or name the variable in full in the "
    "policy's exec list.",
    "Take one of each with --only or --prefix, or mount a file of another format.",
)

_UNLISTED = "not on the policy's exec list for {}, or the project file is not trusted (configsvc trust)."

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
    """The variables as this process got them.

    In the C locale Python sets LC_CTYPE for itself (PEP 538), and every program that it starts would work in another
    encoding than it does without us. Where the system does not say what a process started with, that stays.

    Args:
        environ: the variables now.
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
    """The variables without the API key and whatever gives AWS credentials; the SDKs' files and metadata are off."""
    kept = {
        name: text
        for name, text in environ.items()
        if name != _API_KEY and (not name.startswith(_AWS) or name in _NO_CREDENTIALS or _is_endpoint(name))
    }
    return {**kept, **_SOURCES_OFF}


def _is_endpoint(name: str) -> bool:
    return name.startswith("AWS_ENDPOINT_URL_")


class Admission:
    """Which keys may become variables; what is left out is named once.

    Args:
        listed: the allow-list for a namespace; None where there is none.
        advice: what a person does about a dangerous variable.
    """

    def __init__(self, listed: Callable[[Namespace], Sequence[str] | None], advice: Advice = ADVICE) -> None:
        self._listed = listed
        self._advice = advice
        self._said: set[str] = set()

    def admitted(self, namespace: Namespace, keys: Sequence[str]) -> list[str]:
        """The keys of a namespace that may become variables. The others are named in one line.

        Raises:
            Unprocessable: variables are dangerous; names all of their keys.
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
    """What a command gets. Each thing that is not done as a namespace has it is said once.

    Args:
        base: the variables that are there already. They stay.
        arguments: the command and its arguments.
        override: variables that a namespace may replace.
    """

    def __init__(self, base: Mapping[str, str], arguments: Sequence[str], override: Collection[str] = ()) -> None:
        self._base = dict(base)
        self._arguments = arguments
        self._override = frozenset(override)
        self._said: set[str] = set()

    def plain(self) -> dict[str, str]:
        """The variables without any value of a namespace."""
        return dict(self._base)

    def environment(self, values: Mapping[str, Opened]) -> dict[str, str]:
        """The variables with the values, all of which were admitted.

        Raises:
            Unprocessable: keys have the same variable, or a value does not fit into one; names all of these keys. Or
                all do not fit together.
        """
        admitted = {make_variable_name(key): (make_variable_name(key),) for key in values}
        found = make_variables(
            {key: each.data for key, each in values.items()}, ADVICE, lambda key: admitted[make_variable_name(key)]
        ).found
        kept = {name for name in found if name in self._base and name not in self._override}
        for name in sorted(kept):
            if self._base[name] != found[name]:
                self._say(name, f"{name} is set already and stays as it is. To replace it: --override {name}")
        for name in sorted(self._override - found.keys()):
            self._say(name, f"--override {name}: no key sets it.")
        environ = {**self._base, **{name: text for name, text in found.items() if name not in kept}}
        check_room(environ, self._arguments)
        return environ

    def _say(self, name: str, told: str) -> None:
        if name not in self._said:
            self._said.add(name)
            terminal.say(f"configsvc: {told}")
