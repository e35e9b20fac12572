"""Exit codes by kind of error, and errors in one or two lines.

0 done · 1 failed · 2 usage or settings · 3 not found · 4 forbidden · 5 precondition or conflict · 6 throttled or
unavailable · 7 a difference was found, where `--exit-code` asks · 130 interrupted; `exec` ends as its command does (126
and 127 when that cannot be started, as in a shell).
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
_LISTED = 100  # of the faults of a file; the first ones show what is wrong with it
_UNREACHED = frozenset({"connection", "deadline", "certificate"})
_UNREACHED_NEXT = "Is that address right? To check your setup: configsvc doctor"

# What the API says in HTTP's words, in those of the command line.
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
    (errors.PreconditionFailed, "It has changed since you read it. Look at it again, then repeat."),
    (errors.PreconditionRequired, "configsvc list shows the revision of each key."),
    (errors.Throttled, "Wait a little, then repeat: a write that was done is not done twice."),
)

_OURS = frozenset({"configsvc", "configsvc_client"})
_OVERTAKEN = "Someone else wrote the key meanwhile. Run it again."


class ExitMessage(Exception):
    """An error in the words of the command that ended with it: its lines, and the exit code."""

    def __init__(self, lines: list[str], code: int) -> None:
        super().__init__(*lines)
        self.lines, self.code = lines, code


class Problems(click.UsageError):
    """Something typed or a file is wrong in several places, each of which gets a line, up to a hundred."""

    def __init__(self, message: str, problems: Iterable[object]) -> None:
        super().__init__(message)
        found = list(problems)
        more = [f"and {len(found) - _LISTED:,} more"] if len(found) > _LISTED else []
        self.problems = (*map(str, found[:_LISTED]), *more)


def get_code(error: errors.ConfigsvcError) -> int:
    """The exit code of an error."""
    if isinstance(error, errors.CannotOpen):
        from configsvc_client._aws import refusals

        if error.members.get("reason") in {refusals.DENIED, *refusals.BAD_CREDENTIALS}:
            return _FORBIDDEN
    return next((code for kind, code in _KINDS if isinstance(error, kind)), FAILED)


def get_first_code(failures: Mapping[str, errors.ConfigsvcError]) -> int:
    """The exit code of a command that stores many keys: that of the first key that failed, 0 without any."""
    return get_code(next(iter(failures.values()))) if failures else 0


def describe_error(error: errors.ConfigsvcError | click.ClickException) -> ExitMessage:
    """The lines of an error, and the exit code."""
    if isinstance(error, click.ClickException):
        return ExitMessage(describe_usage(error), error.exit_code)
    return ExitMessage(get_lines(error), get_code(error))


def get_lines(error: errors.ConfigsvcError) -> list[str]:
    """What a person is told: what happened, and what to do next where the error does not say it."""
    said, following = get_own_words(error), option_advice.fit_here(get_next_step(error))
    problems = error.members.get("problems")
    listed = [f"  {option_advice.fit_here(str(each))}" for each in problems] if isinstance(problems, list) else []
    advice = [following] if following and following not in said else []
    return [f"configsvc: {said}", *listed, *advice, *get_notes(error)]


def get_notes(error: BaseException) -> list[str]:
    """What was added to an error: where the settings come from that it names."""
    return list(getattr(error, "__notes__", ()))


def get_own_words(error: errors.ConfigsvcError) -> str:
    """The error's own words, with the running command's options for HTTP's headers and members."""
    said = error.detail.strip()
    for word, option in _WORDS.items():
        said = said.replace(word, option)
    return option_advice.fit_here(said)


def get_reason(error: errors.ConfigsvcError) -> str:
    """Why one key of many was not stored. What stores many guards each by what it read, and says so by no option."""
    if not isinstance(error, (errors.PreconditionFailed, errors.VersionClaimed)):
        return get_own_words(error)
    who = error.members.get("changed_by")
    return f"{who} wrote the key in the meantime. Run it again." if who else _OVERTAKEN


def get_next_step(error: errors.ConfigsvcError) -> str:
    """What to do next; empty where the error says it."""
    reason = error.members.get("reason")
    unset = error.members.get("missing")
    if isinstance(unset, list) and "CONFIGSVC_API_KEY" in unset:
        from configsvc_client.cli.settings import api_key

        return api_key.advise()
    if isinstance(error, errors.Unavailable) and reason in _UNREACHED:
        return _UNREACHED_NEXT
    if error.members.get("gateway") == "QUOTA_EXCEEDED":  # it comes back with the day, not in a little
        return ""
    if isinstance(error, errors.NotFound):
        return _find_next_command(error)
    seconds = get_retry_after(error) or 0
    if isinstance(error, errors.Throttled) and seconds > _A_LITTLE:
        return f"Wait {seconds} s, then repeat: a write that was done is not done twice."
    return next((text for kind, text in _NEXT if isinstance(error, kind)), "")


def _find_next_command(error: errors.NotFound) -> str:
    """What shows the likes of what is not there, by the members that name it."""
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
    """What was typed wrongly. An argument too many is not repeated: it may be a secret."""
    from configsvc_client.cli import usage_errors

    context: click.Context | None = getattr(error, "ctx", None)
    told = (
        usage_errors.explain(error, context) if context else option_advice.fit_here(usage_errors.explain(error, None))
    )
    listed = [f"  {option_advice.fit_here(each)}" for each in error.problems] if isinstance(error, Problems) else []
    advice = [f"Try: {context.command_path} --help"] if context else []
    return [f"configsvc: {told}", *listed, *get_notes(error), *advice]


def describe_unwritten(reason: str) -> list[str]:
    """That stdout took not all of it; nothing where its reader has gone, as after `| head -1`."""
    return [f"configsvc: stdout cannot be written: {reason}."] if reason else []


def describe_os_error(error: OSError) -> str:
    """What the system refused, in one line."""
    if isinstance(error, FileNotFoundError) and not error.filename and not _has_working_folder():
        return "configsvc: The working folder was removed. Change to another one (cd)."
    said = error.strerror or type(error).__name__
    return f"configsvc: {error.filename}: {said}." if error.filename else f"configsvc: {said}."


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def describe_missing_package(error: ImportError) -> str:
    """Which package of others is missing and what installs it; empty where the module is ours."""
    package = (error.name or "").partition(".")[0]
    if not package or package in _OURS:
        return ""
    return f"configsvc: the command line needs {package}, which is not installed. {INSTALL}"


def describe_unexpected(error: BaseException) -> str:
    """A fault of ours in one line: its kind and place. Its text is left out, for it may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"configsvc: failed unexpectedly ({type(error).__name__}{place}). Please report this line."
