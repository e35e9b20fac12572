"""Expands the template of every stage for cfn-lint: `python -m infra.cloudformation.stage_templates`."""

from __future__ import annotations

import json
import logging
import sys

from infra.cloudformation import limits
from infra.cloudformation import template as templates
from infra.cloudformation.options import with_options
from infra.cloudformation.runtime import run_on
from infra.escaping import escape_lines
from infra.paths import ROOT, STAGES
from infra.stage import Stage, StageError, load_unfinished


def main() -> int:
    """Write build/service/STAGE.json for each stage; 1 after an error message."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that nobody but AWS has
    folder = ROOT / "build" / "service"
    finished = json.loads((folder / "template.json").read_text())
    for path in sorted(STAGES.glob("*.toml")):
        try:
            expanded = expand_stage(finished, load_unfinished(path.stem))
        except (StageError, templates.TemplateError) as error:
            print(f"{path.relative_to(ROOT)}: {escape_lines(error)}", file=sys.stderr)
            return 1
        (folder / f"{path.stem}.json").write_text(json.dumps(expanded, indent=1, sort_keys=True) + "\n")
    return 0


def expand_stage(finished: templates.Template, stage: Stage) -> templates.Template:
    """The finished template as the stage's stack has it, with placeholders for the code."""
    platform = stage.function.platform
    sam = with_options(run_on(finished, platform.runtime, platform.architecture), stage)
    expanded = templates.expand(templates.locate(sam, "bucket", "key", "0" * 64))
    limits.refuse(expanded, stage.parameters())
    return expanded


if __name__ == "__main__":
    sys.exit(main())
