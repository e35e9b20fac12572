"""Builds an example consumer: `python -m infra.consumer [--example NAME] [OUT]` writes NAME.zip (consumer.zip).

The zip is what a team would upload: a handler, the wheel of configsvc without its command line, and the locked packages
that its base install needs, as wheels for the function's platform.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from infra.deployment.bucket import upload_file
from infra.deployment.deploy import Deployed, Target, deploy
from infra.packaging import archive, bytecode, natives
from infra.packaging.interpreters import find_interpreter
from infra.packaging.platforms import Platform
from infra.packaging.service_zip import read_yaml
from infra.packaging.wheels import WheelsMissing, install, install_locked, run_uv
from infra.paths import ROOT
from infra.stage import Function

EXAMPLE = Path("examples/consumer")
_COMMAND_LINE = "configsvc_client/cli/"
"""No function runs it, and it needs the packages of an extra."""


class ConsumerError(Exception):
    """The consumer's zip could not be built."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A consumer's settings: the platform of its zip, the service, what it reads, and the KMS key that it trusts."""

    platform: Platform
    url: str
    api_key: str = field(repr=False)
    namespaces: tuple[str, ...]
    kms_key_arn: str
    poll_seconds: float
    kms_endpoint_url: str = ""

    def parameters(self) -> dict[str, str]:
        """As the template takes them."""
        return {
            "ApiKey": self.api_key,
            "Architecture": self.platform.architecture,
            "ConfigUrl": self.url,
            "KmsEndpointUrl": self.kms_endpoint_url,
            "KmsKeyArn": self.kms_key_arn,
            "Namespaces": ",".join(self.namespaces),
            "PollSeconds": f"{self.poll_seconds:g}",
            "Runtime": self.platform.runtime,
        }


def build_wheel(root: Path, out: Path) -> Path:
    """Build the wheel of the project into `out`, a new folder: it is the only one there. Raises ConsumerError."""
    _uv(root, "build", "--wheel", "--quiet", "--out-dir", str(out))
    (wheel,) = out.glob("configsvc-*.whl")
    return wheel


def package_consumer(root: Path, out: Path, platform: Platform, example: Path = EXAMPLE) -> Path:
    """Build a zip of the example's handler, the wheel and its locked dependencies: `out`/consumer.zip, by its name.

    Raises:
        ConsumerError: uv failed, or what the handler imports is not in the zip.
    """
    with tempfile.TemporaryDirectory(prefix="configsvc-consumer-") as scratch:
        files = _collect(root, Path(scratch), platform, example)
    interpreter = find_interpreter(platform.version, os.environ.get("PATH", os.defpath))
    try:
        files = bytecode.compile_files(files, interpreter)
    except bytecode.CompilingError as error:
        raise ConsumerError(str(error)) from error
    missing = sorted({"configsvc_client/__init__.py", "configsvc/model/__init__.py"} - files.keys())
    faults = [f"{name} is missing" for name in missing]
    if faults := [*faults, *natives.faults(files, platform), *bytecode.faults(files, interpreter)]:
        raise ConsumerError("The consumer's zip is not what it should be:\n  " + "\n  ".join(faults))
    out.mkdir(parents=True, exist_ok=True)
    archive.write(out / f"{example.name}.zip", files)
    return out / f"{example.name}.zip"


def _collect(root: Path, scratch: Path, platform: Platform, example: Path) -> dict[str, bytes]:
    wheel, locked = build_wheel(root, scratch / "wheel"), scratch / "locked.txt"
    _uv(root, "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--output-file", str(locked))
    try:
        found = install_locked(locked, platform, scratch / "locked", os.environ)
        found |= install((str(wheel),), platform, scratch / "ours", os.environ)
    except WheelsMissing as error:
        raise ConsumerError(str(error)) from error
    files = {name: content for name, content in found.items() if not name.startswith(_COMMAND_LINE)}
    return files | {"handler.py": (root / example / "handler.py").read_bytes()}


def deploy_consumer(target: Target, stack: str, package: Path, settings: Settings, seconds: float) -> Deployed:
    """Create or update a consumer's stack with the zip; the function is named like the stack.

    Raises:
        infra.deployment.stack.StackFailed: with the events that explain why.
    """
    code = {"CodeBucket": target.bucket, "CodeKey": upload_file(target, stack, package)}
    template = read_yaml(ROOT / EXAMPLE / "template.yaml")
    return deploy(target, stack, template, settings.parameters() | code, seconds)


def _uv(root: Path, *arguments: str) -> None:
    try:
        ran = run_uv(arguments, root, os.environ)
    except WheelsMissing as error:
        raise ConsumerError(str(error)) from error
    if ran.returncode:
        raise ConsumerError(f"uv {' '.join(arguments[:2])} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")


def main(arguments: list[str] | None = None) -> int:
    ours = Function()
    parser = argparse.ArgumentParser(prog="python -m infra.consumer")
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "build" / "consumer", help="folder to write")
    parser.add_argument("--runtime", default=ours.runtime, help="of the function; default: %(default)s")
    parser.add_argument("--architecture", default=ours.architecture, help="arm64 or x86_64; default: %(default)s")
    parser.add_argument("--example", default=EXAMPLE.name, choices=["consumer", "canary"], help="default: %(default)s")
    asked = parser.parse_args(arguments)
    platform = Platform(asked.runtime, asked.architecture)
    try:
        built = package_consumer(ROOT, asked.out, platform, Path("examples") / asked.example)
    except ConsumerError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{built}  for {platform}, {built.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
