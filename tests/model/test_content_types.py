"""The table of content types. These tests fail if a new row is missing elsewhere."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

from configsvc.model import names
from configsvc.model.content_types import KINDS, LISTED, infer_content_type, refuse_plain
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import CONTENT_TYPES, ContentType, is_content_type
from configsvc_client._opening.value import READERS, read_value
from configsvc_client._secret import Secret
from configsvc_client.admin.sealing.drafts import make_draft
from configsvc_client.cli import formats
from configsvc_client.cli.formats._common import WritableValue
from configsvc_client.cli.values import checks

ROOT = Path(__file__).parents[2]
KEY = names.parse_key("k")
SAMPLES: Mapping[ContentType, object] = {
    "text/plain": "žluťoučký\n",
    "application/json": {"a": [1, None, True]},
    "application/octet-stream": b"\x00\xff",
}
"""A sample value of each content type."""


def test_each_content_type_has_a_row_a_reader_and_a_sample() -> None:
    assert set(KINDS) == set(READERS) == set(SAMPLES) == set(get_args(ContentType)) == set(CONTENT_TYPES)
    assert all(is_content_type(each) and each in LISTED for each in KINDS)
    assert len({kind.suffix for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_each_content_type_is_read_back_unchanged(kind: ContentType) -> None:
    put = make_draft("k", SAMPLES[kind])  # type: ignore[arg-type]  # a value of any kind
    assert (put.content_type, infer_content_type(SAMPLES[kind])) == (kind, kind)
    read = read_value("k", kind, Secret(put.data))
    assert read == SAMPLES[kind]
    assert same_value(kind, put.data, put.data)
    checks.check_content("k", put.data, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_only_text_types_are_stored_plain(kind: ContentType) -> None:
    text = json.dumps("a") if KINDS[kind].is_json else "a"
    assert (refuse_plain(KEY, kind, text) is None) == KINDS[kind].is_text
    assert (refuse_plain(KEY, kind, "{") is None) == (KINDS[kind].is_text and not KINDS[kind].is_json)


@pytest.mark.parametrize("name", ["yaml", "json", "csv", "k8s-secret"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_format_with_types_holds_each_content_type(name: str, kind: ContentType) -> None:
    data = make_draft("k", SAMPLES[kind]).data  # type: ignore[arg-type]  # as above
    text, problems = formats.write(name, [WritableValue("k", data, kind)], "payments.prod")
    rows, more = formats.read(name, text.encode())
    assert [*problems, *more] == []
    assert [row.content_type for row in rows] == [kind]
    assert same_value(kind, rows[0].data, data)


@pytest.mark.parametrize("spelled", [each for each in KINDS if not KINDS[each].is_json])
def test_no_module_spells_a_content_type_but_the_table_and_what_readers_load_early(spelled: str) -> None:
    sources = [path for folder in ("configsvc", "client") for path in (ROOT / folder).rglob("*.py")]
    spelling = re.compile(rf'(?<!examples=\[)"{spelled}"')
    found = {path.name for path in sources if spelling.search(path.read_text())}
    assert found == {"content_types.py", "snapshot.py", "value.py"}
