"""`make deploy` and `make destroy` for any site: parse the arguments, confirm, report, and exit with a status."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.cloudformation.template import TemplateError
from infra.deployment.change_set import Change, with_advice
from infra.deployment.destroy import WORD, destroy
from infra.deployment.release import LintFailed, Site, describe, release, show
from infra.deployment.stack import Approve, Declined, StackFailed
from infra.escaping import escape
from infra.packaging.service_zip import PackagingError
from infra.stage import StageError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

_EXPECTED = (Declined, LintFailed, PackagingError, StackFailed, StageError, TemplateError)


class Asked(NamedTuple):
    """The parsed command line."""

    verb: str
    stage: str
    yes: bool
    data: str


class Connection(NamedTuple):
    """A site, and the clients that its data is deleted with."""

    site: Site
    dynamodb: DynamoDBClient
    kms: KMSClient


def parse(program: str, arguments: list[str] | None) -> Asked:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("verb", choices=("deploy", "destroy"))
    parser.add_argument("stage", help="a file in infra/stages, without .toml")
    parser.add_argument("--yes", action="store_true", help="skip confirmation; for CI")
    parser.add_argument("--data", default="", help=f"also delete the table and the KMS key: {WORD}")
    given = parser.parse_args(arguments)
    return Asked(given.verb, given.stage, given.yes, given.data)


def run(asked: Asked, connect: Callable[[], Connection], *expected: type[Exception]) -> int:
    """Run the command; 0 if it succeeded, 1 after an error message."""
    known: tuple[type[Exception], ...] = (*_EXPECTED, *expected)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that nobody but AWS has
    try:
        connection = connect()
        if asked.verb == "deploy":
            describe(connection.site, release(connection.site))
        else:
            destroy(connection.site, connection.dynamodb, connection.kms, lambda text: confirm(asked, text), asked.data)
    except (BotoCoreError, ClientError) as error:
        print(with_advice(f"make {asked.verb}: AWS refused: {escape(error)}", str(error)), file=sys.stderr)
        return 1
    except known as error:
        print(f"make {asked.verb}: {escape(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped watching; CloudFormation continues what it started.", file=sys.stderr)
        return 130
    return 0


def approver(asked: Asked) -> Approve:
    """Shows the change set, then asks."""

    def approve(changes: list[Change]) -> bool:
        show(changes, lambda text: print(escape(text)))
        return confirm(asked, "Execute it?")

    return approve


def confirm(asked: Asked, question: str) -> bool:
    """Ask on a terminal; anywhere else require YES=1."""
    if asked.yes:
        return True
    if not sys.stdin.isatty():
        raise Declined("Cannot ask for confirmation here. Pass YES=1 to go ahead.")
    try:
        return input(f"{question} Type yes: ").strip() == "yes"
    except EOFError:
        print()
        return False


def progress(text: str) -> None:
    """Print one line of CloudFormation's progress."""
    if text.startswith("\n"):  # ours, before a heading
        print()
    print(f"  {escape(text.removeprefix(chr(10)))}", flush=True)
