"""The bodies of grants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configsvc.model import grants, limits
from configsvc.model.grants import Action
from configsvc.web.bodies.common import (
    Answer,
    Body,
    Cursor,
    NamespacePattern,
    Principal,
    Revision,
    check_each_once,
    validate,
)
from configsvc.web.event import parse_object


class NewGrant(Body):
    """Actions on the namespaces that match the patterns."""

    actions: Annotated[
        list[Action], Field(min_length=1, max_length=3, examples=[["read"]], json_schema_extra={"uniqueItems": True})
    ]
    namespaces: Annotated[
        list[NamespacePattern],
        Field(
            min_length=1, max_length=limits.GRANTS, examples=[["payments.*"]], json_schema_extra={"uniqueItems": True}
        ),
    ]


class NewGrants(Body):
    """All grants of a principal. An empty list removes them all."""

    grants: Annotated[list[NewGrant], Field(max_length=limits.GRANTS)]


def parse_grants(body: bytes) -> tuple[grants.Grant, ...]:
    """Parses the grants of one principal.

    Raises:
        InvalidRequest, TooLarge
    """
    return tuple(_build_grant(each) for each in validate(NewGrants, parse_object(body)).grants)


def _build_grant(found: NewGrant) -> grants.Grant:
    patterns = tuple(grants.parse_pattern(each) for each in found.namespaces)
    return grants.Grant(check_each_once("actions", found.actions), check_each_once("namespaces", patterns))


class Grant(Answer):
    """Actions on the namespaces that match the patterns."""

    actions: Annotated[list[Action], Field(examples=[["read"]])]
    namespaces: Annotated[list[NamespacePattern], Field(examples=[["payments.*"]])]


class PrincipalGrants(Answer):
    """All grants of a principal."""

    principal: Principal
    grants: list[Grant]
    revision: Revision


class GrantsPage(Answer):
    """Grants, sorted by principal."""

    grants: list[PrincipalGrants]
    cursor: Cursor
