"""Zips are reproducible, and a wrong one is noticed."""

from pathlib import Path

from infra.packaging import archive, bytecode
from infra.packaging.interpreters import find_interpreter
from infra.packaging.platforms import find_local

HERE = find_local()
OURS = find_interpreter(HERE.version, "")
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
    return bytecode.compile_files(GOOD, OURS)


def check(path: Path, files: dict[str, bytes], requirements: str = PINS) -> list[str]:
    return archive.check_contents(pack(path / "z.zip", files), requirements, HERE, OURS)


def test_the_same_files_make_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    one = pack(tmp_path / "one.zip", {"b": b"2", "a": b"1"})
    two = pack(tmp_path / "two.zip", {"a": b"1", "b": b"2"})
    assert one.read_bytes() == two.read_bytes()


def test_other_content_makes_other_bytes(tmp_path: Path) -> None:
    assert pack(tmp_path / "1.zip", {"a": b"1"}).read_bytes() != pack(tmp_path / "2.zip", {"a": b"2"}).read_bytes()


def test_a_tree_leaves_bytecode_out(tmp_path: Path) -> None:
    (tmp_path / "package/__pycache__").mkdir(parents=True)
    (tmp_path / "package/__pycache__/a.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "package/a.py").write_bytes(b"y")
    assert archive.tree(tmp_path) == {"package/a.py": b"y"}


def test_a_good_zip_has_no_faults(tmp_path: Path) -> None:
    assert check(tmp_path, good()) == []


def test_a_service_that_was_silently_left_out_is_noticed(tmp_path: Path) -> None:
    files = {name: content for name, content in good().items() if not name.startswith("configsvc/")}
    assert check(tmp_path, files) == ["configsvc/__init__.py is missing"]


def test_a_package_that_nobody_locked_is_noticed(tmp_path: Path) -> None:
    """pip's own configuration can name further requirements, with its own hashes."""
    files = good() | {"Evil_x-1.dist-info/METADATA": b""}
    assert check(tmp_path, files) == ["evil_x-1.dist-info is not in requirements.txt"]


def test_a_requirement_without_its_wheel_is_noticed(tmp_path: Path) -> None:
    found = check(tmp_path, good(), PINS + "cachetools==8.0.1\n")
    assert found == ["cachetools==8.0.1 is missing"]


def test_another_version_than_the_pinned_one_is_noticed(tmp_path: Path) -> None:
    assert check(tmp_path, good(), "pydantic-core==3.0") == [
        "pydantic-core==3.0 is missing",
        "pydantic_core-2.0.dist-info is not in requirements.txt",
    ]


def test_what_does_not_belong_is_noticed(tmp_path: Path) -> None:
    unwanted = ("boto3/data.json", "tests/data.json")
    found = check(tmp_path, good() | dict.fromkeys(unwanted, b""))
    assert found == [f"{name} does not belong here" for name in unwanted]


def test_an_extension_of_another_architecture_is_noticed(tmp_path: Path) -> None:
    other = "aarch64" if HERE.machine == "x86_64" else "x86_64"
    number = {"x86_64": 62, "aarch64": 183}[other]
    extension = b"\x7fELF" + bytes(14) + number.to_bytes(2, "little")
    assert check(tmp_path, good() | {"x.abi3.so": extension}) == [f"x.abi3.so is for {other}, not {HERE.architecture}"]
