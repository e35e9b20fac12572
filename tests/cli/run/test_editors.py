"""The choice of an editor, refused editors, and the answers about a draft."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.run.editors import Editor
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Done, Shell

CANARY = "canary-c0ffee"


@pytest.fixture(autouse=True)
def _served(service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    service.requests.clear()


def _refusal(environ: dict[str, str], *, terminal: bool = True) -> str:
    with pytest.raises(Misconfigured) as raised:
        Editor({"TERM": "xterm", **environ}, terminal=terminal)
    return raised.value.detail


@pytest.mark.parametrize(
    ("editor", "advised"),
    [
        ("code", "code --wait"),
        ("code -n", "code -n --wait"),
        ("/usr/bin/code-insiders", "/usr/bin/code-insiders --wait"),
        ("cursor", "cursor --wait"),
        ("codium --reuse-window", "codium --reuse-window --wait"),
        ("subl", "subl --wait"),
        ("subl -n", "subl -n --wait"),
        ("mate", "mate --wait"),
        ("/usr/local/bin/atom", "/usr/local/bin/atom --wait"),
        ("zed", "zed --wait"),
        ("gedit", "gedit --wait"),
        ("gnome-text-editor", "gnome-text-editor --standalone"),
        ("kate", "kate --block"),
        ("gvim", "gvim -f"),
        ("open -t", "open -t -W -n"),
        ("pycharm", "pycharm --wait"),
    ],
)
def test_an_editor_that_returns_early_is_refused_with_its_wait_option(editor: str, advised: str) -> None:
    for name in ("EDITOR", "VISUAL"):
        assert f"{name}='{advised}'" in _refusal({name: editor})


@pytest.mark.parametrize(
    "editor",
    ["code --wait", "code -w", "code -nw", "subl -nw", "subl -w -n", "gvim -f", "gvim --nofork", "kate -b",
     "open -W -n -t", "vi", "nano", "emacsclient -t", "emacs -nw", "sed -i s/a/b/", "my-code", "~/bin/ed",
     "'/Applications/Atom.app/Contents/MacOS/Atom' -w"],
)  # fmt: skip
def test_an_editor_that_waits_is_accepted(editor: str) -> None:
    assert Editor({"EDITOR": editor}, terminal=False)


def test_editors_that_never_wait_are_refused() -> None:
    assert "an editor that waits" in _refusal({"EDITOR": "xdg-open"})
    assert "--no-wait" in _refusal({"EDITOR": "emacsclient --no-wait"})


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"EDITOR": 'vim "a'}, "EDITOR is not a command"),
        ({"VISUAL": "vim 'a", "EDITOR": "vi"}, "VISUAL is not a command"),
        ({"EDITOR": '""'}, "EDITOR names no command"),
        ({"TERM": "dumb"}, "Set EDITOR"),
        ({"TERM": ""}, "Set EDITOR"),
        ({"EDITOR": " \t", "TERM": "dumb"}, "Set EDITOR"),
    ],
)
def test_a_misspelled_editor_is_reported(environ: dict[str, str], says: str) -> None:
    assert says in _refusal(environ)


def test_a_blank_variable_counts_as_not_set() -> None:
    assert Editor({"VISUAL": " ", "EDITOR": "\n", "TERM": "xterm"}, terminal=True)
    assert "No editor is set" in _refusal({"VISUAL": " ", "EDITOR": ""}, terminal=False)


def test_without_a_terminal_or_editor_the_service_is_not_asked(shell: Shell, service: Loopback) -> None:
    told = shell.run("edit", "k")
    assert (told.code, "No editor is set" in told.err, "configsvc put KEY -" in told.err) == (2, True, True)
    assert not service.requests


def test_a_script_edits_without_a_terminal(shell: Shell) -> None:
    shell.but(EDITOR="sed -i s/canary/bird/").ok("edit", "k")
    assert shell.ok("get", "k") == CANARY.replace("canary", "bird")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("editor", "says"),
    [
        ("/etc", "it is a folder"),
        ("/etc/passwd", "Permission denied"),
        ("no-such-editor", "command not found"),
        ("rm", "edited file cannot be read"),
        ("false", "failed with exit code 1"),
    ],
)
def test_an_editor_that_does_not_work_stores_nothing(shell: Shell, editor: str, says: str) -> None:
    told = shell.but(EDITOR=editor).run("edit", "k")
    assert (told.code, says in told.err, CANARY in told.err, len(told.err.splitlines())) == (2, True, False, 1), told
    assert shell.ok("get", "k") == CANARY


def test_an_editor_in_the_home_folder_is_found(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "my editor").write_text('#!/bin/sh\nprintf new > "$1"\n')
    (tmp_path / "my editor").chmod(stat.S_IRWXU)
    shell.but(HOME=str(tmp_path), EDITOR="'~/my editor'").ok("edit", "k")
    assert shell.ok("get", "k") == "new"


def test_an_unchanged_edit_reminds_of_editors_that_return_early(shell: Shell, tmp_path: Path) -> None:
    for name, reminded in (("unknown", True), ("vim", False)):
        (tmp_path / name).symlink_to("/bin/true")
        told = shell.but(EDITOR=str(tmp_path / name)).on_terminal("edit", "k")
        assert (told.code, "make it wait" in told.out) == (0, reminded), told


def _answered(shell: Shell, answer: str) -> Done:
    """An edit that is refused because it is not JSON, and the user's answer."""
    return shell.but(EDITOR="sed -i s/1/x/").on_terminal("edit", "json", typed={"(edit, quit): ": answer})


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("q", 1), ("Q", 1), ("qu", 1), ("quit", 1), ("\x04", 1), ("\x03", 130)])
def test_a_letter_or_end_of_input_decides_about_a_draft(
    shell: Shell, service: Loopback, namespace: str, answer: str, code: int
) -> None:
    service.admin().values.put(namespace, "json", {"a": 1})
    told = _answered(shell, answer)
    assert (told.code, "Traceback" in told.out, shell.ok("get", "json")) == (code, False, '{"a":1}'), told
    assert ("draft was discarded" in told.out) == (code == 1)


def test_an_answer_that_is_none_is_asked_for_again(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "json", {"a": 1})
    typed = {"(edit, quit): ": "x", "The first letter is enough.": "q"}
    told = shell.but(EDITOR="sed -i s/1/x/").on_terminal("edit", "json", typed=typed)
    assert told.code == 1


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("ln -s {other} {it}", "it is a link"),
        ("mkfifo {it}", "it is not a regular file"),
        ("ln -s /dev/zero {it}", "it is a link"),
    ],
)
def test_a_link_pipe_or_folder_left_by_an_editor_is_not_stored(
    shell: Shell, service: Loopback, tmp_path: Path, made: str, says: str
) -> None:
    (other := tmp_path / "other").write_text("of another file")
    (editor := tmp_path / "ed").write_text(
        f'#!/bin/sh\nrm "$1"\n{made.format(other=other, it=chr(34) + "$1" + chr(34))}\n'
    )
    editor.chmod(0o700)
    told = shell.but(EDITOR=str(editor)).run("edit", "k")
    assert (told.code, says in told.err) == (2, True), told
    assert not [each for each in service.requests if not each.startswith("GET")]
