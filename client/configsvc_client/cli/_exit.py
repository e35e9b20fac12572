"""Exit codes by kind of error, and errors in one or two lines.

0 done · 1 failed · 2 usage or settings · 3 not found · 4 forbidden · 5 precondition or conflict · 6 throttled or
unavailable · 7 a difference was found, where `--exit-code` asks; `exec` ends as its command does (126 and 127 when
that cannot be started, as in a shell).
"""

from __future__ import annotations

import traceback
from pathlib import Path

import click

from configsvc.model import errors

FAILED = 1
USAGE = 2
DIFFERENT = 7
INTERRUPTED = 130

_FORBIDDEN = 4
_DENIED = "AccessDeniedException"
_KMS_NEXT = (
    "Your AWS identity needs that right on the KMS key, for encryption context configsvc:namespace = the namespace."
)

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
    (errors.NotFound, "It is not there, or your API key may not read it: configsvc whoami shows what it may."),
    (errors.Forbidden, "configsvc whoami shows who you are to the service and what you may do."),
    (errors.VersionClaimed, "Others are writing the same key. Read it again, then repeat."),
    (errors.PreconditionFailed, "It has changed since you read it. Look at it again, then repeat."),
    (
        errors.PreconditionRequired,
        "Say what must stand before: --if-match with the key's revision (configsvc list), or --create-only for a put.",
    ),
    (errors.Throttled, "Wait a little, then repeat: a write that was done is not done twice."),
)


def code_of(error: errors.ConfigsvcError) -> int:
    """The exit code of an error."""
    if error.members.get("reason") == _DENIED:
        return _FORBIDDEN
    return next((code for kind, code in _KINDS if isinstance(error, kind)), FAILED)


def lines_of(error: errors.ConfigsvcError) -> list[str]:
    """What a person is told: what happened, and what to do next where the error does not say it."""
    detail = error.detail.strip()
    if error.members.get("reason") == _DENIED:
        return [f"configsvc: {detail}", _KMS_NEXT]
    hint = next((text for kind, text in _NEXT if isinstance(error, kind)), None)
    return [f"configsvc: {detail}"] + ([hint] if hint and hint not in detail else [])


def usage(error: click.ClickException) -> list[str]:
    """What was typed wrongly. An argument too many is not repeated: it may be a secret."""
    told = error.format_message()
    if told.startswith("Got unexpected extra argument"):
        told = "More arguments than it takes."
    context = getattr(error, "ctx", None)
    return [f"configsvc: {told}"] + ([f"Try: {context.command_path} --help"] if context else [])


def unexpected(error: BaseException) -> str:
    """A fault of ours in one line: its kind and place. Its text is left out, for it may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"configsvc: failed unexpectedly ({type(error).__name__}{place}). Please report this line."
