"""docs/cli.svg: a terminal, as real commands fill it on a service in memory. `make cli-picture`."""

from __future__ import annotations

import io
import re
import shlex
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from configsvc_client.admin import Grant
from local.gateway.access import Identity
from local.paths import ROOT
from local.story.example import EXAMPLE, JSON, PLAIN
from tests.support.admin.loopback import loopback
from tests.support.cli.shell import Shell

PICTURE = ROOT / "docs" / "cli.svg"
COMMANDS = (
    "configsvc list db.",
    "configsvc get db.password",
    "configsvc put db.password --generate -m 'quarterly rotation'",
    "configsvc history db.password",
    "configsvc rollback db.password -m 'the old one is still in use'",
    "configsvc log --last 3",
    "configsvc export --only 'db.*'",
)
_WIDTH = 80
_ROLE = "arn:aws:iam::123456789012:role/Developer"
_SESSION = "arn:aws:sts::123456789012:assumed-role/Developer/ann"
_FONTS = re.compile(r"@font-face \{\{.*?\}\}|<!--.*?-->", re.DOTALL)
"""Rich's template loads fonts of others; a picture of ours asks nobody."""


def drawn() -> str:
    """The picture."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    with loopback() as service, tempfile.TemporaryDirectory() as folder:
        shell = Shell(service.environ("writer", service.namespace("payments.prod")), Path(folder))
        kinds = (("--plain", PLAIN), ("--json", JSON))
        rules = [word for option, patterns in kinds for pattern in patterns for word in (option, pattern)]
        service.admin("admin").grants.set(_ROLE, [Grant(("write",), ("*",))])
        service.identities["AKIAWRITER"] = Identity("secret-of-writer", _SESSION)
        shell.ok("import", EXAMPLE, *rules)
        shell.ok("put", "db.replica.password", "-", "--rotate-by", "2026-01-31", given="replica")
        shell.ok("put", "db.legacy.password", "-", given="legacy")
        shell.ok("delete", "db.legacy.password", "--yes", "-m", "nothing reads it")
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(
                Text.from_ansi(
                    shell.on_terminal(*shlex.split(command)[1:], width=_WIDTH).out.replace("\r\n", "\n").rstrip()
                )
            )
    text = console.export_svg(title="configsvc", theme=DIMMED_MONOKAI, code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
