"""Runs every command with its minimal arguments, in several ways: streams, locales, a terminal.

A new command is included automatically: its arguments are filled in by their names. An argument whose name is unknown
here fails the tests until it has a sample.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import click

from configsvc_client.admin import Grant
from configsvc_client.cli.command_line import _commands
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Shell

Command = tuple[str, ...]

TEXT = "ü☃"
_SECONDS = 60.0
_THREADS = 4


class Place(NamedTuple):
    """The place of one run: a namespace with known contents, and a folder to work in."""

    namespace: str
    kid: str
    folder: Path
    service: Loopback

    def shell(self, **changed: str) -> Shell:
        """Returns the shell of the owner, who may do everything."""
        environ = {**self.service.environ("owner", self.namespace), "EDITOR": "sed -i s/☃/☂/", **changed}
        return Shell(environ, self.folder)


class Result(NamedTuple):
    """The result of a run, with the names of its place replaced."""

    code: int
    out: str
    err: str


_SAMPLES: dict[str, Callable[[Place], Iterable[str]]] = {
    "key": lambda _: ["note"],
    "version": lambda _: ["1"],
    "shell": lambda _: ["bash"],
    "role": lambda _: ["reader"],
    "revision": lambda _: ["100"],
    "principal": lambda place: [f"api-key:{place.folder.name}"],
    "kid": lambda place: [place.kid],
    "file": lambda _: ["file"],
    "arguments": lambda _: ["printf", "%s", TEXT],
}
"""Samples for required arguments and options, by name."""

_MORE: dict[Command, Callable[[Place], Iterable[str]]] = {
    ("copy",): lambda _: ["note", "--as", "copied", "--plain", "copied"],
    ("diff",): lambda _: ["file.env"],
    ("edit",): lambda _: ["--plain"],
    ("export",): lambda _: ["--reveal"],
    ("grant",): lambda _: ["-a", "read", "-n", "some.*"],
    ("grants",): lambda place: [f"api-key:{place.folder.name}"],
    ("import",): lambda _: ["-f", "dotenv"],
    ("init",): lambda place: ["--url", place.service.url, "-n", place.namespace, "--kms-key", KMS_KEY],
    ("log",): lambda _: ["--last", "5"],
    ("namespace", "create"): lambda place: [f"{place.namespace}.made", "--description", TEXT],
    ("namespace", "list"): lambda place: [place.namespace],
    ("namespace", "set"): lambda _: ["--description", TEXT],
    ("put",): lambda _: [f"new {TEXT}", "--plain"],
    ("revoke",): lambda _: ["--all"],
    ("rollback",): lambda _: ["note"],
}
"""Further arguments that a command needs to do something."""

_FILES: dict[Command, str] = {("snapshot", "show"): "snapshot", ("snapshot", "verify"): "snapshot"}
_ANSWERS: dict[Command, Mapping[str, str]] = {("init",): {"Add this policy? [y/N]: ": "n"}}
_WATCH = ("watch",)

_PLACES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), "KID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
)


def list_commands() -> dict[Command, click.Command]:
    """Lists all commands by their words, without groups."""
    return dict(_below(_commands, ()))


def _below(command: click.Command, words: Command) -> Iterator[tuple[Command, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found
        yield from _below(found, (*words, name))


def make_command_line(words: Command, command: click.Command, place: Place) -> list[str]:
    """Makes the minimal valid command line."""
    options, values = ["--yes", *words], list[str]()
    for each in command.params:
        if each.required and isinstance(each, click.Option):
            options += [each.opts[0], *_SAMPLES[str(each.name)](place)]
        elif each.required:
            values += [_FILES[words]] if words in _FILES else _SAMPLES[str(each.name)](place)
        elif each.name == "message":
            options += ["-m", TEXT]
    more = _MORE[words](place) if words in _MORE else ()
    return [*options, *values, *more]


def make_places(service: Loopback, folder: Path, wanted: Iterable[Command]) -> dict[Command, Place]:
    """Makes a place for each command: `note` in two versions and a secret, with texts beyond ASCII."""
    found = {}
    for words in wanted:
        name, admin = f"matrix.{uuid4().hex[:10]}", service.admin()
        service.namespace(name)
        for value in ("first", f"second {TEXT}"):
            admin.values.put(name, "note", value, form="plain", message=TEXT)
        admin.values.put(name, "secret", TEXT, message=TEXT)
        own = folder / uuid4().hex[:10]
        own.mkdir()
        for file in ("file", "file.env"):
            (own / file).write_text(f"imported='{TEXT}'\n", encoding="utf-8")
        found[words] = Place(name, admin.data_keys.list(name)[0].data_key.kid, own, service)
        service.admin("admin").grants.set(f"api-key:{own.name}", [Grant(("read",), ("other.*",))])
        if words in _FILES:
            found[words].shell().ok("snapshot", "save", "snapshot")
    return found


def run_all(
    service: Loopback, folder: Path, run: Callable[[Place, list[str], Command], Result], only: Iterable[Command] = ()
) -> dict[Command, Result]:
    """Runs each command, several at a time, and returns the results."""
    found = {words: command for words, command in list_commands().items() if not only or words in set(only)}
    made = make_places(service, folder, found)

    def run_one(words: Command) -> Result:
        place = made[words]
        return run(place, make_command_line(words, found[words], place), words)

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(found, pool.map(run_one, found), strict=True))


def run_in_pipes(redirection: str = "", **changed: str) -> Callable[[Place, list[str], Command], Result]:
    """Returns a way to run: with empty stdin, redirected streams and changed variables."""

    def run(place: Place, arguments: list[str], words: Command) -> Result:
        shell, pipe = place.shell(**changed), subprocess.PIPE
        script = f'exec "$@" {redirection}'
        with subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", *COMMAND, *arguments], env=shell.environ, cwd=place.folder,
            stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True,
        ) as process:  # fmt: skip
            if words == _WATCH:
                _interrupt(process, place)
            try:
                out, err = process.communicate(timeout=_SECONDS)
            finally:
                process.kill()
        heard = b"" if words == _WATCH else err  # Ctrl-C may come before or after its first line
        return Result(process.returncode, _normalize(out, place), _normalize(heard, place))

    return run


def run_without_reader(place: Place, arguments: list[str], words: Command) -> Result:
    """Runs a command while nobody reads stdout."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [*COMMAND, *arguments], env=place.shell().environ, cwd=place.folder,
        stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(writing)
        if words == _WATCH:
            _interrupt(process, place)
        try:
            _, err = process.communicate(timeout=_SECONDS)
        finally:
            process.kill()
    return Result(process.returncode, "", "" if words == _WATCH else _normalize(err, place))


