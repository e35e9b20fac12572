"""The real zip: what is in it, and that it is the same wherever it is built."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.packaging.platforms import find_local
from infra.packaging.service_zip import Package, PackagingError, package
from local.runtime.function import PYTHON
from tests.support.fixtures.package import ROOT

COPIED = (".chalice", "configsvc", "infra", "vendor")
ZIP_BYTES = 11_000_000  # 10.1 MB of it today, 6 of them jsonschema-rs
UNPACKED_BYTES = 30_000_000  # 26.3 MB today; Lambda takes 250 MB
MODULES = 68  # 67 today


@pytest.fixture(scope="session")
def names(built_package: Package) -> list[str]:
    with zipfile.ZipFile(built_package.zip) as archive:
        return archive.namelist()


def test_the_service_is_at_the_root_of_the_zip(names: list[str]) -> None:
    packed = {name for name in names if name.startswith("configsvc/") and not name.endswith(".pyc")}
    assert packed == {f.relative_to(ROOT).as_posix() for f in (ROOT / "configsvc").rglob("*") if _is_source(f)}
    assert "app.py" in names


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def test_nothing_but_the_service_its_requirements_and_chalice_is_packed(names: list[str]) -> None:
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {
        "__pycache__", "annotated_types", "app.py", "cachetools", "chalice", "configsvc", "jsonschema_rs",
        "pydantic", "pydantic_core", "typing_extensions.py", "typing_inspection",
    }  # fmt: skip


def test_the_zip_keeps_its_budget(built_package: Package) -> None:
    """Lambda loads it at each cold start; a new dependency or a model of all of AWS shows here."""
    with zipfile.ZipFile(built_package.zip) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert built_package.zip.stat().st_size <= ZIP_BYTES
    assert unpacked <= UNPACKED_BYTES


def test_the_code_loads_without_being_compiled(built_package: Package, tmp_path: Path) -> None:
    """Its sources are made unreadable for Python, with another date and size; what runs is what was compiled."""
    with zipfile.ZipFile(built_package.zip) as archive:
        archive.extractall(tmp_path)
    for source in tmp_path.rglob("*.py"):
        source.write_text("this is no Python (")
    ran = subprocess.run(
        [PYTHON, "-P", "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import app; print(app.app)"],
        env={"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "configsvc" in ran.stdout, ran.stderr


def test_importing_the_service_loads_few_modules_of_the_zip(built_package: Package, tmp_path: Path) -> None:
    """The bench measures init time; this test counts what costs it."""
    with zipfile.ZipFile(built_package.zip) as archive:
        archive.extractall(tmp_path)
    counted = f"sum(1 for m in sys.modules.values() if str(getattr(m, '__file__', '')).startswith({str(tmp_path)!r}))"
    ran = subprocess.run(
        [PYTHON, "-P", "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import app; print({counted})"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert 0 < int(ran.stdout) <= MODULES


@pytest.mark.slow
def test_another_folder_user_and_environment_give_the_same_bytes(
    built_package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy_project(tmp_path / "elsewhere")
    (root / "configsvc/__pycache__").mkdir(exist_ok=True)
    (root / "configsvc/__pycache__/left.cpython-311.pyc").write_bytes(b"left by an earlier run")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    before = os.umask(0o077)
    try:
        assert package(root, tmp_path / "out", find_local()).sha256 == built_package.sha256
    finally:
        os.umask(before)


@pytest.mark.slow
def test_a_service_that_is_not_linked_is_refused(tmp_path: Path) -> None:
    root = copy_project(tmp_path / "elsewhere")
    (root / "vendor/configsvc").unlink()
    (root / "vendor/other").mkdir()
    with pytest.raises(PackagingError, match="configsvc"):
        package(root, tmp_path / "out", find_local())


@pytest.mark.slow
def test_a_package_that_uv_cannot_get_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    first = (ROOT / "requirements.txt").read_text().split("==")[0].rpartition("\n")[2]
    with pytest.raises(PackagingError, match=f"(?s)no wheels for {find_local()}.*{first}") as raised:
        package(ROOT, tmp_path / "out", find_local())
    assert "OPERATIONS" in str(raised.value)


@pytest.mark.slow
def test_a_failing_chalice_is_an_error_that_says_what_it_said(tmp_path: Path) -> None:
    root = copy_project(tmp_path / "elsewhere")
    (root / ".chalice/config.json").write_text("{")
    with pytest.raises(PackagingError, match="chalice package ended with"):
        package(root, tmp_path / "out", find_local())


def copy_project(root: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, symlinks=True)
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    return root


def lint(*templates: Path) -> list[str]:
    """Return the lines that cfn-lint prints for these templates."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), *map(str, templates)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # fixed arguments


@pytest.mark.slow
def test_both_forms_of_the_template_are_clean(built_package: Package) -> None:
    folder = built_package.zip.parent
    assert lint(folder / "template.json", folder / "expanded.json") == []


@pytest.mark.slow
def test_a_wrong_template_is_not_clean(built_package: Package, tmp_path: Path) -> None:
    text = (built_package.zip.parent / "expanded.json").read_text()
    (tmp_path / "wrong.json").write_text(text.replace('"PAY_PER_REQUEST"', '"PAY_LATER"'))
    assert lint(tmp_path / "wrong.json") != []
