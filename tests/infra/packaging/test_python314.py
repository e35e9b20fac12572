"""CPython 3.14 compiles the zip for python3.14 on ARM, and runs what it compiled, on a computer that has neither."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packaging import archive, bytecode
from infra.packaging.interpreters import Interpreter, find_interpreter
from infra.packaging.platforms import Platform
from infra.packaging.service_zip import Package, package
from local.runtime.function import PYTHON
from tests.support.fixtures.package import ROOT
from tests.support.packaging.cpython314 import put_on_path, require_cpython314, run_cpython314
from tests.support.web.events import build_event

pytestmark = pytest.mark.slow

ARM = Platform("python3.14", "arm64")
MAGIC = (3627).to_bytes(2, "little") + b"\r\n"  # of 3.14 (CPython, Include/internal/pycore_magic_number.h)
[PACKAGES] = (PYTHON.parent.parent / "lib").glob("python*/site-packages")
VARIABLES = {
    "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.14", "CONFIGSVC_TABLE": "packed",
    "CONFIGSVC_ADMINS": "", "CONFIGSVC_PROOF_SHA256": "0" * 64,
}  # fmt: skip


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interpreter]:
    require_cpython314()
    with pytest.MonkeyPatch.context() as patch:
        path = put_on_path(tmp_path_factory.mktemp("found") / "bin")
        patch.setenv("PATH", path)
        found = find_interpreter("3.14", path)
        assert found
        yield found


@pytest.fixture(scope="module")
def built(compiler: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Package:
    assert compiler.cache_tag == "cpython-314"
    return package(ROOT, tmp_path_factory.mktemp("built"), ARM)


@pytest.fixture(scope="module")
def unreadable(built: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip unpacked, its sources no longer Python: what runs was compiled."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(built.zip) as packed:
        packed.extractall(folder)
    for source in folder.rglob("*.py"):
        source.write_text("this is no Python (")
    return folder


def test_the_code_is_compiled_for_the_runtime_and_not_for_the_packager(built: Package, compiler: Interpreter) -> None:
    files = archive.read(built.zip)
    compiled = {name: content for name, content in files.items() if name.endswith(".pyc")}

    assert built.compiled
    assert {name.rsplit(".", 2)[1] for name in compiled} == {"cpython-314"}
    assert {content[:4] for content in compiled.values()} == {compiler.magic} == {MAGIC}
    assert bytecode.faults(files, compiler) == []


def test_the_same_platform_gives_the_same_bytes_again(built: Package, compiler: Interpreter, tmp_path: Path) -> None:
    assert compiler
    assert package(ROOT, tmp_path, ARM).sha256 == built.sha256


SERVE = """
import json, sys
import app
answer = app.app(json.loads(sys.argv[1]), None)
print(json.dumps({"version": sys.version_info[:2], "status": answer["statusCode"], "body": answer["body"]}))
"""


def test_the_service_starts_and_answers_under_it_without_a_warning(unreadable: Path) -> None:
    event = json.dumps(build_event("GET", "/v1/health"))
    ran = run_cpython314(SERVE, event, folders=(unreadable, PACKAGES), variables=VARIABLES)

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert (said["version"], said["status"]) == ([3, 14], 200)


COMPILE = """
import pathlib, sys
faults = []
for source in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    try:
        compile(source.read_bytes(), source, "exec")
    except SyntaxError as error:
        faults.append(f"{source}: {error}")
print(*faults, sep="\\n")
sys.exit(bool(faults))
"""


def test_no_source_of_the_zip_warns_when_it_is_compiled(built: Package, tmp_path: Path) -> None:
    """3.14 warns of `return` in `finally` (PEP 765), and later versions refuse escapes such as `\\d` in plain text."""
    with zipfile.ZipFile(built.zip) as packed:
        packed.extractall(tmp_path)
    ran = run_cpython314(COMPILE, str(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_source_that_warns_would_be_noticed(tmp_path: Path) -> None:
    require_cpython314()
    (tmp_path / "a.py").write_text("def f():\n    try:\n        pass\n    finally:\n        return 1\n")
    ran = run_cpython314(COMPILE, str(tmp_path))

    assert ran.returncode == 1
    assert "'return' in a 'finally' block" in ran.stdout