def run_on_terminal(place: Place, arguments: list[str], words: Command) -> Result:
    """Runs a command on a terminal, where stdout and stderr are one."""
    typed = {"Watching": "\x03"} if words == _WATCH else _ANSWERS.get(words)
    done = place.shell().on_terminal(*arguments, typed=typed)
    return Result(done.code, _normalize(done.out.encode(), place), "")


def _interrupt(process: subprocess.Popen[bytes], place: Place) -> None:
    """Sends Ctrl-C after the first poll."""
    wanted, bound = f"GET /v1/namespaces/{place.namespace}/snapshot", time.monotonic() + _SECONDS
    while wanted not in place.service.requests:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < bound
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)


def _normalize(found: bytes, place: Place) -> str:
    """Decodes output in any of the encodings, without escapes, and with the names of its place replaced."""
    try:
        text = found.decode()
    except UnicodeDecodeError:
        text = found.decode("latin-1")
    text = re.sub(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})", lambda each: chr(int(each[1] or each[2], 16)), text)
    for own, name in (
        (str(place.folder), "FOLDER"), (place.folder.name, "FOLDER"), (place.namespace, "NAMESPACE"),
        (place.service.url, "URL"), (sys.executable, "PYTHON"),
    ):  # fmt: skip
        text = text.replace(own, name)
    for pattern, name in _PLACES:
        text = pattern.sub(name, text)
    return text
