"""A TypeScript client compiles strictly and reads; a Go client is generated; Spectral has no complaints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configsvc.web.routes.service import DOCUMENT
from tests.fuzz.seeds import sow
from tests.support.generators.clients import needs_generators, needs_node, run, run_openapi_generator
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import local_stage
from tests.support.journeys.texts import Texts

pytestmark = pytest.mark.slow

_READS = """
import { Configuration, SnapshotApi, WhoamiApi, ResponseError } from "./client/index.js";
declare const process: { env: Record<string, string> };
const made = new Configuration({ basePath: process.env.URL, apiKey: process.env.KEY });
const who = await new WhoamiApi(made).whoami();
console.log(who.apiKey.principal, who.iam?.arn ?? "unsigned");
const snapshot = await new SnapshotApi(made).getSnapshot({ namespace: "payments.prod" });
const revision: number = snapshot.revision;
console.log(revision, ...snapshot.entries.map((each) => `${each.key}=${each.value}`));
try {
  await new SnapshotApi(made).getSnapshot({ namespace: "absent.prod" });
} catch (error) {
  if (error instanceof ResponseError) console.log(error.response.status, (await error.response.json()).code);
}
"""
_COMPILER = {
    "compilerOptions": {
        "target": "es2022", "module": "nodenext", "lib": ["es2022", "dom"], "strict": True, "outDir": "out",
        "types": [], "rootDir": ".",
    },
    "include": ["client/**/*.ts", "reads.ts"],
}  # fmt: skip


def test_typescript_client_compiles_and_reads(tmp_path: Path) -> None:
    needs_generators()
    compiler = needs_node("tsc")
    folder = tmp_path / "client"
    folder.mkdir()
    assert run_openapi_generator("typescript-fetch", folder, "-p", "importFileExtension=.js") == []
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps(_COMPILER))
    (tmp_path / "reads.ts").write_text(_READS)
    run(compiler, "-p", "tsconfig.json", cwd=tmp_path)
    with local_stage(Texts()) as stage:
        sow(Api(stage.url, stage.region), stage)
        read = run("node", "out/reads.js", cwd=tmp_path, URL=stage.url, KEY=stage.admin.api_key).splitlines()
    assert read == [
        f"api-key:{stage.admin.api_key_id} unsigned",
        "4 db.pool=sown db.url=sown feature.x=sown",
        "404 not_found",
    ]


def test_go_client_is_generated_with_64_bit_revisions(tmp_path: Path) -> None:
    needs_generators()
    assert run_openapi_generator("go", tmp_path) == []
    assert 'Revision int64 `json:"revision"`' in (tmp_path / "model_snapshot.go").read_text()


def test_generators_fail_on_a_null_only_member(tmp_path: Path) -> None:
    """Shows that the check works: a document with such a member does not generate."""
    needs_generators()
    broken = json.loads(DOCUMENT.read_text())
    broken["components"]["schemas"]["Whoami"]["properties"]["iam"] = {"type": "null"}
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    with pytest.raises(AssertionError, match="null"):
        run_openapi_generator("python", tmp_path, document=tmp_path / "broken.json")


def test_spectral_finds_nothing(tmp_path: Path) -> None:
    spectral = needs_node("spectral")
    (tmp_path / "rules.yaml").write_text('extends: ["spectral:oas"]\n')
    said = run(spectral, "lint", DOCUMENT, "-r", "rules.yaml", "--fail-severity", "hint", cwd=tmp_path)
    assert "No results with a severity of 'hint' or higher found!" in said
