"""The bodies of lift and upkeep."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configsvc.model import limits
from configsvc.web.bodies.common import Answer, Body, Cursor, Namespace, Number, Revision, Served, validate
from configsvc.web.event import parse_object


class Lift(Body):
    """The highest revision that anyone has seen."""

    revision: Annotated[int, Field(ge=1, le=limits.REVISION_LIFT, examples=[1042])]


def parse_lift(body: bytes) -> int:
    """The revision to lift to.

    Raises:
        InvalidRequest
    """
    return validate(Lift, parse_object(body)).revision


class HeadDifference(Answer):
    """A number that the namespace had of itself, and what was found."""

    what: Annotated[str, Field(examples=["entries"])]
    head: int | None
    found: int | None


class HeadCheck(Answer):
    """Whether what the namespace counts of itself was right."""

    right: bool
    differences: list[HeadDifference]


class Lifted(Answer):
    """A namespace above what the lost time gave out."""

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Annotated[int, Field(ge=0, examples=[1042])]
    check: HeadCheck


class Upkeep(Answer):
    """What was taken away; not done: call again with the cursor."""

    namespace: Namespace
    log_pruned: Number
    keys_purged: Number
    versions_pruned: Number
    oldest_revision: Annotated[int | None, Field(description="The oldest in the log.", examples=[3])]
    done: bool
    cursor: Cursor
