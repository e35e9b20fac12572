"""No secret of a file leaks while it is imported, exported or sealed again."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Done, Shell

pytestmark = pytest.mark.slow  # many processes

CANARY = "canary-0c4f77"

_FILES = {
    "csv": f"key,value\nk,{CANARY}\n",
    "docker": f"k={CANARY}\n",
    "dotenv": f"k='{CANARY}'\n",
    "json": json.dumps({"k": CANARY}),
    "k8s-secret": f"kind: Secret\nstringData:\n  k: {CANARY}\n",
    "toml": f'k = "{CANARY}"\n',
    "yaml": f"k: {CANARY}\n",
}


def _watched(shell: Shell, service: Loopback, home: Path, given: str, *words: str) -> tuple[Done, bytes]:
    """Runs a command. Returns its result and everything visible of the process while it held the secret."""
    process = shell.but(HOME=str(home), TMPDIR=str(home)).start(*words)
    seen: list[bytes] = []

    def look() -> None:
        of = Path(f"/proc/{process.pid}")
        seen.extend([of.joinpath("cmdline").read_bytes(), of.joinpath("environ").read_bytes()])
        seen.extend(path.read_bytes() for path in home.rglob("*") if path.is_file())

    service.kms.while_waiting.append(look)
    try:
        with process:
            out, err = process.communicate(given.encode(), timeout=60)
    finally:
        service.kms.while_waiting.clear()
    assert seen
    assert words[0].encode() in seen[0]
    return Done(process.returncode, out.decode(), err.decode()), b"".join(seen)


@pytest.mark.parametrize("wanted", sorted(_FILES))
def test_import_leaks_no_secrets_even_with_debug(shell: Shell, service: Loopback, tmp_path: Path, wanted: str) -> None:
    done, seen = _watched(shell, service, tmp_path, _FILES[wanted], "import", "-", "-f", wanted, "--debug")
    assert (done.code, CANARY in done.out + done.err, CANARY.encode() in seen) == (0, False, False)
    assert "POST" in done.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert shell.ok("get", "k") == CANARY


def test_rotation_leaks_no_secrets_even_with_debug(service: Loopback, namespace: str, tmp_path: Path) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    shell = Shell(service.environ("owner", namespace))
    done, seen = _watched(shell, service, tmp_path, "", "data-key", "rotate", "--debug")
    assert (done.code, CANARY in done.out + done.err, CANARY.encode() in seen) == (0, False, False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wanted", sorted(_FILES))
def test_export_leaves_secrets_only_in_the_requested_file(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path, wanted: str
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    file = tmp_path / "held"
    done, seen = _watched(shell, service, tmp_path, "", "export", str(file), "-f", wanted, "--debug")
    assert (done.code, CANARY in done.out + done.err, CANARY.encode() in seen) == (0, False, False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_unreadable_file_is_reported_without_its_content(shell: Shell, service: Loopback) -> None:
    for wanted in _FILES:
        done = shell.run("import", "-", "-f", wanted, "--debug", given=f'{{"k": [{CANARY}\n"')
        assert (done.code, CANARY in done.err) == (2, False)
    assert not service.requests
