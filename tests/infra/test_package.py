"""The real zip: what is in it, and that it is the same wherever it is built."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from chalice.constants import MISSING_DEPENDENCIES_TEMPLATE

from infra.package import Package, PackagingError, package, refusal
from tests.fixtures_package import ROOT

COPIED = (".chalice", "configsvc", "infra", "vendor")


@pytest.fixture(scope="session")
def names(built_package: Package) -> list[str]:
    with zipfile.ZipFile(built_package.zip) as archive:
        return archive.namelist()


def test_the_service_is_at_the_root_of_the_zip(names: list[str]) -> None:
    packed = {name for name in names if name.startswith("configsvc/")}
    assert packed == {f.relative_to(ROOT).as_posix() for f in (ROOT / "configsvc").rglob("*") if _is_source(f)}
    assert "app.py" in names


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def test_nothing_but_the_service_its_requirements_and_chalice_is_packed(names: list[str]) -> None:
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {
        "annotated_types", "app.py", "cachetools", "chalice", "configsvc", "jsonschema_rs", "pydantic",
        "pydantic_core", "typing_extensions.py", "typing_inspection",
    }  # fmt: skip


def test_no_bytecode_is_packed(names: list[str]) -> None:
    assert not [name for name in names if name.endswith(".pyc")]


def test_another_folder_and_environment_give_the_same_bytes(
    built_package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copied(tmp_path / "elsewhere")
    (root / "configsvc/__pycache__").mkdir(exist_ok=True)
    (root / "configsvc/__pycache__/left.cpython-311.pyc").write_bytes(b"left by an earlier run")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert package(root, tmp_path / "out").sha256 == built_package.sha256


def test_a_service_that_is_not_linked_is_refused(tmp_path: Path) -> None:
    root = copied(tmp_path / "elsewhere")
    (root / "vendor/configsvc").unlink()
    (root / "vendor/other").mkdir()
    with pytest.raises(PackagingError, match="configsvc"):
        package(root, tmp_path / "out")


def copied(root: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, symlinks=True)
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    return root


def lint(*templates: Path) -> list[str]:
    """What cfn-lint says about these templates, line by line."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), *map(str, templates)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603  # fixed arguments


def test_a_missing_wheel_is_an_error_though_chalice_goes_on() -> None:
    said = MISSING_DEPENDENCIES_TEMPLATE % "cachetools==8.0.1"
    assert "cachetools==8.0.1" in (refusal(0, said) or "")


def test_a_failing_chalice_is_an_error_that_says_what_it_said() -> None:
    assert "no such file" in (refusal(2, "no such file") or "")


def test_a_good_run_is_no_error() -> None:
    assert refusal(0, "Creating deployment package.") is None


def test_both_forms_of_the_template_are_clean(built_package: Package) -> None:
    folder = built_package.zip.parent
    assert lint(folder / "template.json", folder / "expanded.json") == []


def test_a_wrong_template_is_not_clean(built_package: Package, tmp_path: Path) -> None:
    text = (built_package.zip.parent / "expanded.json").read_text()
    (tmp_path / "wrong.json").write_text(text.replace('"PAY_PER_REQUEST"', '"PAY_LATER"'))
    assert lint(tmp_path / "wrong.json") != []
