"""uv installs locked wheels for the platform, and what surrounds the build cannot change them."""

import hashlib
import platform as computer
import tarfile
import tempfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest

from infra.packaging import archive, wheels
from infra.packaging.platforms import Platform
from infra.packaging.wheels import WheelsMissing, build_environment, install_locked

ARM = Platform("python3.14", "arm64")
TAGS = {
    ARM: "cp314-cp314-manylinux_2_28_aarch64",
    Platform("python3.14", "x86_64"): "cp314-cp314-manylinux_2_17_x86_64",
    Platform("python3.12", "arm64"): "cp310-abi3-manylinux_2_17_aarch64",
    Platform("python3.13", "x86_64"): "py3-none-any",
}


def make_wheel(folder: Path, tag: str) -> str:
    """A wheel of nothing, and the line of a requirements file that locks it."""
    content = {
        "nothing-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: nothing\nVersion: 1\n",
        "nothing-1.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        "nothing-1.dist-info/RECORD": b"",
        "nothing.py": tag.encode(),
    }
    made = folder / f"nothing-1-{tag}.whl"
    folder.mkdir(exist_ok=True)
    archive.write(made, content)
    return f" --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}"


def install(tmp_path: Path, hashes: str, platform: Platform) -> dict[str, bytes]:
    locked = tmp_path / "requirements.txt"
    locked.write_text(f"nothing==1{hashes}\n")
    outer = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "UV_FIND_LINKS": str(tmp_path / "index"),
        "UV_OFFLINE": "1",
    }
    return install_locked(locked, platform, tmp_path / "installed", outer)


@pytest.mark.parametrize("platform", TAGS, ids=str)
def test_the_wheel_of_the_platform_is_taken_on_any_computer(tmp_path: Path, platform: Platform) -> None:
    hashes = "".join([make_wheel(tmp_path / "index", tag) for tag in TAGS.values()])
    found = install(tmp_path, hashes, platform)["nothing.py"].decode()
    assert found in {TAGS[platform], *(tag for tag in TAGS.values() if tag == "py3-none-any" or "abi3" in tag)}
    assert found.endswith((f"_{platform.machine}", "-any"))


@pytest.mark.parametrize(
    "tag",
    [
        "cp314-cp314-manylinux_2_35_aarch64",  # Amazon Linux 2023 has glibc 2.34
        "cp314-cp314-manylinux_2_17_x86_64",
        "cp314-cp314-musllinux_1_2_aarch64",
        "cp313-cp313-manylinux_2_17_aarch64",
        "cp314-cp314t-manylinux_2_17_aarch64",
        "cp314-cp314-macosx_11_0_arm64",
        f"cp311-cp311-linux_{computer.machine()}",
    ],
)
def test_a_wheel_of_another_platform_is_refused_though_it_is_locked(tmp_path: Path, tag: str) -> None:
    hashes = make_wheel(tmp_path / "index", tag)
    with pytest.raises(WheelsMissing, match=r"(?s)no wheels for python3\.14 on arm64.*nothing"):
        install(tmp_path, hashes, ARM)


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path / "index", TAGS[ARM])
    with pytest.raises(WheelsMissing, match=r"(?s)locked hashes.*[Hh]ash"):
        install(tmp_path, " --hash=sha256:" + "0" * 64, ARM)


def test_a_requirement_without_a_hash_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path / "index", TAGS[ARM])
    with pytest.raises(WheelsMissing, match=r"(?s)no wheels.*[Hh]ash"):
        install(tmp_path, "", ARM)


def make_source(index: Path, ran: Path) -> str:
    """A source distribution whose build backend leaves a file, and its hash."""
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: nothing\nVersion: 1\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": f"open({str(ran)!r}, 'w').close()\n",
    }
    index.mkdir()
    with tarfile.open(index / "nothing-1.tar.gz", "w:gz") as packed:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"nothing-1/{name}")
            entry.size = len(text)
            packed.addfile(entry, BytesIO(text.encode()))
    return f" --hash=sha256:{hashlib.sha256((index / 'nothing-1.tar.gz').read_bytes()).hexdigest()}"


