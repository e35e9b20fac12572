"""`python -m infra VERB STAGE`: deploy a stage to AWS, roll it back, list its deployments or destroy it, for `make`."""

from __future__ import annotations

import sys

from infra import aws, command
from infra.deployment.deploy import Target
from infra.deployment.release import Site, find_commit
from infra.deployment.whole_stack import WholeStack
from infra.output import say
from infra.stage import Stage, StageError
from infra.stage_rules import place_faults


def main(arguments: list[str] | None = None) -> int:
    asked = command.parse("python -m infra", arguments)
    return command.run(asked, lambda: _connect(command.load_stage(asked), asked), aws.Unreachable)


def _connect(stage: Stage, asked: command.Asked) -> command.Connection:
    session, account, who = aws.sign_in(stage.region)
    say(f"As {who}")
    region = session.region_name
    if faults := list(place_faults(stage, region, account)):
        raise StageError("\n  ".join([f"The stage does not fit {region} of account {account}.", *faults]))
    target = Target(
        session.client("cloudformation"), session.client("s3"), session.client("lambda"),
        f"configsvc-deployments-{account}-{region}", command.progress, command.approver(asked), account,
        WholeStack.of(stage),
        codedeploy=session.client("codedeploy"), gateway=session.client("apigateway"), topics=session.client("sns"),
        cloudwatch=session.client("cloudwatch"), who=who,
        commit=find_commit(), ask=command.asker(asked), unattended=asked.yes,
    )  # fmt: skip
    site = Site(stage, target, region, say)
    return command.Connection(site, session.client("dynamodb"), session.client("kms"))


if __name__ == "__main__":
    sys.exit(main())
