from __future__ import annotations

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc.model.names import parse_key
from configsvc.model.snapshot import Entry
from configsvc_client.admin import Draft, Opened
from configsvc_client.cli import exit_codes
from configsvc_client.cli.formats import FileRow
from configsvc_client.cli.values.planning import ImportRules, make_plan, select_to_open
from configsvc_client.cli.values.planning import make_drafts as drafts_of
from configsvc_client.cli.values.protection import FormPatterns

A = parse_key("a")


def _entry(form: str = "envelope", content_type: str = "text/plain") -> Entry:
    return Entry(A, 1, form, content_type, "sealed")  # type: ignore[arg-type]  # forms by name


def drafts(rows: list[FileRow], rules: ImportRules) -> tuple[list[Draft], dict[str, ConfigsvcError]]:
    """Names no form."""
    return drafts_of(rows, rules, lambda _, asked: asked)


def _opened(name: str, data: bytes) -> Opened:
    return Opened(parse_key(name), 1, "envelope", "text/plain", data)


def test_everything_is_sealed_text_but_for_what_the_patterns_name() -> None:
    rows = [FileRow("", "db.url", b"x"), FileRow("", "log.level", b"info"), FileRow("", "limits.json", b"{}")]
    made, refused = drafts(rows, ImportRules(FormPatterns(plain=["log.*", "limits.*"]), json=["*.json"]))
    assert [(each.form, each.content_type) for each in made] == [
        (None, "text/plain"),
        ("plain", "text/plain"),
        ("plain", "application/json"),
    ]
    assert not refused


def test_content_types_from_the_file_are_kept() -> None:
    rows = [FileRow("", "a", b"\xff", "application/octet-stream"), FileRow("", "b", b"1", "application/json")]
    made, _ = drafts(rows, ImportRules(json=["*"]))
    assert [each.content_type for each in made] == ["application/octet-stream", "application/json"]


def test_patterns_are_case_sensitive_as_keys_are() -> None:
    made, _ = drafts([FileRow("", "LOG.level", b"x")], ImportRules(FormPatterns(plain=["log.*"])))
    assert made[0].form is None


@pytest.mark.parametrize(
    ("served", "opened", "step"),
    [
        (None, None, "new"),
        (_entry(), _opened("a", b"1"), "unchanged"),
        (_entry(), _opened("a", b"2"), "changed"),
        (_entry(), CannotOpen("no"), "again"),
        (_entry(), None, "again"),
        (_entry(form="plain"), _opened("a", b"1"), "unchanged"),
        (_entry(form="plain"), _opened("a", b"2"), "unnamed"),
        (_entry(form="plain", content_type="application/json"), _opened("a", b"1"), "unnamed"),
        (_entry(form="kms"), None, "again"),
        (_entry(content_type="application/json"), _opened("a", b"1"), "changed"),
    ],
)
def test_served_values_decide_the_plan(served: Entry | None, opened: Opened | CannotOpen | None, step: str) -> None:
    made, _ = drafts([FileRow("", "a", b"1")], ImportRules())
    entries = [served] if served else []
    assert [each.step for each in make_plan(made, entries, {A: opened} if opened else {})] == [step]


@pytest.mark.parametrize(
    ("served", "step"),
    [(b'{ "b": [1],\n"a": 0 }', "unchanged"), (b'{"a": 0, "b": [1.0]}', "changed"), (b"no JSON", "changed")],
)
def test_equal_json_is_unchanged_in_any_spelling(served: bytes, step: str) -> None:
    made, _ = drafts([FileRow("", "a", b'{"a":0,"b":[1]}', "application/json")], ImportRules())
    opened = Opened(A, 1, "envelope", "application/json", served)
    assert [each.step for each in make_plan(made, [_entry(content_type="application/json")], {A: opened})] == [step]


def test_only_what_could_be_unchanged_is_opened() -> None:
    made, _ = drafts([FileRow("", "a", b"1")], ImportRules())
    other = _entry()._replace(key=parse_key("other"))
    assert select_to_open(made, [_entry(), other]) == [_entry()]
    named, _ = drafts([FileRow("", "a", b"1")], ImportRules(FormPatterns(seal=["a"])))
    assert select_to_open(named, [_entry(form="kms"), other]) == []


@pytest.mark.parametrize("form", ["envelope", "plain", "kms"])
def test_a_form_from_an_option_is_never_left_unchanged(form: str) -> None:
    for wanted in (FormPatterns(seal=["*"]), FormPatterns(kms=["*"]), FormPatterns(plain=["*"])):
        made, _ = drafts([FileRow("", "a", b"1")], ImportRules(wanted))
        step = make_plan(made, [_entry(form)], {A: _opened("a", b"1")})[0].step
        assert step == ("unchanged" if wanted.form("a") == form else "changed")


def test_of_several_options_the_one_that_protects_more_counts() -> None:
    assert FormPatterns(["a"], ["*"], ["*"]).form("a") == "envelope"
    assert FormPatterns(["a"], ["*"], ["b"]).form("b") == "kms"
    assert FormPatterns(["a"], ["*"], ["b"]).form("c") == "plain"


def _tree(root: type[ConfigsvcError]) -> list[type[ConfigsvcError]]:
    return [root, *(each for sub in root.__subclasses__() for each in _tree(sub))]


@pytest.mark.parametrize("error", _tree(ConfigsvcError))
def test_every_error_has_an_exit_code_and_at_most_two_lines(error: type[ConfigsvcError]) -> None:
    code = exit_codes.get_code(error("What happened."))
    by_status = {403: 4, 404: 3, 410: 3, 409: 5, 412: 5, 428: 5, 429: 6, 503: 6}
    if error.status in by_status:
        assert code == by_status[error.status]
    assert 1 <= code <= 6
    assert len(exit_codes.get_lines(error("What happened."))) <= 2


def test_a_fault_of_ours_is_told_without_its_text() -> None:
    try:
        raise ValueError("canary-88")  # noqa: TRY301  # its traceback is what is looked at
    except ValueError as error:
        told = exit_codes.describe_unexpected(error)
    assert "ValueError" in told
    assert "test_planning.py" in told
    assert "canary-88" not in told
