"""Expands the template of every stage for cfn-lint: `python -m infra.cloudformation.stage_templates`."""

from __future__ import annotations

import json
import logging

from infra.cloudformation import limits
from infra.cloudformation import template as templates
from infra.cloudformation.options import with_options
from infra.cloudformation.runtime import run_on
from infra.paths import ROOT, STAGES
from infra.stage import load


def main() -> None:
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that nobody but AWS has
    folder = ROOT / "build" / "service"
    finished = json.loads((folder / "template.json").read_text())
    for stage in (load(path.stem) for path in sorted(STAGES.glob("*.toml"))):
        platform = stage.function.platform
        sam = with_options(run_on(finished, platform.runtime, platform.architecture), stage)
        expanded = templates.expand(templates.locate(sam, "bucket", "key", "0" * 64))
        limits.refuse(expanded, stage.parameters())
        (folder / f"{stage.name}.json").write_text(json.dumps(expanded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
