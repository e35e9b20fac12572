"""Real programs read the same values from the files that we write, or the file is not written."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.formats import WritableValue, read, write
from tests.support.cli import readers, systemd

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg+/=\n-----END PRIVATE KEY-----\n"
AWKWARD = (
    "", " ", "  both ends  ", "\t", "tab\there", "two\nlines", "ends with a line\n", "\n", "\n\n", "\n'", "a\rb",
    "a\r\nb\r\n", "\r", PEM, PEM.replace("\n", "\r\n"), "O'Reilly", "'", "''", "it's \"both\"", '"', '""', 'say "x"',
    "\"'", "'a'", '"a"', "x'; touch F #", 'x"; touch F #', "x\"'; touch F #", "$(touch F)", "`touch F`",
    "'$(touch F)'", '"`touch F`"', "; touch F", "\ntouch F\n", "& touch F", "| touch F", "$", "$$", "$x", "a$",
    "pa$word", "$1", "$HOME", "${HOME}", "${HOME:-x}", "${", "${}", "${a:b}", "$ {x}", "it's $5", "it's $ 5",
    "it's 5$", "$'x'", '$"x"', "\\", "\\\\", "a\\", "a\\\\", "\\n", "a\\nb", "\\'", '\\"', "\\$x", "\\`",
    "C:\\dir\\new", "\\\\server\\share", "it's \\d", "it's \\n", "it's a \\ b", "\\\n", "a\\\nb", "it's\\\n", "#x",
    "x #y", "x#y", "it's #1", "=", "a=b", "==", "a:b", "!", "!!", "it's !x", "hello!", "a!b", "~", "~/x", "a:~", "*",
    "?", "[a]", "{a,b}", "<x", ">F", "a b", "-n", "-e", "%s", "%d%%", "()", "a(b)", "\x01", "\x02", "\x1b[31m", "\x7f",
    "\x00", "a\x00b", "\x85", "\xa0x\xa0", "\u2028", "a\u2028'b", "\u2029", "\ufeff", "\ufeffx", "ü", "✓", "😀",
    "\x81\x82\x88", "export A=b", "A=b\nC=d", "'\nB='x", '"\nB="x', "null", "true", "1.10", "90071992547409931",
    "1e400", "{}", "[1]", '{"a": "b"}', "{'a': 'b'}", "%(x)s", "{{x}}", "a\x0bb", "a\x0cb", "\x1c", "x\x1f ",
    "it's \\0", "it's \\a", "it's `touch F`", "it's $x",
)  # fmt: skip

texts = (
    st.sampled_from(AWKWARD)
    | st.lists(st.sampled_from(AWKWARD) | st.sampled_from(list("'\"\\$`{}!# \n=ab")), max_size=5).map("".join)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
).flatmap(
    lambda tree: st.sampled_from([None, 1]).map(lambda indent: json.dumps(tree, indent=indent, ensure_ascii=False))
)


def _values(texts: list[str], kind: ContentType = "text/plain") -> list[WritableValue]:
    return [WritableValue(f"K{number}", text.encode(), kind) for number, text in enumerate(texts)]


def _written(wanted: str, values: list[WritableValue], path: Path) -> dict[str, str]:
    """Writes the values that the format can hold to a file, and returns them by name."""
    refused = {each.key for each in write(wanted, values, "any")[1]}
    held = [each for each in values if each.key not in refused]
    text, problems = write(wanted, held, "any")
    assert not problems
    path.write_bytes(text.encode())
    return {each.key: each.data.decode() for each in held}


def _check_shells(path: Path, expected: dict[str, str], kind: ContentType) -> None:
    names = list(expected)
    before = sorted(path.parent.iterdir())
    for shell in readers.list_shells():
        for evaluated in (False, True):
            _check(
                dict(zip(names, readers.read_in_shell(shell, path, names, evaluated=evaluated), strict=True)),
                expected,
                kind,
            )
    assert sorted(path.parent.iterdir()) == before  # no code was run


def _check(found: dict[str, str | None] | dict[str, str], expected: dict[str, str], kind: ContentType) -> None:
    """Checks for the same texts. JSON may be spelled differently if it is equal."""
    if kind == "text/plain":
        assert found == expected
    else:
        assert found.keys() == expected.keys()
        assert [
            key for key, text in expected.items() if not same_value(kind, str(found[key]).encode(), text.encode())
        ] == []


def _check_dotenv(path: Path, values: list[WritableValue], kind: ContentType = "text/plain") -> None:
    expected = _written("dotenv", values, path)
    if not expected:
        return
    _check_shells(path, expected, kind)
    _check(readers.read_with_python_dotenv(path), expected, kind)
    _check(readers.read_with_compose_rules(path, {"HOME": "filled in", "x": "filled in"}), expected, kind)
    rows, problems = read("dotenv", path.read_bytes())
    assert not problems
    _check({row.key: row.data.decode() for row in rows}, expected, kind)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("read")


def test_every_reader_of_dotenv_reads_each_awkward_text(tmp_path: Path) -> None:
    _check_dotenv(tmp_path / "x.env", _values(list(AWKWARD)))


def test_npm_dotenv_reads_each_awkward_text(tmp_path: Path) -> None:
    expected = _written("dotenv", _values(list(AWKWARD)), tmp_path / "x.env")
    found = readers.read_with_npm_dotenv(tmp_path / "x.env")[0]
    assert found == dict.fromkeys(found, expected)


@settings(max_examples=8)
@given(found=st.lists(texts, max_size=40) | st.just(list(AWKWARD)))
def test_node_reads_the_same_text_from_its_env_file(folder: Path, found: list[str]) -> None:
    expected = _written("dotenv", _values(found), folder / "x.env")
    assert readers.read_with_node(folder / "x.env") == expected


@settings(max_examples=30)
@given(found=st.lists(texts, max_size=40) | st.just(list(AWKWARD)))
def test_systemd_reads_the_same_text(folder: Path, found: list[str]) -> None:
    expected = _written("dotenv", _values(found), folder / "x.env")
    assert systemd.read((folder / "x.env").read_text()) == expected


def test_env_with_xargs_runs_what_follows_a_space(tmp_path: Path) -> None:
    """The reason for the warning in the documentation: no spelling in the file preserves a value there."""
    assert _written("dotenv", _values(["x touch F"]), tmp_path / "x.env")
    readers.run(["bash", "-c", "env $(cat x.env | xargs)"], tmp_path)
    assert (tmp_path / "F").exists()


def test_make_runs_what_an_included_value_holds(tmp_path: Path) -> None:
    """The same reason for make."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    assert _written("dotenv", _values(["$(shell touch F)"]), tmp_path / "x.env")
    (tmp_path / "Makefile").write_text("include x.env\nexport\nall:\n\t@true\n")
    readers.run(["make"], tmp_path)
    assert (tmp_path / "F").exists()


