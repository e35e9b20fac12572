"""A running API and the people who use it; how they came to be is the fixture's business."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from configsvc.model import grants
from local.people import ApiKey, Person

REGION = "us-east-1"


class Stage(NamedTuple):
    """An API of the suite's own or shared. Its people are the suite's own: it sets their grants.

    Args:
        url: the base, with the stage and without `/v1`.
        admin: named by CONFIGSVC_ADMINS; may invoke every route. What it is granted is put back at the end.
        writer: may invoke every route but those of grants.
        stranger: may invoke every route; has no grants but those that a test gives and takes.
        reader: an API key.
    """

    url: str
    admin: Person
    writer: Person
    stranger: Person
    reader: ApiKey
    region: str = REGION

    @classmethod
    def from_file(cls, path: Path, url: str | None = None) -> Self:
        """The stage in a JSON file: url, region, and the members of each person and of the reader by name.

        A `url` that is given stands for the file's, and a region in its name (`https://….execute-api.<region>.…`) for
        one that the file does not have.
        """
        found = json.loads(path.read_text())
        admin, writer, stranger = (Person(**found[name]) for name in ("admin", "writer", "stranger"))
        base = (url or found["url"]).rstrip("/")
        region = found.get("region") or region_in(base) or REGION
        return cls(base, admin, writer, stranger, ApiKey(**found["reader"]), region)


def region_in(url: str) -> str | None:
    """The region that the URL of an API Gateway names; a custom domain names none."""
    host = urlsplit(url).hostname or ""
    found = re.search(r"\.execute-api\.([a-z0-9-]+)\.", host)
    return found[1] if found else None


def api_key_principal(who: Person | ApiKey) -> str:
    """The principal of their API key."""
    return grants.parse_api_key_id(who.api_key_id if isinstance(who, Person) else who.identifier)


def iam_principal(who: Person) -> str:
    """The principal of their IAM identity."""
    found = grants.normalize_arn(who.arn)
    assert found is not None
    return found
