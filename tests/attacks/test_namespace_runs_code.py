"""Someone who may write a namespace tries to run a program as everyone who uses it: with real programs.

Each case shows first that the variables do run the canary, and then that `configsvc exec` starts nothing with them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.admin.loopback import Loopback, loopback
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

_SECONDS = 30.0


class Attack(NamedTuple):
    """Variables and a harmless command; `@` is the folder with the writer's files, and `%` the canary's path."""

    variables: Mapping[str, str]
    command: tuple[str, ...]


def one(name: str, text: str, *command: str) -> Attack:
    return Attack({name: text}, command)


_SSH = ("git", "ls-remote", "ssh://localhost/x")
_EDIT = ("git", "config", "--file", "@/settings", "--edit")

ATTACKS = {
    "BASH_ENV": one("BASH_ENV", "$(touch %)", "bash", "-c", ":"),
    "ENV": one("ENV", "$(touch %)", "dash", "-i", "-c", ":"),
    "PROMPT_COMMAND": one("PROMPT_COMMAND", "touch %", "bash", "-i"),
    "PATH": one("PATH", "@/programs", "true"),
    "LD_PRELOAD": one("LD_PRELOAD", "@/loaded.so", "true"),
    "LD_AUDIT": one("LD_AUDIT", "@/loaded.so", "true"),
    "OPENSSL_CONF": one("OPENSSL_CONF", "@/openssl.cnf", "openssl", "version"),
    "GIT_SSH_COMMAND": one("GIT_SSH_COMMAND", "touch % #", *_SSH),
    "GIT_SSH": one("GIT_SSH", "@/programs/true", *_SSH),
    "GIT_CONFIG_COUNT": Attack(
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.sshCommand", "GIT_CONFIG_VALUE_0": "touch % #"}, _SSH
    ),
    "GIT_CONFIG_PARAMETERS": one("GIT_CONFIG_PARAMETERS", "'core.sshcommand'='touch % #'", *_SSH),
    "GIT_CONFIG_GLOBAL": one("GIT_CONFIG_GLOBAL", "@/git/config", *_SSH),
    "GIT_PROXY_COMMAND": one("GIT_PROXY_COMMAND", "@/programs/true", "git", "ls-remote", "git://localhost/x"),
    "GIT_EXEC_PATH": one("GIT_EXEC_PATH", "@/programs", "git", "hello"),
    "GIT_EDITOR": one("GIT_EDITOR", "touch % #", *_EDIT),
    "EDITOR": one("EDITOR", "touch % #", *_EDIT),
    "XDG_CONFIG_HOME": one("XDG_CONFIG_HOME", "@", *_SSH),
    "PYTHONPATH": one("PYTHONPATH", "@/python", "python", "-c", "pass"),
    "PYTHONSTARTUP": one("PYTHONSTARTUP", "@/python/sitecustomize.py", "python", "-i"),
    "PYTHONBREAKPOINT": one("PYTHONBREAKPOINT", "os.system", "python", "-c", "breakpoint('touch %')"),
    "PYTHONWARNINGS": Attack(
        {"PYTHONWARNINGS": "all:0:antigravity.x:0:0", "BROWSER": "touch % #%s"}, ("python", "-c", "pass")
    ),
    "NODE_OPTIONS": one("NODE_OPTIONS", "--require @/node/dependency.js", "node", "-e", "0"),
    "NODE_PATH": one("NODE_PATH", "@/node", "node", "-e", "require('dependency')"),
    "PERL5DB": Attack({"PERL5OPT": "-d", "PERL5DB": "system('touch %');"}, ("perl", "-e", "1")),
    "PERL5LIB": Attack({"PERL5OPT": "-MEvil", "PERL5LIB": "@/perl"}, ("perl", "-e", "1")),
    "JAVA_TOOL_OPTIONS": one("JAVA_TOOL_OPTIONS", "-Xlog:gc:file=%", "java", "-version"),
    "JDK_JAVA_OPTIONS": one("JDK_JAVA_OPTIONS", "-Xlog:gc:file=%", "java", "-version"),
    "_JAVA_OPTIONS": one("_JAVA_OPTIONS", "-Xlog:gc:file=%", "java", "-version"),
    "MAKEFILES": one("MAKEFILES", "@/makefile", "make", "-f", "/dev/null"),
    "CC": one("CC", "touch % #", "make", "-C", "@", "program.o"),
    "TAR_OPTIONS": one(
        "TAR_OPTIONS", "--checkpoint=1 --checkpoint-action=exec='touch %'", "tar", "cf", "/dev/null", "@/makefile"
    ),
    "LESSOPEN": one("LESSOPEN", "|-touch %; cat %s", "less", "@/makefile"),
    "VIMINIT": one("VIMINIT", "call writefile([],'%')|q", "vim", "@/makefile"),
    "CURL_HOME": one("CURL_HOME", "@", "curl", "-s", "file:///etc/hostname"),
}


@pytest.fixture(scope="module")
def service() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The files that an attack refers to; `canary` is not among them yet."""
    canary = tmp_path / "canary"
    files = {
        "git/config": f"[core]\nsshCommand = touch {canary} #\n",
        "python/sitecustomize.py": f"open({str(canary)!r}, 'w')\n",
        "node/dependency.js": f"require('fs').writeFileSync({str(canary)!r}, '')\n",
        "perl/Evil.pm": f"open(my $f, '>', '{canary}'); 1;\n",
        "makefile": f"$(shell touch {canary})\n",
        "program.c": "int main;\n",
        ".curlrc": f'output = "{canary}"\n',
        "openssl.cnf": (
            "openssl_conf = a\n[a]\nengines = b\n[b]\nc = d\n[d]\nengine_id = c\n"
            f"dynamic_path = {tmp_path}/loaded.so\ninit = 1\n"
        ),
        "loaded.c": f'#include <stdio.h>\n__attribute__((constructor)) void f(void) {{ fopen("{canary}", "w"); }}\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "programs").mkdir()
    for name in ("true", "git-hello"):
        (tmp_path / "programs" / name).write_text(f"#!/bin/sh\n/usr/bin/touch {canary}\n")
        (tmp_path / "programs" / name).chmod(0o755)
    return tmp_path


def filled(text: str, folder: Path) -> str:
    return text.replace("%s", "\0").replace("%", str(folder / "canary")).replace("@", str(folder)).replace("\0", "%s")


def prepared(attack: Attack, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The command and the variables, for this computer."""
    program, *arguments = attack.command
    found = sys.executable if program == "python" else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    if "loaded.so" in str(attack) or program == "openssl":
        compiler = shutil.which("gcc")
        if compiler is None:
            pytest.skip("no compiler")
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-o", folder / "loaded.so", folder / "loaded.c"],
            check=True,
            timeout=_SECONDS,
        )
    # PATH decides which program a bare name is; everything else is started by its path.
    start = program if "PATH" in attack.variables else found
    return [start, *(filled(each, folder) for each in arguments)], {
        name: filled(text, folder) for name, text in attack.variables.items()
    }


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_namespace_runs_nothing_in_a_program_that_is_started(service: Loopback, theirs: Path, attack: Attack) -> None:
    command, variables = prepared(attack, theirs)
    base = {"PATH": os.environ["PATH"], "HOME": str(theirs / "home"), "TERM": "xterm"}
    subprocess.run(
        command, env={**base, **variables}, cwd=theirs, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=_SECONDS, check=False,
    )  # fmt: skip
    assert (theirs / "canary").exists(), "the attack itself does not work here"
    (theirs / "canary").unlink()

    namespace = service.namespace(f"attack.{theirs.name.lower()[:40]}".replace("_", "-"))
    writer = service.admin()
    for name, text in variables.items():
        writer.values.put(namespace, name.lower(), text, form="plain")
    done = Shell({**service.environ("writer", namespace), **base}, theirs).run("exec", "--", *command)
    service.close()
    assert (done.code, (theirs / "canary").exists()) == (1, False)
    assert "which can run code or change whom you trust" in done.err
