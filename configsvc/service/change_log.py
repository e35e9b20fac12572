"""The change-log record that every write's transaction holds: no audit, no write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.names import Namespace
from configsvc.service.ports import Write
from configsvc.service.records import Change, LogRecord
from configsvc.service.writing import Situation

USER_AGENT = 256
"""Characters of a User-Agent that are kept."""


class Done(NamedTuple):
    """What a write did. `details` never holds a value."""

    verb: str
    subject: str = ""
    message: str = ""
    changes: tuple[Change, ...] = ()
    details: Mapping[str, object] = {}


def logged(namespace: Namespace | None, revision: int, served: int, done: Done, situation: Situation) -> Write:
    """The write of the record at its revision, where none may stand. No namespace: the log of the grants."""
    caller = situation.caller
    return Write(
        LogRecord(
            namespace, revision, served, done.verb, done.subject, done.details, done.changes, done.message,
            situation.now.text, caller.principal or "", caller.arn, caller.api_key or "", caller.source_ip,
            caller.user_agent[:USER_AGENT], caller.correlation_id,
        ),
        None,
    )  # fmt: skip
