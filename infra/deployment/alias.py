"""The alias `live`: which versions serve, and whether that is what CloudFormation believes.

CodeDeploy shifts an alias only from the version that the stack names. One that somebody moved by hand, or that a
stopped canary left between two versions, fails the next canary (aws/serverless-application-model #291, #351).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from infra.deployment.stack import Declined, Stack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from infra.deployment.deploy import Target

NAME = "live"
_VERSION = "AWS::Lambda::Version"


class Alias(NamedTuple):
    """The alias of a function.

    Args:
        version: serves what `weights` leaves.
        weights: the share of the requests that each further version serves.
        revision: changes with every update.
    """

    function: str
    version: str
    weights: Mapping[str, float]
    revision: str

    def __str__(self) -> str:
        if not self.weights:
            return f"Version {self.version} serves all requests."
        shares = ", ".join(f"version {name} serves {share:.0%}" for name, share in sorted(self.weights.items()))
        return f"{shares[0].upper()}{shares[1:]} of the requests, version {self.version} the rest."


def read_alias(functions: LambdaClient, function: str) -> Alias | None:
    """The alias of a function; None if there is none."""
    try:
        found = functions.get_alias(FunctionName=function, Name=NAME)
    except ClientError as error:
        if error.response["Error"].get("Code") == "ResourceNotFoundException":
            return None
        raise
    weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(function, found["FunctionVersion"], weights, found.get("RevisionId", ""))


def find_alias(functions: LambdaClient, stack: Stack) -> Alias | None:
    """The alias of a stack's function; None if the stack has none."""
    name = stack.outputs().get("FunctionName")
    return read_alias(functions, name) if name else None


def find_expected(stack: Stack, function: str) -> str | None:
    """The version that the stack's alias should serve; None if the stack does not say."""
    made = [arn.rpartition(":") for arn in stack.made(_VERSION).values()]
    found = [number for arn, _, number in made if arn.rpartition(":")[2] == function]
    return found[0] if len(found) == 1 else None


class Mending(NamedTuple):
    """How an alias that was moved is put right before a deployment.

    Args:
        alias: as it is.
        version: what it has to serve first.
    """

    alias: Alias
    version: str

    @property
    def changes_version(self) -> bool:
        """Whether requests go to another version than now, and not only to one of two."""
        return self.alias.version != self.version


def plan_mending(alias: Alias, expected: str | None, *, canary: bool) -> Mending | None:
    """The step that a deployment needs first; None if the alias is as it should be.

    A deployment at once moves the alias from wherever it is, so it needs only weights taken away. A canary must begin
    at the version that the stack names.
    """
    wanted = expected if canary and expected else alias.version
    return Mending(alias, wanted) if alias.weights or wanted != alias.version else None


def mend(
    functions: LambdaClient,
    found: Mending,
    tell: Callable[[str], None],
    ask: Callable[[str], bool],
    *,
    unattended: bool,
) -> None:
    """Set the alias, after asking.

    Raises:
        Declined: nobody agreed, or nobody is there to agree to a version that may be a bad one.
    """
    alias = found.alias
    tell(f"The alias {NAME} of {alias.function} was changed by hand, or a canary was stopped half way. {alias}")
    if found.changes_version:
        tell(
            f"The stack's version is {found.version}, and CodeDeploy begins a canary only there. If you moved the "
            f"alias because version {found.version} is bad, do not set it back: deploy with CANARY=no, which does not "
            "need it."
        )
    if found.changes_version and unattended:
        raise Declined(f"Nothing was changed. YES=1 does not send requests back to version {found.version}.")
    if not ask(f"Send all requests to version {found.version} now?"):
        raise Declined("Nothing was changed.")
    functions.update_alias(
        FunctionName=alias.function,
        Name=NAME,
        FunctionVersion=found.version,
        RoutingConfig={"AdditionalVersionWeights": {}},
        RevisionId=alias.revision,
    )
    tell(f"The alias {NAME} serves version {found.version}.")


def mend_alias(target: Target, stack: str, *, canary: bool) -> None:
    """Put an alias right that was moved by hand, as far as the deployment needs it. Asks first.

    Raises:
        infra.deployment.stack.Declined: nobody agreed.
    """
    if found := _find_moved(target, stack, canary=canary):
        mend(target.functions, found, target.progress, target.ask, unattended=target.unattended)


def finish_alias(target: Target, stack: str) -> None:
    """After a deployment, send all requests to the version that was just deployed; asks first.

    Where the version did not change, CloudFormation leaves an alias alone that somebody moved.
    """
    if found := _find_moved(target, stack, canary=True):
        try:
            mend(target.functions, found, target.progress, target.ask, unattended=False)
        except Declined:
            target.progress(f"The deployment of {stack} is complete, but its version {found.version} does not serve.")


def _find_moved(target: Target, stack: str, *, canary: bool) -> Mending | None:
    live = target.stack(stack)
    alias = find_alias(target.functions, live)
    return plan_mending(alias, find_expected(live, alias.function), canary=canary) if alias else None
