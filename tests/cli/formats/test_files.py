"""Files as others write them."""

from __future__ import annotations

import pytest

from configsvc_client.cli.formats import Value, format_of, read, write

CANARY = "canary-77aa"


def _found(wanted: str, text: str) -> dict[str, tuple[bytes, str]]:
    rows, problems = read(wanted, text.encode())
    assert not problems
    return {row.key: (row.data, row.content_type) for row in rows}


def test_yaml_takes_for_a_number_only_what_json_writes_so() -> None:
    text = "a: no\nb: 0123\nc: 1:30\nd: 2027-01-15\ne: 5432\nf: true\ng: [1, x]\nh: |\n  two\n  lines\ni: 1.5\n"
    found = _found("yaml", text)
    assert {key for key, (_, kind) in found.items() if kind == "text/plain"} == {"a", "b", "c", "d", "h"}
    assert (found["a"][0], found["b"][0], found["c"][0]) == (b"no", b"0123", b"1:30")
    assert [found[key][0] for key in "efgi"] == [b"5432", b"true", b'[1,"x"]', b"1.5"]


def test_yaml_s_anchors_and_merges_are_followed() -> None:
    found = _found("yaml", "a: &a {x: 1}\nb: {<<: *a, y: 2}\n")
    assert found["b"] == (b'{"x":1,"y":2}', "application/json")


def test_yaml_s_anchors_stand_for_no_more_than_can_be_held() -> None:
    many = "".join(f"b{n}: *a0\n" for n in range(3_000))
    assert read("yaml", f"a0: &a0 [{'x, ' * 200}]\n{many}".encode())[1] != []
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    rows, problems = read("yaml", "\n".join(["a0: &a0 [x]", *lines]).encode())
    assert (len(rows), {each.reason for each in problems}) == (6, {"too much: anchors stand for what they name"})


def test_toml_keys_may_be_quoted_and_a_bare_dot_makes_a_tree() -> None:
    assert _found("toml", '"db.url" = "x"\ndb.pool = 5\n') == {
        "db.url": (b"x", "text/plain"),
        "db": (b'{"pool":5}', "application/json"),
    }


def test_docker_s_values_have_no_quotes_and_keep_their_spaces() -> None:
    found = _found("docker", '# c\n\n  A="x" # y \nB=\nC=p=q\r\n')
    assert [data for data, _ in found.values()] == [b'"x" # y ', b"", b"p=q"]


def test_a_secret_of_kubernetes_says_what_is_text_by_what_it_is() -> None:
    found = _found("k8s-secret", "kind: Secret\ndata: {a: eA==, b: AP8=}\nstringData: {c: z}\n")
    assert found == {
        "a": (b"x", "text/plain"), "b": (b"\x00\xff", "application/octet-stream"), "c": (b"z", "text/plain"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "text", "place", "key"),
    [
        ("json", f'{{"a": "{CANARY}",\n"b" "{CANARY}"}}', "line 2", None),
        ("json", f'{{"a": "{CANARY}", "a": "{CANARY}"}}', "", "a"),
        ("json", f'["{CANARY}"]', "", None),
        ("json", f'{{"a": {{"$base64": "{CANARY}"}}}}', "", "a"),
        ("json", '{"a": "\\ud800"}', "", "a"),
        ("yaml", f"a: x\nb: [{CANARY}\n", "line 3", None),
        ("yaml", f"a: x\na: {CANARY}\n", "line 2", "a"),
        ("yaml", f"a: {{b: 1, b: {CANARY}}}\n", "line 1", None),
        ("yaml", f"a: !!python/name:{CANARY} x\n", "line 1", None),
        ("yaml", f"a: *{CANARY}\n", "line 1", None),
        ("yaml", f"- {CANARY}\n", "", None),
        ("yaml", f"a: {CANARY}\x1b\n", "", None),
        ("yaml", f"a: !!bool {CANARY}\n", "", None),
        ("yaml", f"a: !!timestamp {CANARY}\n", "", None),
        ("yaml", "a:\n", "line 1", "a"),
        ("yaml", f"apiVersion: v1\nkind: Secret\ndata: {{a: {CANARY}}}\n", "", None),
        ("toml", f'a = "x"\nb = {CANARY}\n', "line 2", None),
        ("toml", f'a = "x"\na = "{CANARY}"\n', "line 2", None),
        ("toml", "a = 2027-01-15\n", "", "a"),
        ("toml", "a = nan\n", "", "a"),
        ("toml", f"a = '{CANARY}'\nb = {'9' * 5_000}\n", "", None),
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
def test_what_cannot_be_taken_is_told_by_place_and_key_and_never_by_value(
    wanted: str, text: str, place: str, key: str | None
) -> None:
    _, problems = read(wanted, text.encode())
    assert [(each.place, each.key) for each in problems] == [(place, key)]
    assert CANARY not in str(problems[0])


def test_what_is_no_utf_8_is_no_file_of_ours() -> None:
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
def test_a_file_s_ending_tells_its_format(name: str, wanted: str) -> None:
    assert format_of(name) == wanted


def test_a_secret_s_name_is_one_that_kubernetes_takes_and_its_size_too() -> None:
    text, _ = write("k8s-secret", [], "a_b.-c..d_")
    assert "name: a-b.c.d\n" in text
    large = [Value(f"k{n}", b"x" * 2**19, "text/plain") for n in range(3)]
    assert [each.key for each in write("k8s-secret", large, "a")[1]] == [None]
    assert [each.key for each in write("k8s-secret", [Value("k" * 254, b"", "text/plain")], "a")[1]] == ["k" * 254]
