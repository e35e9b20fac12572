"""The example consumer: what its role may do, and what its zip brings."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.consumer import EXAMPLE, Settings, package_consumer
from infra.packaging import archive, bytecode
from infra.packaging.interpreters import find_interpreter
from infra.packaging.platforms import Platform, find_local
from infra.packaging.service_zip import read_yaml
from infra.stage import Function
from tests.support.fixtures.package import ROOT

TEMPLATE = read_yaml(ROOT / EXAMPLE / "template.yaml")
SETTINGS = Settings(
    platform=Platform("python3.14", "arm64"),
    url="https://api",
    api_key="canary-key",
    namespaces=("a", "b"),
    kms_key_arn="arn:k",
    poll_seconds=2,
)


def statements() -> list[dict[str, Any]]:
    [policy] = TEMPLATE["Resources"]["Role"]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_its_role_opens_its_namespaces_writes_its_log_and_nothing_else() -> None:
    opens, logs = statements()
    assert opens["Action"] == "kms:Decrypt"
    assert opens["Resource"] == {"Ref": "KmsKeyArn"}
    assert opens["Condition"] == {"StringEquals": {"kms:EncryptionContext:configsvc:namespace": {"Ref": "Namespaces"}}}
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert logs["Resource"] == {"Fn::GetAtt": ["LogGroup", "Arn"]}


def test_its_api_key_is_not_echoed() -> None:
    assert TEMPLATE["Parameters"]["ApiKey"]["NoEcho"] is True
    assert "canary-key" not in repr(SETTINGS)


def test_it_pins_the_kms_key() -> None:
    variables = TEMPLATE["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    assert variables["CONFIGSVC_KMS_KEYS"] == {"Ref": "KmsKeyArn"}


def test_the_template_has_a_parameter_for_every_setting() -> None:
    assert SETTINGS.parameters().keys() | {"CodeBucket", "CodeKey"} == TEMPLATE["Parameters"].keys()
    assert SETTINGS.parameters()["Namespaces"] == "a,b"
    assert SETTINGS.parameters()["PollSeconds"] == "2"


def test_its_function_runs_where_its_packages_do() -> None:
    function, parameters = TEMPLATE["Resources"]["Function"]["Properties"], TEMPLATE["Parameters"]
    assert function["Runtime"] == {"Ref": "Runtime"}
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    assert Platform(parameters["Runtime"]["Default"], parameters["Architecture"]["Default"]) == Function().platform
    assert {"Runtime": "python3.14", "Architecture": "arm64"}.items() <= SETTINGS.parameters().items()


def test_no_principal_is_everyone() -> None:
    assert '"*"' not in json.dumps(TEMPLATE)


@pytest.fixture(scope="session")
def names(consumer_zip: Path) -> set[str]:
    return set(archive.read(consumer_zip))


def test_its_zip_brings_handler_client_and_locked_packages(names: set[str]) -> None:
    assert {"handler.py", "configsvc_client/__init__.py", "configsvc/model/__init__.py"} <= names
    packages = {name.split("-")[0] for name in names if name.split("/")[0].endswith(".dist-info")}
    assert packages == {"cffi", "configsvc", "cryptography", "httptools", "pycparser"}


def test_its_zip_brings_the_whole_client_but_the_command_line(names: set[str]) -> None:
    source = ROOT / "client/configsvc_client"
    files = {path.relative_to(ROOT / "client").as_posix() for path in source.rglob("*") if path.is_file()}
    cli = {name for name in files if name.startswith("configsvc_client/cli/")}
    assert {name for name in files - cli if "__pycache__" not in name} <= names
    assert not [name for name in names if name.startswith("configsvc_client/cli/")]


def test_its_code_is_compiled(consumer_zip: Path) -> None:
    files, ours = archive.read(consumer_zip), find_interpreter(find_local().version, "")
    assert ours
    assert bytecode.pyc("configsvc_client/__init__.py", ours.cache_tag) in files
    assert bytecode.faults(files, ours) == []


def test_its_zip_tells_nothing_of_where_it_was_built(names: set[str], consumer_zip: Path) -> None:
    assert not [name for name in names if name.endswith(("direct_url.json", "RECORD"))]
    assert not [name for name in names if name.startswith("bin/")]
    assert not [name for name, content in archive.read(consumer_zip).items() if str(ROOT).encode() in content]


@pytest.mark.slow
def test_its_zip_is_the_same_twice_whatever_make_says_to_uv(
    consumer_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_COMPILE_BYTECODE", "1")
    assert package_consumer(ROOT, tmp_path, find_local()).read_bytes() == consumer_zip.read_bytes()


@pytest.mark.slow
def test_the_canary_is_packed_with_its_own_handler(tmp_path: Path) -> None:
    packed = package_consumer(ROOT, tmp_path, find_local(), Path("examples/canary"))

    assert packed.name == "canary.zip"
    assert archive.read(packed)["handler.py"] == (ROOT / "examples/canary/handler.py").read_bytes()
