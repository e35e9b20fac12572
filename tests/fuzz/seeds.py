"""The data that exists before the first case."""

from __future__ import annotations

from tests.support.journeys.api import Api
from tests.support.journeys.sealing import plain
from tests.support.journeys.stage import Stage, api_key_principal, iam_principal

NAMESPACES = ("payments.prod", "shared.prod", "payments.staging")
KEYS = ("db.url", "db.pool", "feature.x")


def sow(api: Api, stage: Stage) -> None:
    """Gives the administrator all permissions, and creates namespaces that serve something."""
    admin = stage.admin
    for principal, actions in (
        (api_key_principal(admin), ["read"]),
        (iam_principal(admin), ["read", "write", "admin"]),
    ):
        body = {"grants": [{"actions": actions, "namespaces": ["*"]}]}
        api.send("PUT", "/v1/grants", admin, body, query={"principal": principal}).json()
    for namespace in NAMESPACES:
        api.send("PUT", f"/v1/namespaces/{namespace}", admin, {"description": "sown"}).json()
        for key in KEYS:
            api.send("PUT", f"/v1/namespaces/{namespace}/keys/{key}", admin, plain("sown")).json()
