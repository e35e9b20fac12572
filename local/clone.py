"""A cloned repository whose `.configsvc.toml` names a server and a KMS key of its author's."""

from __future__ import annotations

from pathlib import Path

from local.listener import listening
from local.teller import expect
from local.terminal import Terminal

_COMMANDS = (("list",), ("whoami",), ("put", "db.password", "-"))


def refused(shell: Terminal, scratch: Path, kms_key: str) -> int:
    """How many commands refuse to go where a clone's file points.

    Raises:
        StepFailed: one does not, or something was sent there.
    """
    folder = scratch / "clone"
    folder.mkdir(exist_ok=True)
    with listening() as thief:
        text = f'url = "{thief.url}"\nnamespaces = ["payments.prod"]\nkms_keys = ["{kms_key}"]\n'
        (folder / ".configsvc.toml").write_text(text)
        inside = shell.inside(folder, "CONFIGSVC_URL", "CONFIGSVC_KMS_KEYS")
        codes = [inside.attempt(*each, given="s3cret")[0] for each in _COMMANDS]
    expect(not thief.connections and 0 not in codes, f"exit codes {codes}, it was sent {thief.received}")
    return len(codes)
