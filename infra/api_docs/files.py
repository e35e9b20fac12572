"""The generated files."""

from __future__ import annotations

import json
from pathlib import Path

from configsvc.bootstrap import app
from configsvc.web.routes.service import DOCUMENT
from infra.api_docs.document import build_document, build_problem_examples
from infra.api_docs.page import render_page
from infra.cloudformation.gateway_responses import PROBLEMS
from infra.paths import ROOT

PAGE = ROOT / "docs" / "API.md"


def render_files() -> dict[Path, str]:
    """Renders each file that is generated from the code."""
    made = build_document(app.described)
    return {
        DOCUMENT: json.dumps(made, indent=1, ensure_ascii=False) + "\n",
        PAGE: render_page(made, build_problem_examples(), PROBLEMS),
    }
