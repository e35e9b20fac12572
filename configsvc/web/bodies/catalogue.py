"""Every body by its name in the OpenAPI document, which alone uses them all; and the bodies of service routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from configsvc.web.bodies import changes, data_keys, grants, history, keys, namespaces, snapshot
from configsvc.web.bodies.common import Answer, Arn, Body, Principal
from configsvc.web.bodies.grants import Grant


class Health(Answer):
    """The service runs. `table` shows whether it also read its table."""

    status: Literal["ok"]
    table: Literal["not_checked", "readable"]


class OpenApi(BaseModel):
    """This document."""

    openapi: Annotated[str, Field(examples=["3.1.1"])]


class ApiKeyHolder(Answer):
    """The API key, which authorizes reads."""

    principal: Principal
    grants: list[Grant]


class IamHolder(Answer):
    """The IAM identity, which authorizes writes."""

    principal: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    arn: Arn
    grants: list[Grant]
    administrator: Annotated[bool, Field(description="Whether CONFIGSVC_ADMINS names it.")]


class WhoamiByKey(Answer):
    """The caller as the service identifies it. The request is not signed, so `iam` is null."""

    api_key: ApiKeyHolder
    iam: Annotated[IamHolder | None, Field(examples=[None])]


class Whoami(Answer):
    """The caller as the service identifies it."""

    api_key: ApiKeyHolder
    iam: IamHolder


class FieldProblem(Answer):
    """A field, and what is wrong with it."""

    field: Annotated[str, Field(examples=["operations.0.put.form"])]
    problem: Annotated[str, Field(examples=["This field is missing."])]


_SUBJECTS = (namespaces, snapshot, keys, changes, history, data_keys, grants)
_MODELS = {
    name.rstrip("_"): model
    for subject in (globals(), *map(vars, _SUBJECTS))
    for name, model in dict(subject).items()
    if isinstance(model, type) and issubclass(model, BaseModel)
}

BODIES: Mapping[str, type[BaseModel]] = {name: each for name, each in _MODELS.items() if issubclass(each, Body)}
"""Bodies of requests."""

ANSWERS: Mapping[str, tuple[type[BaseModel], ...]] = {
    **{name: (each,) for name, each in _MODELS.items() if issubclass(each, Answer | OpenApi)},
    "AnyGrants": (grants.GrantsPage, grants.PrincipalGrants),
    "Differences": (history.Diff, history.DiffAgainst),
}
"""Bodies of responses; some responses have one of several."""
