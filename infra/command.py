"""`make deploy`, `rollback`, `deployments` and `destroy`: parse the arguments, confirm, report, and exit."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws
from infra.cloudformation.template import TemplateError
from infra.deployment.change_set import Change
from infra.deployment.destroy import WORD, destroy
from infra.deployment.explanations import with_advice
from infra.deployment.records import RecordError
from infra.deployment.release import LintFailed, Site, describe, plan, release, show
from infra.deployment.rollback import list_deployments, roll_back
from infra.deployment.stack import Approve, Declined, StackFailed
from infra.escaping import escape, escape_lines
from infra.output import ask, say
from infra.packaging.service_zip import PackagingError
from infra.stage import Stage, StageError, load, load_unfinished

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

_EXPECTED = (Declined, LintFailed, PackagingError, RecordError, StackFailed, StageError, TemplateError)
_CONTINUES = (
    "If CloudFormation has begun to change the stack, it goes on. The next make deploy or make rollback records the "
    "deployment if it completes, and make rollback stops one that is under way."
)
_ANSWERS = {"": None, "1": True, "yes": True, "0": False, "no": False}


class Asked(NamedTuple):
    """The parsed command line."""

    verb: str
    stage: str
    yes: bool
    data: str
    canary: bool = True
    plan: bool = False
    to: int | None = None


class Connection(NamedTuple):
    """A site, and the clients that its data is deleted with."""

    site: Site
    dynamodb: DynamoDBClient
    kms: KMSClient


def parse(program: str, arguments: list[str] | None) -> Asked:
    """The arguments of the command line, which `make` passes on from its variables."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("verb", choices=tuple(_VERBS))
    parser.add_argument("stage", help="a file in infra/stages, without .toml")
    parser.add_argument("--yes", nargs="?", const="yes", default="", help="skip confirmation; for CI")
    parser.add_argument("--canary", default="", help="no: deploy moves all requests to the new version at once")
    parser.add_argument("--plan", default="", help="yes: deploy shows the change set and leaves it for review")
    parser.add_argument("--to", default="", metavar="NUMBER", help="the deployment that rollback goes back to")
    parser.add_argument("--data", default="", help=f"destroy also deletes the table and the KMS key: {WORD}")
    given = parser.parse_args(arguments)
    if fault := _find_fault(given):
        parser.exit(2, f"make {given.verb}: {escape(fault)}\n")
    yes, canary, wants_plan = (_ANSWERS[each.lower()] for each in (given.yes, given.canary, given.plan))
    to = int(given.to) if given.to else None
    return Asked(given.verb, given.stage, bool(yes), given.data, canary is not False, bool(wants_plan), to)


def _find_fault(given: argparse.Namespace) -> str | None:
    """Check the values, in the names that `make` gives them."""
    for name in ("yes", "canary", "plan"):
        if getattr(given, name).lower() not in _ANSWERS:
            return (
                f"{name.upper()}={getattr(given, name)} is not accepted. Pass {name.upper()}=yes or {name.upper()}=no."
            )
    if given.to and not (given.to.isascii() and given.to.isdecimal() and int(given.to)):
        return f"TO={given.to} is not accepted. Pass the number of a deployment; make deployments lists them."
    for name, verb in (("canary", "deploy"), ("plan", "deploy"), ("to", "rollback"), ("data", "destroy")):
        if getattr(given, name) and given.verb != verb:
            return f"{name.upper()}= is an option of make {verb}, not of make {given.verb}."
    return None


def load_stage(asked: Asked) -> Stage:
    """Load the stage of the command. Only deploy needs one that says who gets its alarms: the others must always work.

    Raises:
        StageError: it is missing or invalid; all errors are reported.
    """
    return load(asked.stage) if asked.verb == "deploy" else load_unfinished(asked.stage)


def run(asked: Asked, connect: Callable[[], Connection], *expected: type[Exception]) -> int:
    """Run the command; 0 if it succeeded, 1 after an error message."""
    known: tuple[type[Exception], ...] = (*_EXPECTED, *expected)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that nobody but AWS has
    try:
        _VERBS[asked.verb](asked, connect())
    except (BotoCoreError, ClientError) as error:
        print(with_advice(f"make {asked.verb}: {escape(aws.explain(error))}", str(error)), file=sys.stderr)
        if aws.is_lost(error):
            print(_CONTINUES, file=sys.stderr)
        return 1
    except known as error:
        print(f"make {asked.verb}: {escape_lines(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. {_CONTINUES}", file=sys.stderr)
        return 130
    return 0


def _deploy(asked: Asked, connection: Connection) -> None:
    if asked.plan:
        plan(connection.site, canary=asked.canary)
    else:
        describe(connection.site, release(connection.site, canary=asked.canary))


def _roll_back(asked: Asked, connection: Connection) -> None:
    service = roll_back(connection.site, asked.to, asker(asked))
    if service:
        connection.site.tell(f"{connection.site.stage.stack} is {service.outcome.value}.")


def _list(_asked: Asked, connection: Connection) -> None:
    list_deployments(connection.site)


def _destroy(asked: Asked, connection: Connection) -> None:
    destroy(connection.site, connection.dynamodb, connection.kms, asker(asked), asked.data)


_VERBS: dict[str, Callable[[Asked, Connection], None]] = {
    "deploy": _deploy,
    "rollback": _roll_back,
    "deployments": _list,
    "destroy": _destroy,
}


def approver(asked: Asked) -> Approve:
    """Shows the change set, then asks, unless it is only a plan."""

    def approve(changes: list[Change]) -> bool:
        show(changes, lambda text: say(escape(text)))
        return asked.plan or confirm(asked, "Execute it?")

    return approve


def asker(asked: Asked) -> Callable[[str], bool]:
    """Asks a question."""
    return lambda question: confirm(asked, question)


def confirm(asked: Asked, question: str) -> bool:
    """Ask on a terminal; anywhere else require YES=1."""
    if asked.yes:
        return True
    try:
        answer = ask(f"{question} Type yes: ") if sys.stdin.isatty() else None
    except EOFError:
        say()
        return False
    if answer is None:
        raise Declined("Cannot ask for confirmation here. Pass YES=1 to go ahead.")
    return answer.strip() == "yes"


def progress(text: str) -> None:
    """Print one line of CloudFormation's progress."""
    if text.startswith("\n"):  # ours, before a heading
        say()
    say(f"  {escape(text.removeprefix(chr(10)))}")
