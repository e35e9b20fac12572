"""People for the journeys, on any stage: created for one run and removed after it.

On AWS the administrator is whoever runs it, by the ordinary credentials, for the stage names its administrators; on the
local AWS, whose root is nobody, it is a user that the local stage names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from local.people import ApiKey, Person, invoke, make_api_key, make_person, remove_api_key, remove_person

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_iam import IAMClient

_EVERYTHING = ("*",)
_NO_GRANTS = tuple(f"{method}/v1/{what}" for method in ("PUT", "POST", "DELETE") for what in ("namespaces*", "whoami"))


class Place(NamedTuple):
    """A deployed service, as far as creating people for it needs."""

    url: str
    region: str
    api_arn: str
    usage_plan: str


class Cast(NamedTuple):
    """The four of the journeys (tests/journeys/stage.py)."""

    admin: Person
    writer: Person
    stranger: Person
    reader: ApiKey


class Caller(NamedTuple):
    """The identity that runs the journeys: its credentials, and its ARN from STS."""

    arn: str
    access_key: str
    secret_key: str
    session_token: str | None


class Casting(NamedTuple):
    """Makes people in an account, and removes them.

    Args:
        iam: a client of the account.
        apigateway: the same.
        place: where they are to play.
        admin: the caller, who is the administrator; or the beginning of the name of a user to make.
    """

    iam: IAMClient
    apigateway: APIGatewayClient
    place: Place
    admin: Caller | str

    @contextmanager
    def people(self) -> Iterator[Cast]:
        """Four of them with names of their own, while it lasts."""
        run = uuid4().hex[:8]
        with ExitStack() as made:
            admin = self._administrator(made, run)
            writer = self._person(made, f"journeys-writer-{run}", _NO_GRANTS)
            stranger = self._person(made, f"journeys-stranger-{run}", _EVERYTHING)
            yield Cast(admin, writer, stranger, self._api_key(made, f"journeys-reader-{run}"))

    def _administrator(self, made: ExitStack, run: str) -> Person:
        if isinstance(self.admin, str):
            return self._person(made, f"{self.admin}{run}", _EVERYTHING)
        key = self._api_key(made, f"journeys-admin-{run}")
        caller = self.admin
        return Person("", caller.arn, caller.access_key, caller.secret_key, *key, caller.session_token)

    def _person(self, made: ExitStack, name: str, routes: tuple[str, ...]) -> Person:
        statements = [invoke(self.place.api_arn, *routes)]
        made.callback(remove_person, self.iam, self.apigateway, name)  # first: it may be made in part
        return make_person(self.iam, self.apigateway, self.place.usage_plan, name, statements)

    def _api_key(self, made: ExitStack, name: str) -> ApiKey:
        made.callback(remove_api_key, self.apigateway, name)
        return make_api_key(self.apigateway, self.place.usage_plan, name)


def write_stage(path: Path, place: Place, cast: Cast) -> None:
    """The stage file that the journeys read, for its owner only: it holds keys."""
    people = {name: each._asdict() for name, each in cast._asdict().items()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": place.url, "region": place.region, **people}, file, indent=1)
