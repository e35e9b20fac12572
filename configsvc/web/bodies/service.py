"""The answers of health, whoami and the document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from configsvc.web.bodies.common import Answer, Arn, Principal
from configsvc.web.bodies.grants import Grant


class Health(Answer):
    """The service runs; `table` says whether it looked at its table, too."""

    status: Literal["ok"]
    table: Literal["not_checked", "readable"]


class OpenApi(BaseModel):
    """This document."""

    openapi: Annotated[str, Field(examples=["3.1.1"])]


class ApiKeyHolder(Answer):
    """The API key, by which reads are judged."""

    principal: Principal
    grants: list[Grant]


class IamHolder(Answer):
    """The IAM identity, by which writes are judged."""

    principal: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    arn: Arn
    grants: list[Grant]
    administrator: Annotated[bool, Field(description="Whether CONFIGSVC_ADMINS names it.")]


class WhoamiByKey(Answer):
    """Who the service takes the caller for; nothing is signed, so `iam` is null."""

    api_key: ApiKeyHolder
    iam: Annotated[IamHolder | None, Field(examples=[None])]


class Whoami(Answer):
    """Who the service takes the caller for."""

    api_key: ApiKeyHolder
    iam: IamHolder
