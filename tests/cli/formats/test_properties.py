"""Properties files compared with Java itself: one process reads and writes all of them."""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from configsvc_client.cli.formats import WritableValue, guess_format, read, write

CANARY = "canary-8d01"
JAVA = shutil.which("java")

_PROGRAM = """
import java.io.*; import java.nio.charset.StandardCharsets; import java.nio.file.*; import java.util.*;
public class Read {
  static String code(String text) throws Exception {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
  public static void main(String[] files) throws Exception {
    for (String file : files) {
      StringBuilder line = new StringBuilder("ok");
      try (Reader reader = Files.newBufferedReader(Path.of(file), StandardCharsets.UTF_8)) {
        Properties found = new Properties();
        found.load(reader);
        for (String key : new TreeSet<String>(found.stringPropertyNames()))
          line.append(" ").append(code(key)).append(":").append(code(found.getProperty(key)));
      } catch (IllegalArgumentException error) { line = new StringBuilder("refused"); }
      System.out.println(line);
    }
  }
}
"""

FILES = (
    "a=1\nb = 2\nc:3\nd 4\ne\t:\f5\n",
    "# x\n! y\n   # z\n\n  a = b  \n",
    "a=one\\\n   two\\\n\n b=c\n",
    "a=x\\\\\nb=y\\\\\\\n z\n",
    "a\\ b\\:c\\=d = e\n\\#f=g\n",
    "a=\\t\\n\\r\\f\\q\\\"\\'\\\\\n",
    "a=\\u00e9\\u2713\\ud83d\\ude00\nü=é✓😀\n",
    "a=\nb:\nc =\n",
    "a==b\nc=:d\ne = = f\n",
    "a=1\r\nb=2\rc=3",
    "a=1\\\r\n  2\r\nb=end\\",
    "a=# x\nb=! y\n",
    "# comment \\\na=1\n",
    "a=x\\\n# y\nb=1\n",
    "  a  b  c  \n",
    "=x\n",
    "a=\\u00g1\n",
    "a=\\\\u00g1\n",
    "a=\\u12\n",
    "a=x\u0085y\u2028z\n",
    "db.url=jdbc:postgresql://h/d?a=b&c=d\n",
    "\\\na=1\n",
    "a=\\\n\\\n  b\n",
)


def _found(text: str) -> dict[str, str] | None:
    """The values that we read; None if the file is refused."""
    rows, problems = read("properties", text.encode())
    return None if problems else {row.key: row.data.decode() for row in rows}


def _java(folder: Path, texts: list[str]) -> list[dict[str, str] | None]:
    (folder / "Read.java").write_text(_PROGRAM)
    for number, text in enumerate(texts):
        (folder / f"{number}.properties").write_bytes(text.encode())
    done = subprocess.run(
        [str(JAVA), "-Dfile.encoding=UTF-8", "Read.java", *(f"{number}.properties" for number in range(len(texts)))],
        cwd=folder, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return [None if line == "refused" else _decoded(line) for line in done.stdout.splitlines()]


def _decoded(line: str) -> dict[str, str]:
    pairs = (pair.split(":") for pair in line.split(" ")[1:])
    return {base64.b64decode(key).decode(): base64.b64decode(value).decode() for key, value in pairs}


@pytest.mark.slow
@pytest.mark.skipif(JAVA is None, reason="Java is not installed")
def test_java_reads_the_same_values_from_the_same_files(tmp_path: Path) -> None:
    texts = [
        "", " ", "  lead and trail  ", "two\nlines\r\n", "\t\f", "#x", "!x", "=", ":", "\\", "end\\", "\\u0041",
        "ü✓😀", "\x00\x1b\x7f\x85\u2028\ufeff", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", "$HOME `x` '\"",
    ]  # fmt: skip
    values = [WritableValue(f"k.{number}", text.encode(), "text/plain") for number, text in enumerate(texts)]
    written, _ = write("properties", values, "any")
    keys, _ = write(
        "properties", [WritableValue(key, b"v", "text/plain") for key in ("a b", "a:b=c", "#a", "!b", "ü")], "any"
    )
    *read_by_java, of_values, of_keys = _java(tmp_path, [*FILES, written, keys])
    assert dict(zip(FILES, read_by_java, strict=True)) == {text: _found(text) for text in FILES}
    assert of_values == {value.key: value.data.decode() for value in values}
    assert of_keys == dict.fromkeys(("a b", "a:b=c", "#a", "!b", "ü"), "v")
    assert written.isascii()


@pytest.mark.slow
@pytest.mark.skipif(JAVA is None, reason="Java is not installed")
def test_java_reads_any_file_as_we_do(tmp_path: Path) -> None:
    draw = random.Random(7)  # noqa: S311  # texts to try
    texts = ["".join(draw.choices("ab=: \t\f\\#!u0\n\r", k=draw.randrange(14))) for _ in range(1_500)]
    for text, found in zip(texts, _java(tmp_path, texts), strict=True):
        rows, problems = read("properties", text.encode())
        if found is None:
            assert problems, repr(text)
        elif not problems:
            ours = {row.key: row.data.decode() for row in rows if row.key or row.data}
            # Java reads a backslash at the end of the file as an empty key.
            assert ours == {key: value for key, value in found.items() if key or value}, repr(text)
        else:  # Java accepts two things that we refuse: a key without a value, and a duplicate key
            assert all("no value" in each.reason or each.key is not None for each in problems), repr(text)


@pytest.mark.parametrize(
    ("text", "place", "key"),
    [
        (f"a=1\n\n{CANARY}\n", "line 3", None),
        (f"a=1\nb=2\\\n 3\na={CANARY}\n", "line 4", "a"),
        (f"a=1\nb={CANARY}\\u12\n", "line 2", None),
        ("a=\\ud83d\n", "line 1", None),
    ],
)
def test_faults_are_named_by_line(text: str, place: str, key: str | None) -> None:
    _, problems = read("properties", text.encode())
    assert [(each.place, each.key) for each in problems] == [(place, key)]
    assert CANARY not in str(problems[0])


def test_a_comment_marks_json_and_the_ending_tells_the_format() -> None:
    rows, _ = read("properties", b"# configsvc: application/json\na={}\n# other\nb={}\n")
    assert [row.content_type for row in rows] == ["application/json", "text/plain"]
    assert guess_format("application-prod.properties") == "properties"


def test_a_value_of_hundreds_of_thousands_of_lines_is_read_at_once() -> None:
    rows, problems = read("properties", b"a=x\\\n" * 300_000 + b"b")  # took minutes when the text grew line by line
    assert not problems
    assert [(row.key, len(row.data)) for row in rows] == [("a", 1 + 299_999 * 3 + 1)]
