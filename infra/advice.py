"""Advice for a failed deployment, chosen by CloudFormation's reason."""

from __future__ import annotations

import re

_ADVICE: tuple[tuple[str, str], ...] = (
    (r"CloudWatch Logs role ARN must be set",
     ("API Gateway has no role to log with in this account and region. Set one once (API Gateway console, Settings), "
     "or remove access_log from the stage file.")),
    (r"UnreservedConcurrentExecution",
     ("The account has too little Lambda concurrency left. Lower reserved_concurrency in the stage file, or have the "
     "quota raised.")),
    (r"SnapStart", "SnapStart needs Python 3.12 or newer: build with that, or remove snapstart from the stage file."),
    (r"not authorized to perform:? ?([a-z0-9-]+:\w+)",
     "Your IAM identity lacks this action. Allow it, or deploy with an identity that has it."),
    (r"already exists",
     ("A resource of that name exists outside this stack. Remove it, import it, or give the stack another name in "
     "the stage file. To reuse a table kept by an earlier stack, name it under [table] in the stage file.")),
    (r"Rate exceeded|Throttling|TooManyRequests", "AWS throttled the requests. Deploy again."),
    (r"LimitExceeded|quota", "The account reached a quota. Service Quotas shows which."),
    (r"alarms? .*(ALARM|breach)|Deployment .*(rolled back|ROLLBACK)|CodeDeploy",
     ("The new version raised an alarm while it served a share of the requests, so the old one was kept. The alarm "
     "and the log group show why.")),
    (r"rejected the public key|certificate", "The domain needs an issued certificate in this region."),
)  # fmt: skip


def advise(reason: str) -> str | None:
    """Return what to do, or None if the reason needs no explanation."""
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, reason, re.IGNORECASE)), None)


def with_advice(said: str, *reasons: str) -> str:
    """Append the advice for each reason to the message, each once."""
    return "\n".join([said, *dict.fromkeys(found for reason in reasons if (found := advise(reason)))])
