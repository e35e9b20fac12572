from __future__ import annotations

import os
import subprocess

import pytest

from configsvc.model.errors import Unprocessable
from configsvc_client._reading.variables import Advice, check_room, compute_room, make_variable_name, make_variables

TRUE = "/bin/true"
ADVICE = Advice("Leave it out.", "Take one of each.")


def test_variables_are_upper_case_with_underscores() -> None:
    assert make_variables({"db.url": b"x", "a-b_c": "é".encode()}, ADVICE).found == {"DB_URL": "x", "A_B_C": "é"}


@pytest.mark.parametrize(
    "values", [{"a.b": b"1", "a-b": b"2"}, {"a.b": b"1", "A_B": b"2"}, {"a": b"\xff"}, {"a": b"x\0y"}]
)
def test_what_no_environment_can_hold_is_refused_by_name(values: dict[str, bytes]) -> None:
    with pytest.raises(Unprocessable) as caught:
        make_variables(values, ADVICE)
    assert all(name in caught.value.detail for name in values)


def test_all_keys_that_cannot_be_variables_are_named_together_with_advice() -> None:
    values = {"a.b": b"1", "a-b": b"2", "A_B": b"3", "c.d": b"4", "c-d": b"5", "path": b"6", "node.options": b"7",
              "blob": b"\xff", "ok": b"8"}  # fmt: skip
    with pytest.raises(Unprocessable) as caught:
        make_variables(values, ADVICE)
    assert caught.value.detail == (
        "path would set PATH, which can run code or change whom you trust. node.options would set NODE_OPTIONS, which "
        "can run code or change whom you trust. Leave it out. a.b, a-b and A_B would all be A_B. c.d and c-d would "
        "both be C_D. Take one of each. blob holds bytes, which no variable can. Read it by itself."
    )
    assert caught.value.members == {"key": "path"}


@pytest.mark.parametrize("key", ["path", "LD.PRELOAD", "ld_library-path", "PythonPath", "dyld.x", "node.options"])
def test_a_dangerous_variable_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(Unprocessable, match=r"can run code or change whom you trust\. Do this\.$") as caught:
        make_variables({"db.url": b"x", key: b"/theirs"}, Advice("Do this.", ""))
    assert f"{key} would set {make_variable_name(key)}" in caught.value.detail


def test_an_allow_list_narrows_and_what_it_leaves_out_is_named() -> None:
    found = make_variables({"db.url": b"x", "db.pool": b"5", "log.level": b"info"}, ADVICE, lambda _: ["DB_*"])
    assert found == ({"DB_URL": "x", "DB_POOL": "5"}, ("LOG_LEVEL",))
    assert make_variables({"db.url": b"x"}, ADVICE, lambda _: []) == ({}, ("DB_URL",))


@pytest.mark.parametrize(
    "patterns", [["*"], ["GIT_*"], ["*GIT_SSH_COMMAND"], ["GIT_SSH_COMMAND*"], ["GIT_SSH_COMMAN*"]]
)
def test_a_pattern_opens_no_dangerous_variable(patterns: list[str]) -> None:
    with pytest.raises(Unprocessable, match="GIT_SSH_COMMAND"):
        make_variables({"git.ssh_command": b"touch /tmp/x"}, ADVICE, lambda _: patterns)


def test_a_literal_name_opens_a_dangerous_variable() -> None:
    assert make_variables({"https.proxy": b"p"}, ADVICE, lambda _: ["*", "HTTPS_PROXY"]).found == {"HTTPS_PROXY": "p"}


def test_the_allow_list_is_that_of_the_key() -> None:
    lists = {"a.x": ["A_*"], "b.x": ["A_*"]}
    assert make_variables({"a.x": b"1", "b.x": b"2"}, ADVICE, lists.get) == ({"A_X": "1"}, ("B_X",))


def test_one_variable_takes_what_the_system_takes_and_not_a_byte_more() -> None:
    most = 131_071 - len("A=")
    assert len(make_variables({"a": b"x" * most}, ADVICE).found["A"]) == most
    subprocess.run([TRUE], env={"A": "x" * most}, check=True)
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run([TRUE], env={"A": "x" * (most + 1)}, check=True)
    with pytest.raises(Unprocessable, match=r"131,072 bytes.*131,071") as caught:
        make_variables({"a": b"x" * (most + 1)}, ADVICE)
    assert "xx" not in caught.value.detail


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(Unprocessable, match="131,07"):
        make_variables({"a": "é".encode() * 65_535}, ADVICE)


def test_what_old_versions_of_bash_run_is_refused() -> None:
    with pytest.raises(Unprocessable, match="shell function"):
        make_variables({"a": b"() { :; }; touch /tmp/x"}, ADVICE)


def test_all_variables_together_fit_what_the_system_takes() -> None:
    environ = {f"K{number}": "x" * 100_000 for number in range(compute_room(os.sysconf("SC_ARG_MAX")) // 100_000 - 1)}
    check_room(environ, [TRUE])
    subprocess.run([TRUE], env=environ, check=True)
    with pytest.raises(Unprocessable, match="All variables together"):
        check_room({**environ, **{f"MORE{number}": "x" * 100_000 for number in range(2)}}, [TRUE])


@pytest.mark.parametrize(
    ("arg_max", "room"), [(2_097_152, 2_097_152), (2**62, 6 * 1024**2), (-1, 131_072), (4096, 131_072)]
)
def test_the_room_is_what_linux_allows(arg_max: int, room: int) -> None:
    assert compute_room(arg_max) == room
