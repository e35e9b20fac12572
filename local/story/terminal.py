"""The command line as a person of the local AWS uses it: the real `configsvc`, with that person's keys."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.packaging.service_zip import REGION
from local.people import Person
from local.stack import LocalStack
from local.story.teller import StepFailed

COMMANDS = Path(sys.executable).parent
_SECONDS = 120.0


def variables(stack: LocalStack, person: Person, namespaces: str) -> dict[str, str]:
    """The variables of the person's shell."""
    return {
        "AWS_ACCESS_KEY_ID": person.access_key,
        "AWS_SECRET_ACCESS_KEY": person.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.endpoint,
        "CONFIGSVC_URL": stack.url,
        "CONFIGSVC_API_KEY": person.api_key,
        "CONFIGSVC_NAMESPACES": namespaces,
        "CONFIGSVC_KMS_KEYS": stack.kms_key_arn,
    }


class Terminal:
    """A shell of one person, in which only `configsvc` is called."""

    def __init__(self, held: Mapping[str, str], folder: Path | None = None) -> None:
        self._folder = folder
        self._environment = dict(held) | {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": "/"}

    def inside(self, folder: Path, *without: str) -> Terminal:
        """The same in a folder, without some of the variables."""
        held = {name: text for name, text in self._environment.items() if name not in without}
        return Terminal(held, folder)

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Standard output of `configsvc` with these arguments and this standard input.

        Raises:
            StepFailed: its exit code was not 0; the message has its output.
        """
        status, out, err = self.attempt(*arguments, given=given)
        if status:
            raise StepFailed(f"configsvc {' '.join(arguments)} ended with {status}: {err or out}")
        return out

    def attempt(self, *arguments: str, given: str | None = None) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        done = subprocess.run(
            [COMMANDS / "configsvc", *arguments],
            env=self._environment,
            cwd=self._folder,
            input=given or "",
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a value may be bytes
            timeout=_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.strip()


def write_environment(path: Path, variables: Mapping[str, str], commands: Path) -> None:
    """Write `export` lines (mode 0600), with the folder of `commands` put on the PATH."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    folder = shlex.quote(str(commands))
    lines.append(f"case :$PATH: in *:{folder}:*) ;; *) export PATH={folder}:$PATH ;; esac")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
