from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = ("botocore", "boto3", "rich", "cryptography", "ssl", "httptools", "dotenv", "pydantic", "chalice", "email")
_LOADED = (
    "import sys; from configsvc_client.cli._main import run; code = run(sys.argv[1:]);"
    "print('LOADED', *sorted(sys.modules)); sys.exit(code)"
)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), *((name, "--help") for name in ("put", "get", "list", "import", "exec", "grant", "env"))],
)
def test_help_loads_nothing_that_it_does_not_need(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Usage: configsvc" in done.stdout + done.stderr
    assert "configsvc: " not in done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.partition("LOADED ")[2].split()}
    assert "click" in loaded
    assert not loaded.intersection(_HEAVY)


def test_the_list_in_help_names_every_command_and_each_has_a_help_of_its_own() -> None:
    from configsvc_client.cli._main import _COMMANDS, Commands

    group = Commands("configsvc")
    for name in _COMMANDS:
        command = group.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
        assert command is not None
        assert command.name == name
        assert command.help
