"""The keys that a file becomes: flattened, stripped, mapped, separated, in this order. Collisions are refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.errors import InvalidName
from configsvc_client.cli.exit_codes import Problems
from configsvc_client.cli.values import renaming
from configsvc_client.cli.values.loading import load_rows
from configsvc_client.cli.values.renaming import Shaping, advise_option
from tests.support.cli.shell import Shell

CANARY = "canary-c01d"


@click.command()
@renaming.add_options
def _probe(shaping: Shaping) -> Shaping:
    return shaping


def _shaped(*arguments: str) -> Shaping:
    """The shaping that the options describe."""
    found = _probe.main([*arguments], standalone_mode=False)
    assert isinstance(found, Shaping)
    return found


def _found(text: str, *arguments: str, name: str = "a.json") -> dict[str, tuple[str, str]]:
    rows = load_rows(name, text.encode(), None, _shaped(*arguments), "Nothing was stored.").rows
    return {row.key: (row.data.decode(), row.content_type) for row in rows}


def _names(keys: list[str], *arguments: str) -> list[str]:
    return list(_found(json.dumps(dict.fromkeys(keys, "x")), *arguments))


def _refused(text: str, *arguments: str, name: str = "a.json") -> str:
    with pytest.raises(click.UsageError) as caught:
        _found(text, *arguments, name=name)
    error = caught.value
    shown = "\n".join([error.format_message(), *(error.problems if isinstance(error, Problems) else ())])
    assert CANARY not in shown
    return shown


NESTED = """
db: {url: x, pool: {max: 5, min: 1.10}}
list: [{a: 1}, 2]
empty: {}
none: null
top: text
deep: {a: {b: {c: {}}}, flag: true, bytes: {$base64: eA==}, json: {$json: '"t"'}}
"""


def test_nested_mappings_become_keys_and_lists_stay_json() -> None:
    expected = {
        "db.url": ("x", "text/plain"),
        "db.pool.max": ("5", "application/json"),
        "db.pool.min": ("1.10", "application/json"),
        "list": ('[{"a":1},2]', "application/json"),
        "empty": ("{}", "application/json"),
        "none": ("null", "application/json"),
        "top": ("text", "text/plain"),
        "deep.a.b.c": ("{}", "application/json"),
        "deep.flag": ("true", "application/json"),
        "deep.bytes": ("x", "application/octet-stream"),
        "deep.json": ('"t"', "application/json"),
    }
    assert _found(NESTED, "--flatten", name="a.yaml") == expected
    assert _found('[db]\nurl = "x"\npool.max = 5\n', "--flatten", name="a.toml") == {
        "db.url": ("x", "text/plain"), "db.pool.max": ("5", "application/json"),
    }  # fmt: skip
    assert _found('{"db": {"n": 12345678901234567890.25}}', "--flatten")["db.n"][0] == "12345678901234567890.25"


def test_without_the_option_a_nested_mapping_is_one_value() -> None:
    assert _found('{"db": {"url": "x"}}') == {"db": ('{"url":"x"}', "application/json")}


trees = st.recursive(
    st.text(max_size=3),
    lambda inner: st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, min_size=1),
    max_leaves=9,
)


@given(tree=st.dictionaries(st.text("ab", min_size=1, max_size=2), trees))
def test_flattening_loses_nothing(tree: dict[str, object]) -> None:
    def leaves(at: str, found: object) -> dict[str, object]:
        if not isinstance(found, dict):
            return {at: found}
        return {key: each for name, held in found.items() for key, each in leaves(f"{at}.{name}", held).items()}

    expected = {key[1:]: each for key, each in leaves("", tree).items()}
    assert {key: data for key, (data, _) in _found(json.dumps(tree), "--flatten").items()} == expected


def test_a_key_from_two_places_is_refused_with_both() -> None:
    text = f'{{"db.url": "{CANARY}", "db": {{"url": "{CANARY}"}}}}'
    assert "db.url: comes from both db.url and db: url" in _refused(text, "--flatten").replace(
        "line 1 (db.url)", "db.url"
    )
    assert "--flatten works only with json, toml, yaml" in _refused("A=1\n", "--flatten", name="a.env")


@pytest.mark.parametrize(
    ("keys", "options", "expected"),
    [
        (["/shop/db/url", "/shop/pool"], ["--strip-prefix", "/shop/", "--separator", "/"], ["db.url", "pool"]),
        (["/shop/prod/db/url"], ["--separator", "/"], ["shop.prod.db.url"]),
        (["DB__URL", "LOG__LEVEL__", "A_B"], ["--separator", "__"], ["DB.URL", "LOG.LEVEL", "A_B"]),
        (["a/b__c", "d//e"], ["--separator", "/", "--separator", "__"], ["a.b.c", "d.e"]),
        (["APP_A", "APP_DB_B", "OTHER"], ["--strip-prefix", "APP_", "--strip-prefix", "APP_DB_"], ["A", "B", "OTHER"]),
        (["DB_URL", "DB_POOL"], ["--map", "^DB_=db."], ["db.URL", "db.POOL"]),
        (["x_url"], ["--map", r"(.*)_url=\1.url", "--map", "^x=y"], ["y.url"]),
        (["a:b"], ["--map", ":="], ["ab"]),
        (["P_a/b"], ["--separator", "/", "--map", "^a=c", "--strip-prefix", "P_"], ["c.b"]),
        ([".dockerconfigjson"], ["--strip-prefix", "."], ["dockerconfigjson"]),
        (["prodDbUrl"], ["--strip-prefix", "prod"], ["DbUrl"]),
    ],
)  # fmt: skip
def test_keys_are_renamed_in_the_documented_order(keys: list[str], options: list[str], expected: list[str]) -> None:
    assert _names(keys, *options) == expected


@pytest.mark.parametrize(
    ("keys", "options", "told"),
    [
        (["a/b", "a.b"], ["--separator", "/"], "a.b: would be named a.b, as a/b would"),
        (["A_x", "x"], ["--strip-prefix", "A_"], "x: would be named x, as A_x would"),
        (["A_"], ["--strip-prefix", "A_"], "A_: the new name would be empty"),
        (["APP_URL"], ["--strip-prefix", "APP"], "APP_URL: would be named _URL; to remove the _ as well"),
        (["db.url"], ["--strip-prefix", "db"], "db.url: would be named .url; to remove the . as well"),
        (["db-url"], ["--strip-prefix", "db"], "to remove the - as well: --strip-prefix db-"),
        (["APPLE", "APP"], ["--strip-prefix", "APP"], "APPLE: APP ends in the middle of a word"),
        (["a", "b"], ["--map", "b=a"], "b: would be named a, as a would"),
        (["a"], ["--strip-prefix", "B_"], "No key starts with B_. Correct --strip-prefix B_, or drop it."),
        (["a"], ["--map", "^b=c"], "No key matches ^b. Correct --map ^b=c, or drop it."),
        (["a"], ["--map", "(=c"], "( is not a Python regular expression"),
        (["a"], ["--map", r"a=\2"], r"\2 cannot replace a"),
        (["a"], ["--map", r"a=\g<x>"], r"\g<x> cannot replace a"),
        (["a"], ["--map", "a"], "REGEX=REPLACEMENT"),
        (["a"], ["--map", "=a"], "REGEX=REPLACEMENT"),
        (["a"], ["--separator", ""], "--separator is empty. Pass a text."),
        (["a"], ["--strip-prefix", ""], "--strip-prefix is empty. Pass a text."),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_renamed_are_refused(keys: list[str], options: list[str], told: str) -> None:
    shown = _refused(json.dumps(dict.fromkeys(keys, CANARY)), *options)
    assert told in shown.replace("line 1 (", "").replace("):", ":"), shown


@pytest.mark.parametrize(
    "key", ["/a/b", "a/b", "a:b", "a b", "über", "a$b", "[0]", "a'b", ".a", "--a", "a\\b", "a=b"],
)  # fmt: skip
def test_the_option_that_is_suggested_makes_a_valid_key(key: str) -> None:
    words = advise_option(key).split(" turns ")[0].split(" replaces ")[0].split(" removes ")[0]
    (found,) = _names([key], *shlex.split(words))
    names.parse_key(found)
    with pytest.raises(InvalidName):
        names.parse_key(key)


def test_a_valid_key_needs_no_option() -> None:
    assert (advise_option("db.url"), advise_option("a" * 300)) == ("", "")


def test_the_plan_and_the_summary_show_what_is_renamed(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"APP_db: {{url: {CANARY}, pool: 5}}\nlog: info\n")
    options = ("--flatten", "--strip-prefix", "APP_", "--plain", "db.pool")
    plan = shell.run("import", path, *options, "--dry-run")
    assert [line.split("\t")[::5] for line in plan.out.splitlines()] == [
        ["db.url", "APP_db: url"], ["db.pool", "APP_db: pool"], ["log", "log"],
    ]  # fmt: skip
    assert json.loads(shell.ok("import", path, *options, "--dry-run", "-o", "json"))[0]["from"] == "APP_db: url"
    stored = shell.run("import", path, *options)
    assert (stored.code, "3 new (2 keys renamed)" in stored.err) == (0, True)
    assert shell.ok("get", "db.url") == CANARY
    assert json.loads(shell.ok("import", path, *options, "-o", "json"))["renamed"] == 2
    assert shell.ok("diff", path, *options[:3]) == ""
    alone = shell.run("diff", "--from", "1", "--flatten")
    assert (alone.code, "need a FILE" in alone.err) == (2, True)


def test_an_invalid_name_is_reported_with_its_line_and_an_option(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"good: x\n/shop/db/url: {CANARY}\n")
    done = shell.run("import", path)
    assert (done.code, CANARY in done.err) == (2, False)
    assert "line 2 (/shop/db/url): A key is 1 to 255" in done.err
    assert "--separator / turns / into dots." in done.err
    assert shell.ok("import", path, "--separator", "/") == ""
    assert shell.ok("get", "shop.db.url") == CANARY
