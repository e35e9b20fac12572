"""Deleting the function's versions that do not require the current proof: each could still be invoked by its number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.deployment.proof import ENFORCE

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_LATEST = "$LATEST"


def retire(functions: LambdaClient, name: str, accepted: Collection[str], tell: Callable[[str], None]) -> None:
    """Delete the versions that do not enforce the proof, or that accept another one than these SHA-256s."""
    for version in list(_stale(functions, name, accepted)):
        try:
            functions.delete_function(FunctionName=name, Qualifier=version)
        except ClientError as error:
            tell(
                f"Version {version} of {name} accepts requests without the proof and could not be deleted: {error} "
                f"Delete it: aws lambda delete-function --function-name {name} --qualifier {version}"
            )
        else:
            tell(f"Deleted version {version} of {name}, which does not require the current proof.")


def _stale(functions: LambdaClient, name: str, accepted: Collection[str]) -> Iterator[str]:
    for page in functions.get_paginator("list_versions_by_function").paginate(FunctionName=name):
        for each in page["Versions"]:
            if each["Version"] != _LATEST and not _asks(each, accepted):
                yield each["Version"]


def _asks(version: FunctionConfigurationTypeDef, accepted: Collection[str]) -> bool:
    variables = version.get("Environment", {}).get("Variables", {})
    asked = set(variables.get("CONFIGSVC_PROOF_SHA256", "").split(","))
    return variables.get("CONFIGSVC_PROOF_MODE") == ENFORCE and asked <= set(accepted)