def test_an_interactive_bash_reads_each_awkward_text(tmp_path: Path) -> None:
    for wanted in ("dotenv", "shell"):
        expected = _written(wanted, _values(list(AWKWARD)), tmp_path / wanted)
        assert readers.read_in_interactive_bash(tmp_path / wanted, list(expected)) == list(expected.values())


@settings(max_examples=15)
@given(found=st.lists(texts, max_size=40))
def test_every_reader_of_dotenv_reads_the_same_text(folder: Path, found: list[str]) -> None:
    _check_dotenv(folder / "x.env", _values(found))


@settings(max_examples=15)
@given(found=st.lists(json_texts, max_size=20))
def test_every_reader_of_dotenv_reads_the_same_json_and_none_is_refused(folder: Path, found: list[str]) -> None:
    values = _values(found, "application/json")
    assert write("dotenv", values, "any")[1] == []
    _check_dotenv(folder / "x.env", values, "application/json")


@settings(max_examples=4)
@given(found=st.lists(st.lists(texts, max_size=40), min_size=20, max_size=20))
def test_npm_dotenv_reads_the_same_text(folder: Path, found: list[list[str]]) -> None:
    paths = [folder / f"{number}.env" for number, _ in enumerate(found)]
    expected = [_written("dotenv", _values(each), path) for each, path in zip(found, paths, strict=True)]
    assert readers.read_with_npm_dotenv(*paths) == [
        dict.fromkeys(each, wanted) for each, wanted in zip(readers.read_with_npm_dotenv(*paths), expected, strict=True)
    ]


