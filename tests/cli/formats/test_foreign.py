"""Containers of other tools: each is refused with a command that imports its content."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.foreign import SHAPES, ForeignSource, recognize
from configsvc_client.cli.formats import guess_format
from configsvc_client.cli.values.loading import load_rows
from configsvc_client.cli.values.renaming import AS_IN_THE_FILE, Shaping
from tests.support.cli.containers import JSON_FILES, PARAMETER
from tests.support.cli.shell import Shell

CANARY = "canary-90be"
JQ = shutil.which("jq")


_STUB = r"""#!/bin/sh
printf '%s\0' "$@" > args; cat > stdin
"""


def _source(name: str, wanted: str | None = None) -> ForeignSource:
    return ForeignSource(name, wanted or guess_format(name), guessed=wanted is None)


def _run(folder: Path, commands: dict[str, str]) -> None:
    """Runs each command in its folder, where `configsvc` keeps its arguments and its input."""
    stub = folder / "bin" / "configsvc"
    stub.parent.mkdir()
    stub.write_text(_STUB)
    stub.chmod(0o700)
    script = "set -o pipefail\n" + "".join(
        f"(cd {name} && {command}) || exit 1\n" for name, command in commands.items()
    )
    path = f"{stub.parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        [shutil.which("bash") or "/bin/bash", "-c", script],
        cwd=folder, env={"PATH": path, "KUBECONFIG": "none"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _imported(folder: Path) -> dict[str, object]:
    """The rows that the advised command would import."""
    arguments = (folder / "args").read_text().split("\0")[:-1]
    content = (folder / "stdin").read_bytes()
    if arguments[:3] == ["put", "KEY", "-"]:
        assert arguments[3:] == ["--binary" if folder.name == "secrets-manager-bytes" else "--exact"]
        return {"put": content.decode()}
    assert arguments[:2] == ["import", "-f"]
    assert arguments[-1] == "-"
    given = list(zip(arguments[3:-1:2], arguments[4:-1:2], strict=True))
    prefixes = [value for option, value in given if option == "--strip-prefix"]
    separators = [value for option, value in given if option == "--separator"]
    assert len(given) == len(prefixes) + len(separators)
    rows = load_rows("-", content, arguments[2], Shaping(prefixes=prefixes, separators=separators), "x").rows
    return {row.key: row.data if row.content_type == "application/octet-stream" else row.data.decode() for row in rows}


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_the_command_imports_what_each_container_holds(tmp_path: Path) -> None:
    commands = {}
    for name, (content, _) in JSON_FILES.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "the file.json").write_text(json.dumps(content, indent=2))
        found = recognize((folder / "the file.json").read_bytes(), _source("the file.json"))
        assert found, name
        assert found.own_keys, name
        (commands[name],) = found.commands
    _run(tmp_path, commands)
    for name, (_, expected) in JSON_FILES.items():
        assert _imported(tmp_path / name) == expected, name


def test_each_shape_of_the_table_has_a_file_here() -> None:
    known = set()
    for content, _ in JSON_FILES.values():
        known |= {shape.extract.__name__ for shape in SHAPES if shape.extract(content)}
    assert known == {shape.extract.__name__ for shape in SHAPES}
    for shape in SHAPES:
        texts = [json.dumps(content) for content, _ in JSON_FILES.values() if shape.extract(content)]
        assert any(all(word in text for word in shape.words) for text in texts), shape.what


def test_containers_in_yaml_and_on_stdin_are_piped_from_their_tool() -> None:
    found = recognize(b"Parameters:\n- Name: /a/b\n  Type: String\n  Value: x\n", _source("ssm.yaml"))
    assert found
    assert " ".join(found.commands) == (
        "aws ssm get-parameters-by-path --path PATH --recursive --with-decryption --output json "
        "| jq '.Parameters | from_entries' | configsvc import -f json --strip-prefix /a/ -"
    )
    stdin = recognize(json.dumps(JSON_FILES["vault-kv2"][0]).encode(), ForeignSource(None, "json", guessed=False))
    assert stdin
    assert stdin.commands == ("vault kv get -format=json PATH | jq .data.data | configsvc import -f json -",)


def test_missing_or_still_encrypted_values_are_reported() -> None:
    sealed = {"Parameters": [{**PARAMETER, "Value": "AQICAHhabc"}]}
    without = {"Parameters": [{"Name": "/a", "Type": "String"}]}
    for content, told in ((sealed, "--with-decryption"), (without, "has no values")):
        found = recognize(json.dumps(content).encode(), _source("a.json"))
        assert found
        assert told in found.advice
    twice = recognize(b'[{"name":"a","value":"1"},{"name":"a","value":"2"}]', _source("a.json"))
    assert twice
    assert "twice" in twice.advice


SOPS_INI = "sops -d --output-type json s.ini | configsvc import -f json --flatten -"
COMPOSE = (
    'docker compose -f compose.yaml config --format json | jq \'.services["web"].environment // {} '
    "| with_entries(select(.value != null))' | configsvc import -f json -"
)
_SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: prod}\ndata: {a: eA==}\n"
_LIST = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}, data: {a: eA==}}\n"
_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: x, num: '1.10'}\nbinaryData: {b: AP8=}\n"


@pytest.mark.skipif(not (JQ and shutil.which("kubectl")), reason="jq or kubectl is not installed")
def test_objects_of_kubernetes_are_imported_by_the_command(tmp_path: Path) -> None:
    as_json = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d"}, "data": {"a": "eA=="}}
    other = as_json | {"metadata": {"name": "e"}}
    cases: dict[str, tuple[str, str | None, dict[str, object]]] = {
        "two.yaml": (_SECRET % "a" + "---\n" + _SECRET % "b", None, {"a": "x"}),
        "mixed.yaml": (_MAP + "---\n" + _SECRET % "b", None, {"a": "x"}),
        "list.yaml": (_LIST, None, {"a": "x"}),
        "list2.yaml": (_LIST, "k8s-secret", {"a": "x"}),
        "list.json": (json.dumps({"apiVersion": "v1", "kind": "List", "items": [as_json, other]}), None, {"a": "x"}),
        "map.yaml": (_MAP, None, {"a": "x", "num": "1.10", "b": b"\x00\xff"}),
        "map2.yaml": (_MAP, "k8s-secret", {"a": "x", "num": "1.10", "b": b"\x00\xff"}),
    }
    commands = {}
    for name, (text, wanted, _) in cases.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
        found = recognize(text.encode(), _source(name, wanted))
        assert found
        commands[name] = found.commands[-1]
    _run(tmp_path, commands)
    assert {name: _imported(tmp_path / name) for name in cases} == {name: each for name, (_, _, each) in cases.items()}


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("s.yaml", _SECRET % "a", "configsvc import -f k8s-secret s.yaml"),
        ("a b.json", '{"apiVersion": "v1", "kind": "Secret", "data": {}}', "configsvc import -f k8s-secret 'a b.json'"),
        (
            "x.yaml",
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: shop, namespace: prod}\n",
            "kubectl get secret -n prod shop -o json | configsvc import -f k8s-secret -",
        ),
        (
            "x.yaml",
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: shop}\nspec: !x {a: b}\n",
            "kubectl get secret shop -o json | configsvc import -f k8s-secret -",
        ),
        (
            "s.yaml",
            "a: ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\n",
            "sops -d s.yaml | configsvc import -f yaml -",
        ),
        ("s.yaml", "a: x\nsops:\n  mac: y\n  lastmodified: z\n", "sops -d s.yaml | configsvc import -f yaml -"),
        ("s.json", '{"a": "ENC[AES256_GCM,data:,iv:a,tag:b,type:int]"}', "sops -d s.json | configsvc import -f json -"),
        (
            ".env.production",
            "A=ENC[AES256_GCM,data:a,iv:a,tag:b,type:str]\nsops_mac=x\n",
            "sops -d --input-type dotenv --output-type dotenv .env.production | configsvc import -f dotenv -",
        ),
        (
            "secrets.txt",
            '{\n\t"data": "ENC[AES256_GCM,data:a,iv:a,tag:b,type:str]",\n\t"sops": {"mac": "x"}\n}',
            "sops -d secrets.txt | configsvc import -f dotenv -",
        ),
        ("s.env", "A=ENC[AES256_GCM,data:a,iv:a,tag:b,type:str]\n", "sops -d s.env | configsvc import -f dotenv -"),
        (
            "s.toml",
            "a = 'ENC[AES256_GCM,data:a,iv:a,tag:b,type:str]'\n",
            "sops -d --output-type json s.toml | configsvc import -f json --flatten -",
        ),
        ("v.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "ansible-vault view v.yml | configsvc import -f yaml -"),
        ("v.yml.gpg", "-----BEGIN PGP MESSAGE-----\n\nx\n", "gpg -d v.yml.gpg | configsvc import -f yaml -"),
        ("v.env.age", "age-encryption.org/v1\n-> X", "age -d -i IDENTITY v.env.age | configsvc import -f dotenv -"),
        ("v.json.gz", "\x1f\x8b\x08", "gunzip -c v.json.gz | configsvc import -f json -"),
        (
            "a.env",
            'DOTENV_PUBLIC_KEY="02ab"\n\nA=encrypted:BD\n',
            "dotenvx decrypt --stdout -f a.env | configsvc import -f dotenv -",
        ),
        (
            "a.eyaml",
            "a: >\n  x\nb: ENC[PKCS7,MIIBeQYJKoZIhvcNAQc]\n",
            "eyaml decrypt -e a.eyaml | configsvc import -f dotenv -",
        ),
        (
            "a.json",
            f'{{"_public_key": "ab", "a": "EJ[1:{"A" * 30}:{"B" * 30}:{"C" * 30}]"}}',
            "ejson decrypt a.json | jq 'del(._public_key)' | configsvc import -f json -",
        ),
        ("s.ini", "[a]\nb = ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]\n", SOPS_INI),
        ("-x.gz", "\x1f\x8b\x08", "gunzip -c ./-x.gz | configsvc import -f dotenv -"),
        ("tls.pem", "-----BEGIN PRIVATE KEY-----\n", "configsvc put KEY @tls.pem"),
        ("a.env", '{"a": "1"}', "configsvc import -f json a.env"),
        (
            "compose.yaml",
            "services:\n  db: {image: x}\n  web: {build: ., environment: [A=1]}\nx-a: 1\n",
            COMPOSE,
        ),
    ],
)
def test_files_for_other_tools_are_piped_through_them(name: str, text: str, command: str) -> None:
    found = recognize(text.encode("latin-1"), _source(name))
    assert found
    assert found.commands == (command,)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": "ENC[AES256_GCM,data:,iv:a,tag:b,type:int]"}', "json"),
        ("a:\n  b: ENC[AES256_GCM,data:,iv:a,tag:b,type:int]\n", "yaml"),
        ("A=ENC[AES256_GCM,data:,iv:a,tag:b,type:int]\n", "dotenv"),
    ],
)
def test_what_sops_has_encrypted_is_known_on_stdin(text: str, wanted: str) -> None:
    found = recognize(text.encode(), ForeignSource(None, "dotenv"))
    assert found
    assert found.commands == (f"sops -d FILE | configsvc import -f {wanted} -",)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.yaml", b"\0GITCRYPT\0abc", "git-crypt"),
        ("a.csv", b"PK\x03\x04abc", "a zip archive or a spreadsheet"),
        ("a.csv", "\ufeffKey;Value".encode("utf-16"), "UTF-16"),
        ("a.csv", "Key;Value".encode("utf-16-le"), "UTF-16"),
        ("a.env", b"\x7fELF\0\xff", "a binary file"),
        ("a.env", b"\n <!DOCTYPE html><html>", "an HTML page"),
        ("a", b"<?xml version='1.0'?>", "XML"),
        ("a.ini", b"[a]\nb=c\n", "INI"),
        ("a.conf", b"a = b\n", "INI), judging by its name"),
        ("credentials", b"\n# c\n[default]\r\naws_access_key_id = x\n", "INI"),
        ("a.tfvars", b'a = "b"\n', "Terraform"),
        ("a.jsonl", b"{}\n{}\n", "JSON lines"),
        ("a.yml", b"a: b\nc: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\n", "ansible-vault"),
        ("a.properties", b"db.password = ENC(" + b"ab" * 12 + b"==)\n", "Jasypt"),
        ("a.yml", b"db:\n  password: 'ENC(" + b"ab" * 12 + b")'\n", "Jasypt"),
        (".env.vault", b'#/ x\nDOTENV_VAULT_PRODUCTION="' + b"aB+/" * 20 + b'"\n', "dotenv-vault"),
        ("Pulumi.prod.yaml", b"config:\n  shop:db:\n    secure: AAABANvxabcd1234==\n", "Pulumi"),
        ("Pulumi.yaml", b"config:\n  shop:db:\n    secure: v1:abcd1234abcd:abcd==\n", "Pulumi"),
        ("a.yml", b"a: '{cipher}" + b"ab" * 20 + b"'\n", "Spring Cloud Config"),
    ],
)
def test_files_that_nothing_imports_are_named(name: str, content: bytes, what: str) -> None:
    found = recognize(content, _source(name))
    assert found
    assert what in found.what


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", {"data": {"data": {"a": "1"}}, "metadata": {"version": 1}, "request_id": 7}),
        ("a.json", {"data": {"a": "1"}, "metadata": {"version": 3}}),
        ("a.json", {"sops": {"version": "3"}, "a": "1"}),
        ("a.json", {"sops": "ENC", "a": "AES256_GCM"}),
        ("a.json", {"kind": "Secret", "data": {"a": "1"}}),
        ("a.json", {"apiVersion": 1, "kind": "secret", "url": "x"}),
        ("a.json", {"apiVersion": "2024-01-01", "kind": "cheap", "url": "x"}),
        ("a.json", {"Parameters": []}),
        ("a.json", {"Parameters": [{"Name": "a"}], "Timeout": 5}),
        ("a.json", {"Parameters": [{"Name": "a", "Type": "Text", "Value": "b"}]}),
        ("a.json", {"Parameter": {"Name": "a", "Value": "b"}}),
        ("a.json", {"ARN": "arn:aws:kms:x", "SecretString": "x"}),
        ("a.json", {"Environment": "prod", "Variables": {"A": 1}}),
        ("a.json", {"Variables": {"A": "1"}, "Other": {}}),
        ("a.json", {"FunctionName": "x", "FunctionArn": "x", "Environment": {"Variables": {}}}),
        ("a.json", {"services": {"web": {"url": "x"}}}),
        ("a.json", {"services": {"web": {"image": "x"}}, "log": {"level": "info"}}),
        ("a.json", {"Values": {"a": "b"}, "IsEncrypted": None}),
        ("a.json", {"a": {"computed": "1"}, "b": {"raw": "1"}}),
        ("a.json", {"a": {"value": "1", "type": "string"}}),
        ("a.json", {"fields": [], "category": "x"}),
        ("a.json", {"Logging": {"LogLevel": {"Default": "Warning"}}, "ConnectionStrings": {"Db": "x"}}),
        ("a.json", {"name": "a", "value": "b", "key": "c"}),
        ("a.json", {}),
        ("a.json", {"apiVersion": "v2", "kind": "Premium", "limit": 5}),
        ("a.json", {"apiVersion": "2.1", "kind": "Premium", "metadata": {"a": "b"}}),
        ("a.json", {"id": "signup", "category": "forms", "fields": [{"id": "email", "type": "email"}], "url": "x"}),
        ("a.json", {"$schema": "x", "contentVersion": "2", "parameters": {"depth": 5}}),
        ("a.json", {"$schema": "x", "contentVersion": "2", "parameters": {"depth": {"type": "int"}}}),
        ("a.json", {"services": {"web": {"image": {"width": 5}, "url": "x"}}}),
        ("a.json", {"secrets": {"A": {"path": "x"}}}),
        ("a.json", {"variables": [{"name": "A", "value": "b"}], "log": "info"}),
        ("a.json", {"secret": True, "value": "x"}),
        ("a.json", {"encrypted": False, "items": [], "disk": "x"}),
        ("a.json", {"encrypted": True, "data": "/var/lib/data"}),
        ("a.yaml", "doc: values such as ENC[AES256_GCM,data:a,iv:b,tag:c,type:str] are encrypted\n"),
        ("a.yaml", "cookie:\n  secure: true\n  name: 'ENC(x)'\n"),
        ("a.env", "SECURE=secure:\nDOTENV_VAULT_PATH=/etc/vault\n"),
        ("a.yaml", {"data": {"x": 1}, "kind": "Secret", "Parameters": {"a": {"Type": "String"}}}),
        ("a.env", "A=ENC[x]\nB='see ENC[AES256_GCM,data]'\n# ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]\n"),
        ("a.env", "ENCRYPTED=encrypted:abc\nkind=Secret\napiVersion=v1\n"),
        ("a.env", "PEM='-----BEGIN KEY-----\nx\n-----END KEY-----'\nX=<html>\n"),
        ("config.production", "A=1\n"),
        ("a", "A='\n[b]\n'\n"),
        ("a.toml", "[a]\nb = 'c'\n"),
        ("a.csv", "key,value\na,\0\n"),
    ],
)  # fmt: skip
def test_ordinary_config_is_not_a_container(name: str, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    assert recognize(text.encode(), _source(name)) is None


_NAMES = sorted({*re.findall(r'"([^"]+)":', json.dumps([content for content, _ in JSON_FILES.values()]))})
_NAMES += ["apiVersion", "kind", "items", "services", "image", "sops", "mac"]
_TEXTS = ["Secret", "List", "ConfigMap", "String", "v1", "a/b", ":lambda:", ":secretsmanager:", ""]
_nodes = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["Secret", "List", "String", "v1", "a/b", ":lambda:", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
)


@given(tree=_nodes, name=st.sampled_from(["a.json", "a.yaml", "a.env", "-"]), is_yaml=st.booleans())
def test_any_text_is_checked_without_a_crash(tree: object, name: str, is_yaml: bool) -> None:  # noqa: FBT001  # hypothesis's
    text = yaml.safe_dump(tree) if is_yaml else json.dumps(tree)
    found = recognize(text.encode(), _source(name))
    assert found is None or found.what


@given(
    content=st.binary(max_size=40) | st.text(st.sampled_from("[]{}:=\n-\0\x1f\x8b<!ENC"), max_size=20).map(str.encode)
)
def test_any_bytes_are_checked_without_a_crash(content: bytes) -> None:
    for name in ("a.env", "a.yaml"):
        found = recognize(content, _source(name))
        assert found is None or found.what


@pytest.mark.parametrize(
    "content",
    [
        b"DOTENV_PUBLIC_KEY=1\n" * 100_000 + b"encrypted:",
        b"\n" * 200_000 + b"{cipher}",
        b" \n" * 200_000 + b"ENC[AES256_GCM,",
        b"a: ENC(" * 100_000,
        b"DOTENV_VAULT" * 100_000,
        b" secure:" * 200_000,
    ],
    ids=["dotenvx", "cipher", "sops", "jasypt", "dotenv-vault", "pulumi"],
)
def test_markers_are_searched_in_linear_time(content: bytes) -> None:
    # Took minutes when a pattern started again at each line. None of them is complete ciphertext.
    assert recognize(content, _source("a.env")) is None


@pytest.mark.parametrize(("kind", "what"), [("Ingress", "an Ingress"), ("Pod", "a Pod"), ("UserPool", "a UserPool")])
def test_the_article_fits_the_kind(kind: str, what: str) -> None:
    found = recognize(f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n".encode(), _source("a.yaml"))
    assert found
    assert found.what == f"{what} (Kubernetes)"


def test_a_kubernetes_secret_encrypted_with_sops_is_decrypted_as_one() -> None:
    text = b"kind: Secret\nstringData:\n  a: ENC[AES256_GCM,data:a,iv:a,tag:b,type:str]\n"
    for name, types in (("s.yaml", ""), ("s.enc", "--input-type yaml --output-type yaml ")):
        found = recognize(text, _source(name, "k8s-secret"))
        assert found
        assert found.commands == (f"sops -d {types}{name} | configsvc import -f k8s-secret -",)


def test_a_secret_list_from_the_api_is_recognized() -> None:
    answer = {"apiVersion": "v1", "kind": "SecretList", "items": [{"metadata": {"name": "a"}, "data": {"x": "eA=="}}]}
    found = recognize(json.dumps(answer).encode(), _source("a.json"))
    assert found
    assert '.metadata.name == "a"' in found.commands[0]


def test_values_that_an_import_would_leave_out_are_reported() -> None:
    container: dict[str, object] = {"Id": "1", "Config": {"Env": []}}
    field = {"id": "a", "type": "STRING", "label": "b", "value": "c"}
    contents: tuple[tuple[object, str], ...] = (
        ([container, container], "reads the first"),
        ({"id": "1", "category": "LOGIN", "fields": [field, field]}, "twice"),
        ({"shop:a": {"secret": True}}, "--show-secrets"),
        ({"encrypted": True, "encKeyValidation_DO_NOT_EDIT": "2.a", "data": "2.abc"}, "export it again"),
        (
            {"encrypted": True, "encKeyValidation_DO_NOT_EDIT": "2.a", "items": [{"name": "2.a|b", "type": 1}]},
            "export it again",
        ),
        ({"a": {"sensitive": False, "type": "number", "value": 12345678901234567890123}}, "jq before 1.7"),
        ({"a": {"sensitive": False, "type": "number", "value": 10**400}}, "jq before 1.7"),
        ({"$schema": "x", "contentVersion": "1", "parameters": {"a": {"reference": {}}}}, "no values"),
    )
    for content, said in contents:
        found = recognize(json.dumps(content).encode(), _source("a.json"))
        assert found
        assert said in found.advice


def test_a_newer_jq_is_required_only_if_an_older_one_respells_numbers() -> None:
    for number, is_asked in (("1.10", True), ("1e3", True), ("1.5", False), ("-7", False), ("1234567890123456", False)):
        text = f'{{"a": {{"sensitive": false, "type": "number", "value": {number}}}}}'
        found = recognize(text.encode(), _source("a.json"))
        assert found
        assert ("jq before 1.7" in found.advice) is is_asked, number


def test_advice_names_a_file_but_not_a_pipe_that_cannot_be_reread(tmp_path: Path) -> None:
    content = json.dumps(JSON_FILES["lambda-variables"][0]).encode()
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".json") as file:  # a file like any other
        for name, is_named in ((file.name, True), (str(pipe), False), ("/dev/fd/63", False), ("-", False)):
            with pytest.raises(click.UsageError) as refused:
                load_rows(name, content, "json", AS_IN_THE_FILE, "Nothing was stored.")
            assert (f" {name} " in refused.value.message, "This input" in refused.value.message) == (
                is_named,
                not is_named,
            )


def test_as_is_reads_a_container_unchanged() -> None:
    content = json.dumps(JSON_FILES["lambda-variables"][0]).encode()
    with pytest.raises(click.UsageError, match="Nothing was stored"):
        load_rows("a.json", content, None, AS_IN_THE_FILE, "Nothing was stored.")
    assert [row.key for row in load_rows("a.json", content, None, Shaping(as_is=True), "x").rows] == ["Variables"]
    manifest = b"apiVersion: v1\nkind: Secret\n"
    assert [row.key for row in load_rows("a.yaml", manifest, None, Shaping(as_is=True), "x").rows] == [
        "apiVersion",
        "kind",
    ]
    assert [row.key for row in load_rows("a.ini", b"A=1\n", "dotenv", AS_IN_THE_FILE, "x").rows] == ["A"]


def test_the_command_line_refuses_and_its_command_imports(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "ssm.json"
    path.write_text(json.dumps({"Parameters": [{**PARAMETER, "Value": CANARY}, {**PARAMETER, "Name": "/shop/prod/b"}]}))
    for command in (["diff"], ["import"]):
        done = shell.run(*command, path)
        assert (done.code, CANARY in done.out + done.err, "--as-is" in done.err) == (2, False, True)
        assert "looks like parameters printed by SSM" in done.err
    (line,) = (each.strip() for each in done.err.splitlines() if each.strip().startswith("jq "))
    assert line.endswith(
        f"{shlex.quote(str(path))} | configsvc import -f json --strip-prefix /shop/prod/ --separator / -"
    )
    printed = (
        subprocess.run([JQ, ".Parameters | from_entries", path], capture_output=True, check=True) if JQ else None
    )  # from PATH, as in the command
    if printed:
        shell.ok("import", "-f", "json", "--strip-prefix", "/shop/prod/", "--separator", "/", "-", given=printed.stdout)
        assert shell.ok("get", "db.url") == CANARY
    shell.ok("import", path, "--as-is")
    assert json.loads(shell.ok("get", "Parameters"))[1]["Name"] == "/shop/prod/b"


def _advised(shell: Shell, *arguments: str | Path) -> list[str]:
    done = shell.run(*arguments)
    assert done.code == 2, done.err
    return [line.strip() for line in done.err.splitlines() if line.startswith("  ") and "configsvc " in line]


def test_the_advised_command_keeps_the_typed_options(shell: Shell, tmp_path: Path) -> None:
    secret, ssm, value = tmp_path / "s.yaml", tmp_path / "ssm.json", tmp_path / "k.env"
    secret.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {A: x}\n")
    ssm.write_text(json.dumps(JSON_FILES["ssm-by-path"][0]))
    value.write_text("-----BEGIN PRIVATE KEY-----\n")

    typed = ["-n", "shop.stage", "--plain", "A*", "--map", "^A$=my key", "-m", "it's", "--dry-run"]
    (line,) = _advised(shell, "import", "-y", *typed, secret)
    assert line == (
        "configsvc import -n shop.stage --map '^A$=my key' --plain 'A*' --dry-run -m 'it'\"'\"'s' -y "
        f"-f k8s-secret {secret}"
    )
    (line,) = _advised(shell, "import", ssm, "--separator", "/", "--strip-prefix", "/shop/", "-n", "shop.stage")
    assert line.endswith("import -n shop.stage -f json --strip-prefix /shop/prod/ --separator / -")
    assert _advised(shell, "import", value, "--dry-run", "--namespace", "shop.stage") == [
        f"configsvc put KEY -n shop.stage @{value}"
    ]


def test_diff_advises_nothing_that_stores(shell: Shell, tmp_path: Path) -> None:
    secret, value = tmp_path / "s.yaml", tmp_path / "k.env"
    secret.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {A: x}\n")
    value.write_text("-----BEGIN PRIVATE KEY-----\n")
    assert _advised(shell, "diff", secret, "--reveal") == [f"configsvc diff --reveal -f k8s-secret {secret}"]
    assert _advised(shell, "diff", secret, tmp_path / "k.env") == [
        f"configsvc diff -f k8s-secret -f FORMAT {secret} FILE"
    ]
    assert _advised(shell, "diff", value) == []

    ssm = tmp_path / "ssm.json"
    ssm.write_text(json.dumps(JSON_FILES["ssm-by-path"][0]))
    (line,) = _advised(shell, "diff", ssm)
    assert line.endswith("| configsvc diff -f json --strip-prefix /shop/prod/ --separator / /dev/stdin")
    if JQ:
        printed = subprocess.run([JQ, ".Parameters | from_entries", ssm], capture_output=True, check=True).stdout
        shown = shell.ok(*shlex.split(line.rpartition("configsvc ")[2]), given=printed)
        assert "db.url\tadded" in shown
