"""The composition root of the command line: from the environment to an `Admin`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Misconfigured

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


def admin() -> Admin:
    """The write side, as the environment describes it, until the command ends. Nothing is sent yet.

    Raises:
        Misconfigured: names every variable that is missing.
    """
    from configsvc_client.admin import from_environ

    return click.get_current_context().with_resource(from_environ(os.environ))


def pins() -> list[str]:
    """The KMS keys of CONFIGSVC_KMS_KEYS."""
    return [part.strip() for part in os.environ.get("CONFIGSVC_KMS_KEYS", "").split(",") if part.strip()]


def kms_key(given: str | None) -> str:
    """The KMS key to wrap a new data key with: as given, or CONFIGSVC_KMS_KEYS when it is one ARN.

    Raises:
        Misconfigured: it is not known, or not the ARN of a key.
    """
    chosen = given or (pins()[0] if len(pins()) == 1 and pins() != ["*"] else "")
    if not chosen:
        raise Misconfigured(
            "Say which KMS key wraps the data key: --kms-key ARN, or set CONFIGSVC_KMS_KEYS to one ARN."
        )
    if not chosen.startswith("arn:") or ":key/" not in chosen:
        raise Misconfigured("--kms-key takes the ARN of a key (arn:aws:kms:…:key/…), not an alias or an id.")
    return chosen
