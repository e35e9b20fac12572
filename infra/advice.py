"""What to do about a deployment that failed, by what CloudFormation gives as the reason."""

from __future__ import annotations

import re

_ADVICE: tuple[tuple[str, str], ...] = (
    (r"CloudWatch Logs role ARN must be set",
     ("API Gateway has no role to log with in this account and region. Set one once (API Gateway console, Settings), "
     "or leave access_log out of the stage file.")),
    (r"UnreservedConcurrentExecution",
     ("The account has too little Lambda concurrency left. Lower reserved_concurrency in the stage file, or have the "
     "quota raised.")),
    (r"SnapStart", "SnapStart needs a runtime that has it: build with Python 3.12 or newer, or leave snapstart out."),
    (r"not authorized to perform:? ?([a-z0-9-]+:\w+)",
     "The deployer's IAM identity lacks the action that is named. Allow it, or deploy as somebody who may."),
    (r"already exists",
     ("Something of that name is there and not of this stack. Remove it, import it, or give the stack another name in "
     "the stage file. A table kept by an earlier stack is taken over with table = … in the stage file.")),
    (r"Rate exceeded|Throttling|TooManyRequests", "AWS was asked too often. Deploy again."),
    (r"LimitExceeded|quota", "A quota of the account is used up. Service Quotas shows which."),
    (r"alarms? .*(ALARM|breach)|Deployment .*(rolled back|ROLLBACK)|CodeDeploy",
     ("The new version raised an alarm while it served a share of the requests, so the old one serves on. The alarm "
     "and the log group tell why.")),
    (r"rejected the public key|certificate", "The certificate must be issued, in this region, for the domain."),
)  # fmt: skip


def advise(reason: str) -> str | None:
    """What to do, or None where the reason says it all."""
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, reason, re.IGNORECASE)), None)


def with_advice(said: str, *reasons: str) -> str:
    """What was said, and below it what to do about the reasons, each once."""
    return "\n".join([said, *dict.fromkeys(found for reason in reasons if (found := advise(reason)))])