def test_a_source_is_not_built_though_it_is_locked(tmp_path: Path) -> None:
    hashes = make_source(tmp_path / "index", tmp_path / "ran")
    with pytest.raises(WheelsMissing, match=r"(?s)no wheels.*nothing"):
        install(tmp_path, hashes, ARM)
    assert not (tmp_path / "ran").exists()


def test_nothing_of_the_installer_is_kept(tmp_path: Path) -> None:
    found = install(tmp_path, make_wheel(tmp_path / "index", TAGS[ARM]), ARM)
    assert found.keys() == {"nothing.py", "nothing-1.dist-info/METADATA", "nothing-1.dist-info/WHEEL"}


@pytest.mark.parametrize(
    "variable",
    [
        "UV_NO_VERIFY_HASHES", "UV_OVERRIDE", "UV_CONSTRAINT", "UV_PYTHON", "UV_NO_BINARY", "UV_COMPILE_BYTECODE",
        "UV_PRERELEASE", "UV_INSECURE_NO_ZIP_VALIDATION", "UV_RESOLUTION", "PYTHONPATH", "VIRTUAL_ENV",
    ],
)  # fmt: skip
def test_a_variable_from_outside_changes_nothing_of_what_is_packed(variable: str) -> None:
    assert build_environment({variable: "1"}) == build_environment({})


def test_where_uv_looks_is_the_builders_to_say() -> None:
    outer = {
        "UV_DEFAULT_INDEX": "https://packages.example/simple", "UV_INDEX_INTERNAL_PASSWORD": "canary",
        "SSL_CERT_FILE": "/etc/ca.pem", "https_proxy": "http://p:1",
    }  # fmt: skip
    assert build_environment(outer).items() >= outer.items()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A private index with one project (PEP 503), and its URL."""
    files = tmp_path / "served/simple/nothing"
    files.mkdir(parents=True)
    make_wheel(files, TAGS[ARM])
    (files / "index.html").write_text("".join(f'<a href="{each.name}">{each.name}</a>' for each in files.iterdir()))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()


@pytest.mark.parametrize("setting", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "uv.toml"])
def test_a_private_index_is_used_and_pips_own_settings_are_not(tmp_path: Path, index: str, setting: str) -> None:
    locked = tmp_path / "requirements.txt"
    [made] = (tmp_path / "served").rglob("*.whl")
    locked.write_text(f"nothing==1 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n")
    outer = {
        "PATH": "/usr/bin", "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1", "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    }  # fmt: skip
    if setting == "uv.toml":
        (tmp_path / ".config/uv").mkdir(parents=True)
        (tmp_path / ".config/uv/uv.toml").write_text(f'index-url = "{index}"\n')
    else:
        outer[setting] = index
    assert "nothing.py" in install_locked(locked, ARM, tmp_path / "installed", outer)


def test_relative_paths_are_the_callers_and_settings_beside_the_caller_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab's example for uv sets UV_CACHE_DIR to .uv-cache."""
    locked = tmp_path / "build/requirements.txt"
    locked.parent.mkdir()
    locked.write_text(f"nothing==1{make_wheel(tmp_path / 'index', TAGS[ARM])}\n")
    (tmp_path / "uv.toml").write_text("no-binary = true\n")
    monkeypatch.chdir(tmp_path)
    outer = {
        "PATH": "/usr/bin", "HOME": str(tmp_path / "home"), "UV_FIND_LINKS": "index", "UV_OFFLINE": "1",
        "UV_CACHE_DIR": ".uv-cache",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        assert "nothing.py" in install_locked(locked, ARM, Path(scratch) / "installed", outer)
    assert (tmp_path / ".uv-cache").is_dir()


def test_no_interpreter_is_downloaded() -> None:
    assert build_environment({"UV_PYTHON_DOWNLOADS": "automatic"})["UV_PYTHON_DOWNLOADS"] == "never"


def test_a_missing_uv_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(WheelsMissing, match=r"uv is missing: `make \.venvs/uv/bin/uv` installs it"):
        wheels.run_uv(("--version",), tmp_path, {}, tmp_path / "uv")
