"""Everything in an account, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def user_names(iam: IAMClient) -> set[str]:
    """The IAM users' names."""
    return {user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]}
