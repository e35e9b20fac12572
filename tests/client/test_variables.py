from __future__ import annotations

import pytest

from configsvc.model.errors import Unprocessable
from configsvc_client._variables import variables


def test_variables_are_upper_case_with_underscores() -> None:
    assert variables({"db.url": b"x", "a-b_c": "é".encode()}, "") == {"DB_URL": "x", "A_B_C": "é"}


@pytest.mark.parametrize(
    "values", [{"a.b": b"1", "a-b": b"2"}, {"a.b": b"1", "A_B": b"2"}, {"a": b"\xff"}, {"a": b"x\0y"}]
)
def test_what_no_environment_can_hold_is_refused_by_name(values: dict[str, bytes]) -> None:
    with pytest.raises(Unprocessable) as caught:
        variables(values, "")
    assert all(name in caught.value.detail for name in values)


@pytest.mark.parametrize("key", ["path", "LD.PRELOAD", "ld_library-path", "PythonPath", "dyld.x", "node.options"])
def test_a_key_that_would_choose_what_code_is_run_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(Unprocessable, match=r"chooses what code is run\. Do this\.$") as caught:
        variables({"db.url": b"x", key: b"/theirs"}, "Do this.")
    assert f"{key} would set {key.upper().replace('.', '_').replace('-', '_')}" in caught.value.detail
