"""A client that is no folder of files: the wheel as a zip on the path, a zipapp, loaders of other people's making."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipapp
import zipfile
from pathlib import Path

import pytest

from infra.consumer import build_wheel
from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import Service, run_service

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sysconfig.get_path("purelib")

READ = """
import json, os, sys
from configsvc_client import Config
from configsvc_client._transport import trust
config = Config(environ=json.loads(os.environ["CONSUMER"]), start_seconds=60)
value = config["a"]
config.close()
first = trust.Trust({})
print(json.dumps([trust.__file__, value, len(first.load_store(0).get_ca_certs()), first.load_store(1) is not None]))
"""
"""Reads over https, and prints how many roots come first and whether another store follows."""

LOADED_BY = """
import importlib.abc, importlib.util, io, sys, zipfile
files = {name: wheel.read(name) for wheel in [zipfile.ZipFile(sys.argv[1])] for name in wheel.namelist()}

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        for file, package in ((name.replace(".", "/") + "/__init__.py", True), (name.replace(".", "/") + ".py", False)):
            if file in files:
                return importlib.util.spec_from_loader(name, Loader(file), origin="packed", is_package=package)
        return None

class Loader(importlib.abc.InspectLoader):
    def __init__(self, file):
        self.file = file
    def get_source(self, name):
        return files[self.file].decode()
    def is_package(self, name):
        return self.file.endswith("/__init__.py")
    def exec_module(self, module):
        module.__file__ = "packed/" + self.file
        super().exec_module(module)

class Reader(importlib.abc.TraversableResources):
    def files(self):
        return zipfile.Path(zipfile.ZipFile(sys.argv[1]), "configsvc_client/_transport/")

sys.meta_path.insert(0, Finder())
"""
"""An importer that serves the wheel out of memory; what else its loaders can do is added."""

WITHOUT_ROOTS = {
    "cannot read": "",
    "refuses": """
def get_data(self, path):
    raise OSError("no such file")
Loader.get_data = get_data
""",
    "gives text": """
Loader.get_data = lambda self, path: files[f"configsvc_client/_transport/amazon_roots/{path[-10:]}"].decode()
""",
    "gives something else": """
Loader.get_data = lambda self, path: b"no certificate"
""",
    "names no file": """
def exec_module(self, module):
    module.__file__ = None
    exec(self.get_code(module.__name__), module.__dict__)
Loader.exec_module = exec_module
""",
}
"""Loaders that do not give the roots."""

AS_RESOURCES = """
Loader.get_resource_reader = lambda self, name: Reader()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def read(running: Service, ca: Path, *command: str) -> list[object]:
    """Returns what a fresh process reads and prints; the CA of the tests is in its default store only."""
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", *command],
        env={"PATH": os.environ["PATH"], "CONSUMER": json.dumps(running.environ), "SSL_CERT_FILE": str(ca)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: list[object] = json.loads(done.stdout)
    return found


def test_the_wheel_as_a_zip_on_the_path_brings_the_roots(wheel: Path, tmp_path: Path) -> None:
    with run_service(seal_values({"a": "1"}), make_server_context(tmp_path)) as running:
        path = f"import sys; sys.path[:0] = [{str(wheel)!r}]; sys.path.append({PACKAGES!r})"
        file, *found = read(running, tmp_path / "ca.pem", "-c", path + READ)
        assert str(file).startswith(f"{wheel}/")
        assert found == ["1", 5, True]
        assert running.api.connections == 2  # Amazon's roots first, then the default store


@pytest.mark.slow
def test_a_zipapp_brings_the_roots(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "app")
    (tmp_path / "app" / "__main__.py").write_text(f"import sys; sys.path.append({PACKAGES!r})" + READ)
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz", compressed=True)
    with run_service(seal_values({"a": "1"}), make_server_context(tmp_path)) as running:
        assert read(running, tmp_path / "ca.pem", str(tmp_path / "app.pyz"))[1:] == ["1", 5, True]


@pytest.mark.slow
@pytest.mark.parametrize("how", WITHOUT_ROOTS)
def test_without_packed_roots_the_default_store_is_used(wheel: Path, tmp_path: Path, how: str) -> None:
    with run_service(seal_values({"a": "1"}), make_server_context(tmp_path)) as running:
        script = f"import sys; sys.path.append({PACKAGES!r})" + LOADED_BY + WITHOUT_ROOTS[how] + READ
        assert read(running, tmp_path / "ca.pem", "-c", script, str(wheel))[1:] == ["1", 1, False]
        assert running.api.connections == 1


@pytest.mark.slow
def test_a_loader_that_only_has_a_reader_of_resources_gives_the_roots(wheel: Path, tmp_path: Path) -> None:
    with run_service(seal_values({"a": "1"}), make_server_context(tmp_path)) as running:
        script = f"import sys; sys.path.append({PACKAGES!r})" + LOADED_BY + AS_RESOURCES + READ
        assert read(running, tmp_path / "ca.pem", "-c", script, str(wheel))[1:] == ["1", 5, True]
