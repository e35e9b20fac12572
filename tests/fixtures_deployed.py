"""The product deployed once for the whole test run: the real zip and the real template on the shared emulator."""

from typing import NamedTuple

import pytest

from infra.package import Package
from local.emulator import Emulator
from local.stack import LocalStack, People, deploy_stack, make_people

STACK = "configsvc-tests"
NAMESPACES = "payments.*"


class Deployed(NamedTuple):
    """A deployed service, and an administrator and a developer of the namespaces `payments.*`; no grants yet."""

    stack: LocalStack
    people: People


@pytest.fixture(scope="session")
def deployed(emulator: Emulator, built_package: Package) -> Deployed:
    """It is shared: use namespaces of your own in it, and people where you set their grants."""
    stack = deploy_stack(emulator.url, built_package, _quiet, STACK)
    return Deployed(stack, make_people(stack, NAMESPACES))


def _quiet(_: str) -> None:
    """Progress is for people."""
