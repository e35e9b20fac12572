"""Zips are reproducible, and a wrong one is noticed."""

import zipfile
from pathlib import Path

from infra.packaging import archive, bytecode

GOOD = {
    "app.py": b"",
    "chalice/__init__.py": b"",
    "chalice/app.py": b"",
    "configsvc/__init__.py": b"",
    "pydantic_core-2.0.dist-info/METADATA": b"",
}
PINS = "# why\npydantic-core==2.0\n"


def pack(path: Path, files: dict[str, bytes]) -> Path:
    archive.write(path, files)
    return path


def good() -> dict[str, bytes]:
    return bytecode.compile_files(GOOD)


def test_the_same_files_make_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    one = pack(tmp_path / "one.zip", {"b": b"2", "a": b"1"})
    two = pack(tmp_path / "two.zip", {"a": b"1", "b": b"2"})
    assert one.read_bytes() == two.read_bytes()


def test_other_content_makes_other_bytes(tmp_path: Path) -> None:
    assert pack(tmp_path / "1.zip", {"a": b"1"}).read_bytes() != pack(tmp_path / "2.zip", {"a": b"2"}).read_bytes()


def test_rewriting_forgets_dates_and_order(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as source:
        source.writestr(zipfile.ZipInfo("b", (2020, 1, 1, 0, 0, 0)), b"2")
        source.writestr(zipfile.ZipInfo("a", (2021, 1, 1, 0, 0, 0)), b"1")
    archive.rewrite(tmp_path / "source.zip", tmp_path / "target.zip")
    assert (tmp_path / "target.zip").read_bytes() == pack(tmp_path / "same.zip", {"a": b"1", "b": b"2"}).read_bytes()


def test_rewriting_compiles(tmp_path: Path) -> None:
    archive.rewrite(pack(tmp_path / "source.zip", {"a.py": b"x = 1"}), tmp_path / "target.zip")
    assert archive.read(tmp_path / "target.zip").keys() == {"a.py", bytecode.pyc("a.py")}


def test_a_tree_leaves_bytecode_out(tmp_path: Path) -> None:
    (tmp_path / "package/__pycache__").mkdir(parents=True)
    (tmp_path / "package/__pycache__/a.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "package/a.py").write_bytes(b"y")
    assert archive.tree(tmp_path) == {"package/a.py": b"y"}


def test_a_good_zip_has_no_faults(tmp_path: Path) -> None:
    assert archive.check_contents(pack(tmp_path / "z.zip", good()), PINS) == []


def test_a_service_that_was_silently_left_out_is_noticed(tmp_path: Path) -> None:
    files = {name: content for name, content in good().items() if not name.startswith("configsvc/")}
    assert archive.check_contents(pack(tmp_path / "z.zip", files), PINS) == ["configsvc/__init__.py is missing"]


def test_a_package_that_nobody_locked_is_noticed(tmp_path: Path) -> None:
    """pip's own configuration can name further requirements, with its own hashes."""
    files = good() | {"Evil_x-1.dist-info/METADATA": b""}
    assert archive.check_contents(pack(tmp_path / "z.zip", files), PINS) == [
        "evil_x-1.dist-info is not in requirements.txt"
    ]


def test_a_requirement_without_its_wheel_is_noticed(tmp_path: Path) -> None:
    found = archive.check_contents(pack(tmp_path / "z.zip", good()), PINS + "cachetools==8.0.1\n")
    assert found == ["cachetools==8.0.1 is missing"]


def test_another_version_than_the_pinned_one_is_noticed(tmp_path: Path) -> None:
    assert archive.check_contents(pack(tmp_path / "z.zip", good()), "pydantic-core==3.0") == [
        "pydantic-core==3.0 is missing",
        "pydantic_core-2.0.dist-info is not in requirements.txt",
    ]


def test_what_does_not_belong_is_noticed(tmp_path: Path) -> None:
    unwanted = ("boto3/data.json", "tests/data.json")
    found = archive.check_contents(pack(tmp_path / "z.zip", good() | dict.fromkeys(unwanted, b"")), PINS)
    assert found == [f"{name} does not belong here" for name in unwanted]
