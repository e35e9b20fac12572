"""A report on a package, as lines for a person."""

from __future__ import annotations

from infra.packaging.platforms import Platform
from infra.packaging.service_zip import Package


def describe_package(built: Package, platform: Platform) -> list[str]:
    """The platform, size and hash, and what a cold start loses if the zip has no bytecode."""
    size = built.zip.stat().st_size / 1e6
    lines = [f"packaged for {platform}: {size:.1f} MB, sha256 {built.sha256[:16]}…"]
    if built.compiled:
        return lines
    python = f"python{platform.version}"
    lines.append(
        f"No {python} was found on the PATH, so the zip has no bytecode: every cold start compiles the code, which "
        f"makes it about 1.5 times as long. Install Python {platform.version} (for example: uv python install "
        f"{platform.version}), check that `{python} --version` works, and run this again."
    )
    return lines
