"""Installs wheels with uv for a platform, whatever computer this is; nothing is built from source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.packaging import archive
from infra.packaging.platforms import Platform
from infra.paths import ROOT

UV = ROOT / ".venvs/uv/bin/uv"
# These say where and by whom it was installed, not what it is.
_INSTALLERS = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"})
_PASSED_ON = (
    "ALL_PROXY", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "NETRC", "NO_PROXY", "PATH", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "SSL_CLIENT_CERT", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME",
    "XDG_DATA_HOME", "all_proxy", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
# Where uv finds files and how it gets there. UV_OVERRIDE would change versions, UV_NO_VERIFY_HASHES skip the hashes.
_UV_PASSED_ON = tuple(
    f"UV_{each}"
    for each in (
        "CACHE_DIR", "CONFIG_FILE", "CREDENTIALS_DIR", "DEFAULT_INDEX", "EXTRA_INDEX_URL", "FIND_LINKS", "HTTP_RETRIES",
        "HTTP_TIMEOUT", "INDEX", "INDEX_STRATEGY", "INDEX_URL", "INSECURE_HOST", "KEYRING_PROVIDER", "NATIVE_TLS",
        "NO_CACHE", "NO_CONFIG", "OFFLINE", "SYSTEM_CERTS",
    )
)  # fmt: skip
_CREDENTIALS = "UV_INDEX_"  # UV_INDEX_<NAME>_USERNAME and _PASSWORD of an index that is named


class WheelsMissing(Exception):
    """uv could not install what the zip needs."""


def install_locked(requirements: Path, platform: Platform, folder: Path, outer: Mapping[str, str]) -> dict[str, bytes]:
    """Install the wheels of a requirements file with hashes into the folder, and return the files that a zip needs.

    `outer` is the environment that says where to find packages.

    Raises:
        WheelsMissing: a wheel for the platform, or uv, is missing.
    """
    return install(("--require-hashes", "--requirement", str(requirements)), platform, folder, outer)


def install(what: tuple[str, ...], platform: Platform, folder: Path, outer: Mapping[str, str]) -> dict[str, bytes]:
    """Install what the arguments of `uv pip install` name, without dependencies. Raises WheelsMissing."""
    where = ("--target", str(folder), "--python-platform", platform.wheels, "--python-version", platform.version)
    command = ("pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--python", sys.executable)
    # Relative paths in the environment are the caller's; settings of whatever project lies there are not the zip's.
    ran = run_uv(("--project", str(folder.parent), *command, *where, *what), Path(), outer)
    if ran.returncode:
        raise WheelsMissing(
            f"uv found no wheels for {platform} that fit the locked hashes, or could not download them. No source is "
            f"built. Check the network, and docs/OPERATIONS.md on private indexes. uv said:\n{ran.stdout}{ran.stderr}"
        )
    return {name: content for name, content in archive.tree(folder).items() if _belongs(name)}


def run_uv(
    arguments: tuple[str, ...], folder: Path, outer: Mapping[str, str], uv: Path = UV
) -> subprocess.CompletedProcess[str]:
    """Run uv in the folder. Raises WheelsMissing if uv is not installed."""
    if not uv.exists():
        raise WheelsMissing("uv is missing: `make .venvs/uv/bin/uv` installs it.")
    return subprocess.run(
        [uv, *arguments], cwd=folder, env=build_environment(outer), capture_output=True, text=True, check=False
    )  # fmt: skip


def build_environment(outer: Mapping[str, str]) -> dict[str, str]:
    """Uv's environment: where packages are and how to get there, and nothing that changes what is installed."""
    kept = {name: outer[name] for name in (*_PASSED_ON, *_UV_PASSED_ON) if name in outer}
    credentials = {name: value for name, value in outer.items() if _is_credential(name)}
    return kept | credentials | {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def _is_credential(name: str) -> bool:
    return name.startswith(_CREDENTIALS) and name.endswith(("_USERNAME", "_PASSWORD"))


def _belongs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return folder != "bin" and name != ".lock" and not (folder.endswith(".dist-info") and file in _INSTALLERS)