@settings(max_examples=15)
@given(found=st.lists(texts, max_size=40))
def test_every_shell_reads_the_same_text_in_shell_code(folder: Path, found: list[str]) -> None:
    expected = _written("shell", _values(found), folder / "x.sh")
    assert len(expected) == sum("\0" not in each for each in found)
    if expected:
        _check_shells(folder / "x.sh", expected, "text/plain")
    rows, problems = read("shell", (folder / "x.sh").read_bytes())
    assert not problems
    assert {row.key: row.data.decode() for row in rows} == expected


def test_every_shell_reads_each_awkward_text_in_shell_code(tmp_path: Path) -> None:
    expected = _written("shell", _values(list(AWKWARD)), tmp_path / "x.sh")
    assert set(AWKWARD) - set(expected.values()) == {"\x00", "a\x00b"}
    _check_shells(tmp_path / "x.sh", expected, "text/plain")


@pytest.mark.slow
def test_no_locale_merges_a_quote_into_a_character(tmp_path: Path) -> None:
    """In GB18030 a digit may be the second of four bytes, and bash reads the next byte as the third."""
    if not shutil.which("localedef") or not Path("/usr/share/i18n/charmaps/GB18030.gz").exists():
        pytest.skip("the locale cannot be made")
    locale = tmp_path / "zh_CN.GB18030"
    making = [shutil.which("localedef") or "", "-c", "-i", "zh_CN", "-f", "GB18030", str(locale)]
    subprocess.run(making, check=False, capture_output=True, timeout=60)
    found = ["\u0801" + "0", "; touch F #", "\u0801" + "0'; touch F #", "\u08013\u08021'\u08029", "\u080110"]
    expected = _written("shell", _values(found), tmp_path / "x.sh")
    script = f'. "$1"\n{readers.PRINTED}'
    command = ["bash", "-c", script, "bash", str(tmp_path / "x.sh"), *expected]
    printed = readers.run(command, tmp_path, LC_ALL=locale.name, LOCPATH=str(tmp_path))
    assert printed.split(b"\0")[:-1] == [each.encode() for each in found]
    assert not (tmp_path / "F").exists()


def test_docker_and_kubectl_read_each_awkward_text(tmp_path: Path) -> None:
    found = [*AWKWARD, "x" * (64 * 1024 - 1 - len("K999="))]
    expected = _written("docker", _values(found), tmp_path / "x.env")
    assert set(found) - set(expected.values()) == {each for each in found if any(mark in each for mark in "\0\r\n")}
    assert readers.read_with_docker(tmp_path / "x.env") == [f"{key}={text}" for key, text in expected.items()]
    data = readers.read_with_kubectl(tmp_path / "x.env")
    assert {key: base64.b64decode(text).decode() for key, text in data.items()} == expected


@pytest.mark.slow
@settings(max_examples=50)
@given(found=st.lists(texts, min_size=20, max_size=60))
def test_every_reader_reads_thousands_of_texts(folder: Path, found: list[str]) -> None:
    _check_dotenv(folder / "many.env", _values(found))
    expected = _written("shell", _values(found), folder / "many.sh")
    _check_shells(folder / "many.sh", expected, "text/plain")
    expected = _written("dotenv", _values(found), folder / "many.env")
    assert readers.read_with_npm_dotenv(folder / "many.env")[0]["dotenv"] == expected


def test_dotenv_expand_expands_and_runs_text_in_single_quotes(tmp_path: Path) -> None:
    """The reason for the warning in the help: no spelling in the file prevents it."""
    path = tmp_path / "x.env"
    texts = {"K0": "$x", "K1": "$(touch F)"}
    assert _written("dotenv", _values([*texts.values()]), path) == texts
    assert readers.read_with_npm_dotenv(path, expand=True)[0]["dotenv-expand"] == {"K0": "", "K1": ""}
    assert (tmp_path / "F").exists()
