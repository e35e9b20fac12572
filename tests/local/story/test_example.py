from pathlib import Path

import pytest

from local.story.example import EXAMPLE, LARGE_KEY, all_keys, import_arguments, move_url


def test_the_whole_example_is_imported_where_nothing_is_held(tmp_path: Path) -> None:
    file, *rules = import_arguments(tmp_path)

    assert Path(file).read_bytes() == EXAMPLE.read_bytes()
    assert rules[-2:] == ["--file", f"{LARGE_KEY}={tmp_path / 'bin-table.jsonl'}"]


def test_what_is_held_is_not_imported_again(tmp_path: Path) -> None:
    file, *rules = import_arguments(tmp_path, {"log.level", "receipts.signing_key", LARGE_KEY})
    text = Path(file).read_text()

    assert "log.level=" not in text
    assert "BEGIN PRIVATE KEY" not in text
    assert "log.format=json\n" in text
    assert "--file" not in rules


def test_nothing_is_left_to_import_where_every_key_is_held(tmp_path: Path) -> None:
    file, *_ = import_arguments(tmp_path, all_keys())

    assert not [line for line in Path(file).read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("url", "then"),
    [
        ("postgres://a:b@db.internal.example.com:5432/c?d=e", "postgres://a:b@db-1.internal.example.com:5432/c?d=e"),
        ("postgres://a:b@db-9.internal.example.com", "postgres://a:b@db-10.internal.example.com"),
        ("postgres://me@localhost/mine", "postgres://me@localhost/mine-1"),
        ("mine-41", "mine-42"),
        ("", "-1"),
        ("two\nlines\n", "two\nlines\n-1"),
        ("-12345678901234567890", "-12345678901234567890-1"),
        ('{"host": "db"}', '{"host": "db"}-1'),
        ("\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}-1"),
    ],
)
def test_the_database_moves_whatever_its_url_is(url: str, then: str) -> None:
    assert move_url(url) == then
