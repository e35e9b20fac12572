"""Files as other programs write them."""

from __future__ import annotations

import pytest

from configsvc_client.cli.formats import WritableValue, explain_assumed, guess_format, read, write

CANARY = "canary-77aa"


def _found(wanted: str, text: str) -> dict[str, tuple[bytes, str]]:
    rows, problems = read(wanted, text.encode())
    assert not problems
    return {row.key: (row.data, row.content_type) for row in rows}


def test_docker_s_values_have_no_quotes_and_keep_their_spaces() -> None:
    found = _found("docker", '# c\n\n  A="x" # y \nB=\nC=p=q\r\n')
    assert [data for data, _ in found.values()] == [b'"x" # y ', b"", b"p=q"]


def test_bytes_of_a_kubernetes_secret_decide_its_content_types() -> None:
    found = _found("k8s-secret", "kind: Secret\ndata: {a: eA==, b: AP8=}\nstringData: {c: z}\n")
    assert found == {
        "a": (b"x", "text/plain"), "b": (b"\x00\xff", "application/octet-stream"), "c": (b"z", "text/plain"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "text", "place", "key"),
    [
        ("csv", f"{CANARY},x\n", "line 1", None),
        ("csv", f'key,value\na,"{CANARY}\n', "line 2, column 2", None),
        ("csv", f"key,value\na,{CANARY},x\n", "line 2, column 3", "a"),
        ("csv", f"key,value\na,{CANARY}\na,{CANARY}\n", "line 3", "a"),
        ("csv", f"key,value,content_type\na,{CANARY},application/octet-stream\n", "line 2, column 2", "a"),
        ("csv", f"key,value,content_type\na,x,{CANARY}\n", "line 2, column 3", "a"),
        ("docker", f"{CANARY}\n", "line 1", None),
        ("dotenv", f"{CANARY}\n", "line 1", None),
        ("k8s-secret", f"a: {CANARY}\n", "", None),
        ("k8s-secret", f"a: !!bool {CANARY}\n", "", None),
        ("k8s-secret", f"kind: Secret\ndata: {{a: '{CANARY}'}}\n", "line 2", "a"),
    ],
)
def test_unreadable_rows_are_reported_by_place_and_key_without_values(
    wanted: str, text: str, place: str, key: str | None
) -> None:
    _, problems = read(wanted, text.encode())
    assert [(each.place, each.key) for each in problems] == [(place, key)]
    assert CANARY not in str(problems[0])


def test_files_that_are_not_utf_8_are_refused() -> None:
    _, problems = read("json", b"{\n\xff")
    assert [each.place for each in problems] == ["line 2"]
    assert problems[0].reason.startswith("not UTF-8 text")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("prod.env", "dotenv"),
        (".env", "dotenv"),
        ("a.YML", "yaml"),
        ("a.json", "json"),
        ("a.toml", "toml"),
        ("-", "dotenv"),
    ],
)
def test_a_file_s_ending_implies_its_format(name: str, wanted: str) -> None:
    assert guess_format(name) == wanted


def test_a_secret_s_name_and_size_fit_kubernetes() -> None:
    text, _ = write("k8s-secret", [], "a_b.-c..d_")
    assert "name: a-b.c.d\n" in text
    large = [WritableValue(f"k{n}", b"x" * 2**19, "text/plain") for n in range(3)]
    assert [each.key for each in write("k8s-secret", large, "a")[1]] == [None]
    assert [each.key for each in write("k8s-secret", [WritableValue("k" * 254, b"", "text/plain")], "a")[1]] == [
        "k" * 254
    ]


@pytest.mark.parametrize(
    "name", ["prod.env", ".env", ".env.local", ".envrc", "env", "a.yml", "x/b.json", "c.TOML", "d.csv"]
)
def test_a_name_that_says_the_format_needs_no_word(name: str) -> None:
    assert explain_assumed(name) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [("<stdin>", "stdin"), ("-", "stdin"), ("/dev/stdin", "stdin"), ("/dev/fd/63", "/dev/fd/63"), ("a.conf", "a.conf"),
     ("b.ini", "b.ini"), ("c.txt", "c.txt"), ("secrets", "secrets"), ("environment", "environment")],
)  # fmt: skip
def test_a_name_without_a_format_is_reported_with_the_assumed_one(name: str, shown: str) -> None:
    said = explain_assumed(name)
    assert said is not None
    assert said.startswith(f"{shown} was read as dotenv")
    assert "-f FORMAT" in said
