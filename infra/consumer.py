"""Builds the example consumer: `python -m infra.consumer [OUT]` writes consumer.zip.

The zip is what a team would upload: a handler, the wheel of configsvc without its command line, and the locked packages
that its base install needs, as manylinux wheels for the Python that runs this.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from infra.deployment.deploy import Deployed, Target, deploy, upload_file
from infra.packaging import archive, bytecode
from infra.packaging.service_zip import read_yaml
from infra.paths import ROOT

EXAMPLE = Path("examples/consumer")
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_UV = Path(".venvs/uv/bin/uv")
_PLATFORM = "x86_64-manylinux2014"
# These say where and by whom it was installed, not what it is.
_INSTALLERS = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"})
_COMMAND_LINE = "configsvc_client/cli/"
"""No function runs it, and it needs the packages of an extra."""


class ConsumerError(Exception):
    """The consumer's zip could not be built."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A consumer's settings: where the service is, what it reads, and the KMS key that it trusts."""

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
            "ConfigUrl": self.url,
            "KmsEndpointUrl": self.kms_endpoint_url,
            "KmsKeyArn": self.kms_key_arn,
            "Namespaces": ",".join(self.namespaces),
            "PollSeconds": f"{self.poll_seconds:g}",
            "Runtime": RUNTIME,
        }


def build_wheel(root: Path, out: Path) -> Path:
    """Build the wheel of the project into `out`, a new folder: it is the only one there."""
    _uv(root, "build", "--wheel", "--quiet", "--out-dir", str(out))
    (wheel,) = out.glob("configsvc-*.whl")
    return wheel


def package_consumer(root: Path, out: Path) -> Path:
    """Build `out`/consumer.zip of the handler, the wheel and its locked dependencies.

    Raises:
        ConsumerError: uv failed, or what the handler imports is not in the zip.
    """
    with tempfile.TemporaryDirectory(prefix="configsvc-consumer-") as scratch:
        wheel = build_wheel(root, Path(scratch) / "wheel")
        locked = Path(scratch) / "locked.txt"
        _uv(root, "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--output-file", str(locked))
        unpacked = Path(scratch) / "unpacked"
        _install(root, unpacked, "--require-hashes", "--requirement", str(locked))
        _install(root, unpacked, str(wheel))
        files = {name: content for name, content in archive.tree(unpacked).items() if _belongs(name)}
    files["handler.py"] = (root / EXAMPLE / "handler.py").read_bytes()
    if missing := {"configsvc_client/__init__.py", "configsvc/model/__init__.py"} - files.keys():
        raise ConsumerError(f"The wheel does not bring {', '.join(sorted(missing))}.")
    out.mkdir(parents=True, exist_ok=True)
    archive.write(out / "consumer.zip", bytecode.compile_files(files))
    return out / "consumer.zip"


def deploy_consumer(target: Target, stack: str, package: Path, settings: Settings, seconds: float) -> Deployed:
    """Create or update a consumer's stack with the zip; the function is named like the stack.

    Raises:
        infra.deployment.stack.StackFailed: with the events that explain why.
    """
    code = {"CodeBucket": target.bucket, "CodeKey": upload_file(target, stack, package)}
    template = read_yaml(ROOT / EXAMPLE / "template.yaml")
    return deploy(target, stack, template, settings.parameters() | code, seconds)


def _install(root: Path, target: Path, *what: str) -> None:
    version = RUNTIME.removeprefix("python")
    where = ("--target", str(target), "--python-platform", _PLATFORM, "--python-version", version)
    _uv(root, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *where, *what)


def _belongs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    if name.startswith(_COMMAND_LINE):
        return False
    return folder != "bin" and name != ".lock" and not (folder.endswith(".dist-info") and file in _INSTALLERS)


def _uv(root: Path, *arguments: str) -> None:
    # The zip's code is compiled by infra.packaging.bytecode, so uv must not compile it as make has it do elsewhere.
    environment = {name: value for name, value in os.environ.items() if name != "UV_COMPILE_BYTECODE"}
    ran = subprocess.run(
        [root / _UV, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise ConsumerError(f"uv {' '.join(arguments[:2])} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")


def main() -> int:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "consumer"
    try:
        built = package_consumer(ROOT, out)
    except ConsumerError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{built}  {built.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
