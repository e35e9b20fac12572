from __future__ import annotations

import pytest

from configsvc_client.cli.commands.put import generate_secret
from tests.support.cli.shell import Shell


def test_a_generated_secret_is_stored_and_not_shown(shell: Shell) -> None:
    done = shell.run("put", "db.password", "--generate")
    secret = shell.ok("get", "db.password")
    assert (done.code, len(secret), secret.isalnum()) == (0, 32, True)
    assert secret not in done.out + done.err
    shell.ok("put", "db.password", "--generate", "64")
    assert len(shell.ok("get", "db.password")) == 64


@pytest.mark.parametrize(
    "arguments",
    [("-", "--generate"), ("--generate", "--plain"), ("--generate", "5"), ("--generate", "--from-file", "x")],
)
def test_generate_is_refused_with_another_value_or_plain(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("put", "k", *arguments, given="x").code == 2


def test_two_generated_secrets_differ() -> None:
    assert len({generate_secret() for _ in range(100)}) == 100
