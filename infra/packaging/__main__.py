"""`make package`: build the zip and the templates, for a stage or for the default platform."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from infra.cloudformation import template
from infra.cloudformation.options import with_options
from infra.cloudformation.portable import with_code_parameters, with_defaults
from infra.escaping import escape_lines
from infra.packaging.platforms import find_local
from infra.packaging.report import describe_package
from infra.packaging.service_zip import PackagingError, package, write_json
from infra.paths import ROOT
from infra.stage import Function, Stage, StageError, load

_LOCAL = "local"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.packaging")
    parser.add_argument("stage", nargs="?", help="a file in infra/stages, without .toml; default: the default platform")
    parser.add_argument("--out", type=Path, help="folder to write; default: build/service, or build/STAGE")
    asked = parser.parse_args(arguments)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that nobody but AWS has
    try:
        stage = load(asked.stage) if asked.stage else None
        for line in build(stage, asked.out or ROOT / "build" / (asked.stage or "service")):
            print(line)
    except (PackagingError, StageError, template.TemplateError) as error:
        print(f"make package: {escape_lines(error)}", file=sys.stderr)
        return 1
    return 0


def build(stage: Stage | None, out: Path) -> list[str]:
    """Build the zip and the templates of the stage, or of the default platform, into `out`; returns what to print.

    Raises:
        infra.packaging.service_zip.PackagingError, infra.cloudformation.template.TemplateError: it cannot be built.
    """
    is_local = stage is not None and stage.name == _LOCAL
    platform = find_local() if is_local else (stage.function if stage else Function()).platform
    built = package(ROOT, out, platform)
    if stage:
        sam = with_defaults(with_options(built.template, stage), stage.parameters())
        expanded = template.expand(template.locate(sam, "bucket", "key", built.sha256))
        write_json(out / "template.json", sam)
        write_json(out / "expanded.json", with_code_parameters(expanded))
    return [*describe_package(built, platform), str(built.zip), str(out / "expanded.json")]


if __name__ == "__main__":
    sys.exit(main())
