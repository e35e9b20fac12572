"""Every command with streams closed, full or unread, in other locales and on a terminal: words, not tracebacks."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli import matrix
from tests.support.cli.matrix import Command, Result

# As in docs/CLI.md.
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 130}

LOCALES = {
    "LANG=C": {"LANG": "C"},
    "LC_ALL=POSIX without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    "LC_ALL=C without UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "PYTHONIOENCODING=latin-1": {"PYTHONIOENCODING": "latin-1"},
    "PYTHONIOENCODING=ascii": {"PYTHONIOENCODING": "ascii:strict"},
}
LOST = {"closed": ">&-", "full": ">/dev/full", "only for reading": ">&- 1</dev/null"}
FEW: tuple[Command, ...] = (("get",), ("log",), ("put",), ("exec",), ("namespace", "set"))
EXEC = ("exec",)  # its command has the streams


@pytest.fixture(scope="module")
def usual(service: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Command, Result]:
    """Runs each command in a pipe under UTF-8."""
    return matrix.run_all(service, tmp_path_factory.mktemp("usual"), matrix.run_in_pipes())


def _check(found: Mapping[Command, Result]) -> None:
    for words, each in found.items():
        said = each.out + each.err
        assert not [word for word in ("unexpectedly", "Traceback", "Exception ignored") if word in said], (words, each)
        assert each.code in DOCUMENTED, (words, each)


def _differing(found: Mapping[Command, Result], usual: Mapping[Command, Result]) -> dict[Command, object]:
    return {words: (usual[words], each) for words, each in found.items() if each != usual[words]}


@pytest.mark.slow
def test_every_command_does_something_in_a_pipe(usual: Mapping[Command, Result]) -> None:
    _check(usual)
    failed = {words: each for words, each in usual.items() if each.code}
    # These fail as they should: retiring the only data key, deleting a namespace with keys, trusting no file, Ctrl-C.
    assert failed.keys() <= {("data-key", "retire"), ("namespace", "delete"), ("trust",), ("watch",)}, failed


@pytest.mark.slow
def test_every_command_works_on_a_terminal(service: Loopback, tmp_path: Path, usual: Mapping[Command, Result]) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_on_terminal)
    _check(found)
    assert {words: each.code for words, each in found.items()} == {words: each.code for words, each in usual.items()}


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_every_command_gives_the_same_in_each_locale(
    service: Loopback, tmp_path: Path, usual: Mapping[Command, Result], locale: str
) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_in_pipes(**LOCALES[locale]))
    _check(found)
    assert not _differing(found, usual)


@pytest.mark.slow
def test_no_complete_command_needs_stdin(service: Loopback, tmp_path: Path, usual: Mapping[Command, Result]) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_in_pipes("<&-"))
    _check(found)
    assert not _differing(found, usual)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_no_command_fails_because_stderr_is_unread(
    service: Loopback, tmp_path: Path, usual: Mapping[Command, Result], redirection: str
) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_in_pipes(redirection))
    _check(found)
    unheard = {words: each._replace(err="") for words, each in usual.items()}
    assert not _differing(found, unheard)


@pytest.mark.slow
@pytest.mark.parametrize("lost", LOST)
def test_every_command_says_once_that_its_output_is_lost(
    service: Loopback, tmp_path: Path, usual: Mapping[Command, Result], lost: str
) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_in_pipes(LOST[lost]))
    _check(found)
    for words in found.keys() - {EXEC}:
        before, after = usual[words], found[words]
        if before.out:
            assert (after.code, after.err.count("stdout cannot be written")) == (1, 1), (words, after)
        else:
            assert after == before, words


@pytest.mark.slow
def test_every_command_ends_quietly_when_nobody_reads_it(
    service: Loopback, tmp_path: Path, usual: Mapping[Command, Result]
) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_without_reader)
    assert found.pop(EXEC).code == -signal.SIGPIPE  # as without configsvc
    _check(found)
    for words in found:
        assert found[words].code == (1 if usual[words].out else usual[words].code), (words, found[words])
        assert usual[words].err.startswith(found[words].err), (words, found[words])


@pytest.mark.slow
def test_every_command_survives_closed_streams(
    service: Loopback, tmp_path: Path, usual: Mapping[Command, Result]
) -> None:
    found = matrix.run_all(service, tmp_path, matrix.run_in_pipes("<&- >&- 2>&-"))
    _check(found)
    wrong = {
        words: each for words, each in found.items() if each.code != (1 if usual[words].out else usual[words].code)
    }
    assert not wrong


def test_some_commands_survive_closed_streams_in_foreign_locales(service: Loopback, tmp_path: Path) -> None:
    usual = matrix.run_all(service, tmp_path, matrix.run_in_pipes(), FEW)
    assert {each.code for each in usual.values()} == {0}, usual
    foreign = LOCALES["LC_ALL=POSIX without UTF-8 mode"]
    closed = matrix.run_all(service, tmp_path, matrix.run_in_pipes("<&- 2>&-", **foreign), FEW)
    latin = matrix.run_all(service, tmp_path, matrix.run_in_pipes(PYTHONIOENCODING="latin-1"), FEW)
    _check({**closed, **latin})
    assert not _differing(latin, usual)
    assert not _differing(closed, {words: each._replace(err="") for words, each in usual.items()})


def test_every_command_has_a_sample_invocation(service: Loopback, tmp_path: Path) -> None:
    place = matrix.Place("some.namespace", "A" * 43, tmp_path, service)
    lines = {
        words: matrix.make_command_line(words, command, place) for words, command in matrix.list_commands().items()
    }
    assert len(lines) > 40
    assert all(set(words) <= set(each) for words, each in lines.items())
