"""Exit codes by kind of error, and error messages of one or two lines.

0 success · 1 failure · 2 wrong usage or settings · 3 not found · 4 forbidden · 5 precondition or conflict · 6 throttled
or unavailable · 7 a difference was found (with `--exit-code`) · 130 interrupted; `exec` exits with the code of its
command (126 or 127 if it cannot be started, as in a shell).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from configsvc.model import errors
from configsvc.model.retry import get_retry_after
from configsvc_client.cli import INSTALL, option_advice

FAILED = 1
USAGE = 2
DIFFERENT = 7
INTERRUPTED = 130

_FORBIDDEN = 4
_A_LITTLE = 10  # seconds
_LISTED = 100  # problems of a file; the first ones show what is wrong
_UNREACHED = frozenset({"connection", "deadline", "certificate"})
_UNREACHED_NEXT = "Is that address correct? To check your setup: configsvc doctor"

# HTTP terms in the API's errors, and what they are on the command line.
_WORDS = {
    '"declassify": true': "--declassify",
    "If-Match or If-None-Match: * (in a change set if_match or create_only)": "--if-match or --create-only",
    "If-Match (in a change set if_match)": "--if-match",
    "If-None-Match (in a change set create_only)": "--create-only",
}

_KINDS: tuple[tuple[type[errors.ConfigsvcError], int], ...] = (
    (errors.InvalidName, USAGE),
    (errors.Misconfigured, USAGE),
    (errors.NotFound, 3),
    (errors.Gone, 3),
    (errors.Forbidden, _FORBIDDEN),
    (errors.Conflict, 5),
    (errors.PreconditionFailed, 5),
    (errors.PreconditionRequired, 5),
    (errors.Throttled, 6),
    (errors.Unavailable, 6),
    (errors.ConfigUnavailable, 6),
)

_NEXT: tuple[tuple[type[errors.ConfigsvcError], str], ...] = (
    (errors.VersionClaimed, "Others are writing the same key. Read it again, then repeat."),
    (errors.PreconditionFailed, "It has changed since you read it. Read it again, then repeat."),
    (errors.PreconditionRequired, "configsvc list shows the revision of each key."),
    (errors.Throttled, "Wait a little, then repeat: a write that succeeded is not repeated."),
)

_OURS = frozenset({"configsvc", "configsvc_client"})
_OVERTAKEN = "Someone else wrote the key in the meantime. Run the command again."


class ExitMessage(Exception):
    """An error as the command reports it: its lines and the exit code."""

    def __init__(self, lines: list[str], code: int) -> None:
        super().__init__(*lines)
        self.lines, self.code = lines, code


class Problems(click.UsageError):
    """Several problems in the arguments or a file, one line each, a hundred at most."""

    def __init__(self, message: str, problems: Iterable[object]) -> None:
        super().__init__(message)
        found = list(problems)
        more = [f"and {len(found) - _LISTED:,} more"] if len(found) > _LISTED else []
        self.problems = (*map(str, found[:_LISTED]), *more)


def get_code(error: errors.ConfigsvcError) -> int:
    """Returns the exit code of an error."""
    if isinstance(error, errors.CannotOpen):
        from configsvc_client._aws import refusals

        if error.members.get("reason") in {refusals.DENIED, *refusals.BAD_CREDENTIALS}:
            return _FORBIDDEN
    return next((code for kind, code in _KINDS if isinstance(error, kind)), FAILED)


def get_first_code(failures: Mapping[str, errors.ConfigsvcError]) -> int:
    """Returns the exit code of a command that stores many keys: that of the first failure, or 0."""
    return get_code(next(iter(failures.values()))) if failures else 0


def describe_error(error: errors.ConfigsvcError | click.ClickException) -> ExitMessage:
    """Returns the lines and the exit code of an error."""
    if isinstance(error, click.ClickException):
        return ExitMessage(describe_usage(error), error.exit_code)
    return ExitMessage(get_lines(error), get_code(error))


def get_lines(error: errors.ConfigsvcError) -> list[str]:
    """Returns the message: what happened, and what to do next if the error does not say so."""
    words, next_step = get_own_words(error), option_advice.fit_here(get_next_step(error))
    problems = error.members.get("problems")
    listed = [f"  {option_advice.fit_here(str(each))}" for each in problems] if isinstance(problems, list) else []
    advice = [next_step] if next_step and next_step not in words else []
    return [f"configsvc: {words}", *listed, *advice, *get_notes(error)]


def get_notes(error: BaseException) -> list[str]:
    """Returns the notes of an error: where the settings that it names come from."""
    return list(getattr(error, "__notes__", ()))


def get_own_words(error: errors.ConfigsvcError) -> str:
    """Returns the error's own words, with command-line options instead of HTTP headers and members."""
    words = error.detail.strip()
    for word, option in _WORDS.items():
        words = words.replace(word, option)
    return option_advice.fit_here(words)


