"""Kubernetes Secrets compared with kubectl: `kubectl set env --local` decodes a manifest offline."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from configsvc_client.cli.formats import WritableValue, read, write

CANARY = "canary-4bd2"
HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\n"
KUBECTL = shutil.which("kubectl")
TEXTS = (
    "x", '"x"', "'1'", "/root", "2027-01-15", "2001-12-14t21:59:43.10-05:00", "1:30", "190:20:30", "=", "0b12", "0x",
    "0o9", "_1", "1e", "1e400", "--1", "inf", "nan", "oN", "yEs", "!foo x", "!!str 1", "!!str true", "=x", ".",
    "|\n    text", "..", "-x", "+", "-_", "1.2.3", "1,000",
)  # fmt: skip
EMPTY = ("", "~", "null", "Null", "NULL")
REFUSED = (
    "y", "n", "Y", "N", "yes", "No", "on", "Off", "true", "True", "TRUE", "false", "0644", "0o14", "0x1F", "0X1f",
    "0b1", ".5_0", "1_000", "1e3", ".5", "5.", ".inf", ".NaN", "-.INF", "+.inf", "+1", "-0", "1.10", "6063e25", "12e03",
    "1_0.5", "089", "1__0", "99999999999999999999999", "0_7", "+.5", ".5e3", "!!int 1", "!!bool yes", "[a]", "{a: b}",
    "-1", "0",
)  # fmt: skip
BASE64 = (
    "YQ==", "YR==", "YQ", "YQ=", "=YQ", "YQ==YQ==", "YQ===", "YWJj=", "Y Q=", "Y-_=", "", "YWJj", "YQ=\\n=",
    "YW\\r\\nJj", "Y\\tQ==",
)  # fmt: skip

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


def _found(text: str) -> dict[str, bytes]:
    rows, problems = read("k8s-secret", text.encode())
    assert not problems
    return {row.key: row.data for row in rows}


def _problems(text: str) -> list[tuple[str, str | None]]:
    _, problems = read("k8s-secret", text.encode())
    assert CANARY not in "".join(map(str, problems))
    return [(each.place, each.key) for each in problems]


def _kubectl(folder: Path, *manifests: str) -> list[bool]:
    """Whether kubectl decodes each as a Secret. It names the files that it cannot decode, and continues."""
    for number, manifest in enumerate(manifests):
        (folder / f"{number}.yaml").write_text(manifest)
    files = [f"--filename={number}.yaml" for number in range(len(manifests))]
    done = subprocess.run(
        [str(KUBECTL), "set", "env", "--local", "A=b", *files],
        cwd=folder, env={"KUBECONFIG": "none"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    refused = set(map(int, re.findall(r'(?:unable to decode "|error parsing )(\d+)\.yaml', done.stderr)))
    assert refused or "the object is not a pod" in done.stderr, done.stderr
    return [number not in refused for number in range(len(manifests))]


def _of_text(scalar: str) -> str:
    return f"{HEAD}stringData:\n  a: {scalar}\n"


@needs_kubectl
def test_kubectl_takes_the_same_scalars_for_text(tmp_path: Path) -> None:
    texts, refused = [*TEXTS, *EMPTY], list(REFUSED)
    assert _kubectl(tmp_path, *map(_of_text, texts)) == [True] * len(texts)
    assert _kubectl(tmp_path, *map(_of_text, refused)) == [False] * len(refused)


@needs_kubectl
def test_kubectl_takes_the_same_base64(tmp_path: Path) -> None:
    manifests = [f'{HEAD}data: {{a: "{each}"}}\n' for each in BASE64]
    assert _kubectl(tmp_path, *manifests) == [not _problems(each) for each in manifests]


@needs_kubectl
def test_kubectl_reads_the_bytes_that_export_writes(tmp_path: Path) -> None:
    texts = ["", "null", "0644", "NO", "two\nlines\r\n", "\x00\xff", "ü", "-----BEGIN KEY-----\nabc\n", "'\"$`\\"]
    held = {f"k.{number}": text.encode("latin-1") for number, text in enumerate(texts)}
    held |= {"NO": b"1", "0644": b"2", "1.10": b"3", "null": b"4"}
    written, _ = write("k8s-secret", [WritableValue(key, data, "text/plain") for key, data in held.items()], "a.b")
    (tmp_path / "s.yaml").write_text(written)
    done = subprocess.run(
        [str(KUBECTL), "label", "--local", "a=b", "-o", "json", "-f", "s.yaml"],
        cwd=tmp_path, env={"KUBECONFIG": "none"}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)["data"]
    assert {key: base64.b64decode(text) for key, text in found.items()} == held
    assert _found(done.stdout.decode()) == held
    assert _kubectl(tmp_path, written) == [True]


@pytest.mark.parametrize("scalar", EMPTY)
def test_null_is_the_empty_value(scalar: str) -> None:
    assert _found(f"{HEAD}data:\n  a: {scalar}\nstringData:\n  b: {scalar}\n") == {"a": b"", "b": b""}


def test_other_scalars_are_refused_with_line_and_key() -> None:
    for scalar in REFUSED:
        assert _problems(_of_text(scalar)) == [("line 5", "a")], scalar
        assert _problems(f"{HEAD}data:\n  a: {scalar}\n") == [("line 5", "a")], scalar
    for scalar in TEXTS:
        assert not _problems(_of_text(scalar)), scalar


def test_keys_that_kubectl_renames_are_refused() -> None:
    assert list(_found(f"{HEAD}stringData:\n  1: x\n  true: x\n  'NO': x\n  '0644': x\n")) == [
        "1",
        "true",
        "NO",
        "0644",
    ]
    for key in ("NO", "yes", "0644", "1.10", "1_0", "~", "null", "[a]"):
        assert _problems(f"{HEAD}stringData:\n  {key}: {CANARY}\n") == [("line 5", None)], key


def test_string_data_replaces_data() -> None:
    assert _found(f"{HEAD}stringData:\n  a: text\ndata:\n  a: eA==\n  b: eQ==\n") == {"a": b"text", "b": b"y"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"data:\n  a: eA==\n  a: {CANARY}\n", [("line 6", "a")]),
        ("data:\n  a: eA==\n  a: eQ==\nstringData:\n  a: x\n", [("line 6", "a")]),
        ("stringData:\n  1: x\n  '1': y\n", [("line 6", "1")]),
        (f"data: {{a: eA==}}\ndata: {{b: {CANARY}}}\n", [("line 5", "data"), ("line 5", "b")]),
        (f"stringdata:\n  a: {CANARY}\n", [("line 4", "stringdata")]),
        (f"data: [{CANARY}]\n", [("line 4", "data")]),
        (f"data: {CANARY}\n", [("line 4", "data")]),
        (f"data:\n  a: !!binary {CANARY}\n", [("line 5", "a")]),
        (f"data:\n  a: {CANARY}!\n  b: [{CANARY}]\n", [("line 5", "a"), ("line 6", "b")]),
        (f"data: {{a: eA==}}\n---\n{HEAD}data: {{b: {CANARY}}}\n", [("line 6", None)]),
        (f"data:\n  a: '{CANARY}\n", [("line 5, column 6", None)]),
        (f"data: *{CANARY}\n", [("line 4, column 7", None)]),
        ("{{- if .Values.on }}\ndata: {}\n{{- end }}\n", [("line 4, column 1", None)]),
        ("data:\n  {%- for each in all %}\n  a: eA==\n", [("line 5, column 3", None)]),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_by_line_and_key(body: str, told: list[tuple[str, str | None]]) -> None:
    assert _problems(HEAD + body) == told


def test_merge_keys_anchors_and_empty_documents_are_followed() -> None:
    body = "data:\n  <<: &a {a: eA==, b: eA==}\n  b: eQ==\nstringData: {c: &t text, d: *t}\n---\n"
    assert _found(f"---\n# nothing\n---\n{HEAD}{body}") == {"b": b"y", "a": b"x", "c": b"text", "d": b"text"}


def test_json_of_kubectl_is_read_and_its_faults_have_lines() -> None:
    manifest = {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "x", "annotations": {"configsvc/content-types": '{"j":"application/json"}'}},
        "data": {"a": "YWJj", "j": "e30=", "n": None}, "stringData": {"😀.x": "\ud83d\ude00\t/"},
    }  # fmt: skip
    text = json.dumps(manifest, indent="\t")
    rows, problems = read("k8s-secret", text.encode())
    assert not problems
    assert {row.key: (row.data, row.content_type) for row in rows} == {
        "a": (b"abc", "text/plain"), "j": (b"{}", "application/json"),
        "n": (b"", "text/plain"), "😀.x": ("😀\t/".encode(), "text/plain"),
    }  # fmt: skip
    for value in (True, 1, 1.5, [CANARY], {"x": CANARY}):
        faulty = json.dumps(manifest | {"stringData": {"faulty": value}}, indent=2)
        line = 1 + next(number for number, each in enumerate(faulty.splitlines()) if '"faulty"' in each)
        assert _problems(faulty) == [(f"line {line}", "faulty")]
    assert _problems(f'{{"kind": "Secret", "data": {{"a": "eA==", "a": "{CANARY}"}}}}') == [("", "a")]


@pytest.mark.parametrize(
    "kind", ["Deployment", "List", "ConfigMap", f"{CANARY}!", "null", "[]", "Secret\napiVersion: v2"]
)
def test_other_objects_are_refused(kind: str) -> None:
    assert _problems(f"kind: {kind}\ndata: {{a: {CANARY}}}\n") == [("", None)]


def test_a_json_secret_of_thousands_of_keys_has_their_lines() -> None:
    members = ",\n".join(f'"k{number}": "eA=={"!" * (number == 9_999)}"' for number in range(10_000))
    text = f'{{"apiVersion": "v1", "kind": "Secret", "data": {{\n{members}}}}}'
    assert _problems(text) == [("line 10001", "k9999")]


def test_a_template_instead_of_a_value_is_recognized() -> None:
    _, problems = read("k8s-secret", f"{HEAD}stringData:\n  a: {{{{ .Values.a }}}}\n".encode())
    assert [each.place for each in problems] == ["line 5"]
    assert "render templates ({{ … }}) first" in problems[0].reason
