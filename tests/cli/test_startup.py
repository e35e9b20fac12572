from __future__ import annotations

import subprocess
import sys

import pytest

from configsvc_client.cli.command_line import Commands, find_commands

_HEAVY = (
    "botocore",
    "boto3",
    "rich",
    "cryptography",
    "ssl",
    "httptools",
    "dotenv",
    "pydantic",
    "chalice",
    "email",
    "tomllib",
    "keyring",
    "yaml",
)
_LOADED = (
    "import sys; from configsvc_client.cli.command_line import run; code = run(sys.argv[1:]);"
    "print('LOADED', *sorted(sys.modules)); sys.exit(code)"
)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), *((name, "--help") for name in sorted(find_commands()))],
)
def test_help_loads_no_heavy_modules(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Usage: configsvc" in done.stdout + done.stderr
    assert "configsvc: " not in done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.partition("LOADED ")[2].split()}
    assert "click" in loaded
    assert not loaded.intersection(_HEAVY)


def test_help_lists_every_command_and_each_has_its_own_help() -> None:
    group = Commands("configsvc")
    for name in find_commands():
        command = group.get_command(None, name)  # type: ignore[arg-type]  # the context is not used
        assert command is not None
        assert command.name == name
        assert command.help


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("configsvc da", ["data-key"]),
        ("configsvc list --out", ["--output"]),
        ("configsvc list --output j", ["json"]),
        ("configsvc data-key li", ["list"]),
    ],
)
def test_completion_offers_commands_options_and_choices_and_loads_little(words: str, offered: list[str]) -> None:
    environ = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_CONFIGSVC_COMPLETE": "bash_complete"}
    program = (
        "import atexit, sys; atexit.register(lambda: print('LOADED', *sorted(sys.modules)));"
        "from configsvc_client.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    found, _, loaded = done.stdout.partition("LOADED ")
    assert [line.partition(",")[2] for line in found.splitlines()] == offered
    assert not {name.split(".")[0] for name in loaded.split()}.intersection(_HEAVY)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_of_each_shell_calls_configsvc(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "configsvc_client.cli", "completion", shell],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert f"_CONFIGSVC_COMPLETE={shell}_complete" in done.stdout