def get_reason(error: errors.ConfigsvcError) -> str:
    """Returns why one key of many was not stored.

    A command that stores many keys guards each by the revision it read, without an option, so none is named.
    """
    if not isinstance(error, (errors.PreconditionFailed, errors.VersionClaimed)):
        return get_own_words(error)
    who = error.members.get("changed_by")
    return f"{who} wrote the key in the meantime. Run the command again." if who else _OVERTAKEN


def get_next_step(error: errors.ConfigsvcError) -> str:
    """Returns what to do next; empty if the error says so itself."""
    reason = error.members.get("reason")
    unset = error.members.get("missing")
    if isinstance(unset, list) and "CONFIGSVC_API_KEY" in unset:
        from configsvc_client.cli.settings import api_key

        return api_key.advise()
    if isinstance(error, errors.Unavailable) and reason in _UNREACHED:
        return _UNREACHED_NEXT
    if error.members.get("gateway") == "QUOTA_EXCEEDED":  # renewed the next day, not in a few seconds
        return ""
    if isinstance(error, errors.NotFound):
        return _find_next_command(error)
    seconds = get_retry_after(error) or 0
    if isinstance(error, errors.Throttled) and seconds > _A_LITTLE:
        return f"Wait {seconds} s, then repeat: a write that succeeded is not repeated."
    return next((text for kind, text in _NEXT if isinstance(error, kind)), "")


def _find_next_command(error: errors.NotFound) -> str:
    """Returns the command that lists what exists, by the members that name what does not."""
    where = option_advice.get_namespace_options(error.members.get("namespace"))
    match error.members:
        case {"key": key, "version": _}:
            return f"configsvc history {key}{where} lists its versions."
        case {"key": _} | {"keys": _}:
            return f"configsvc list{where} shows the keys."
        case {"kid": _}:
            return f"configsvc data-key list{where} shows the data keys."
    return ""


def describe_usage(error: click.ClickException) -> list[str]:
    """Describes a usage error. An extra argument is not repeated: it may be a secret."""
    from configsvc_client.cli import usage_errors

    context: click.Context | None = getattr(error, "ctx", None)
    explanation = (
        usage_errors.explain(error, context) if context else option_advice.fit_here(usage_errors.explain(error, None))
    )
    listed = [f"  {option_advice.fit_here(each)}" for each in error.problems] if isinstance(error, Problems) else []
    advice = [f"Try: {context.command_path} --help"] if context else []
    return [f"configsvc: {explanation}", *listed, *get_notes(error), *advice]


def describe_unwritten(reason: str) -> list[str]:
    """Says that stdout cannot be written; nothing if its reader has gone, as after `| head -1`."""
    return [f"configsvc: stdout cannot be written: {reason}."] if reason else []


def describe_os_error(error: OSError) -> str:
    """Describes an error of the operating system in one line."""
    if isinstance(error, FileNotFoundError) and not error.filename and not _has_working_folder():
        return "configsvc: The working folder was removed. Change to another folder (cd)."
    words = error.strerror or type(error).__name__
    return f"configsvc: {error.filename}: {words}." if error.filename else f"configsvc: {words}."


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def describe_missing_package(error: ImportError) -> str:
    """Names the missing third-party package and how to install it; empty if the module is ours."""
    package = (error.name or "").partition(".")[0]
    if not package or package in _OURS:
        return ""
    return f"configsvc: the command line needs {package}, which is not installed. {INSTALL}"


def describe_unexpected(error: BaseException) -> str:
    """Describes a bug of ours in one line: its type and place. Its text is left out, because it may contain a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"configsvc: failed unexpectedly ({type(error).__name__}{place}). Please report this line."
