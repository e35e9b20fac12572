"""What AWS's words for a refusal mean: which kind of policy refused (IAM User Guide, "Troubleshoot access denied")."""

from __future__ import annotations

_POLICIES = ("service control policy", "resource control policy", "permissions boundary", "session policy",
             "VPC endpoint policy", "resource-based policy", "identity-based policy")  # fmt: skip
_OWN = "identity-based policy"
_OF_RESOURCE = "resource-based policy"


def policy(message: str) -> str:
    """The kind of policy that refused, with its article; `a policy` where AWS names none."""
    kind = kind_of(message) or "policy"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def kind_of(message: str) -> str:
    """The kind of policy that refused; empty where AWS names none."""
    return next((each for each in _POLICIES if each.lower() in message.lower()), "")


def is_explicit(message: str) -> bool:
    """Whether a policy denies it, which no other policy outweighs."""
    return "explicit deny" in message.lower()


def obstacle(message: str, of_resource: str) -> str:
    """What has to be changed besides the caller's own policy; empty where that alone is missing.

    Args:
        message: AWS's.
        of_resource: what the policy of the resource is called.
    """
    kind = kind_of(message)
    if is_explicit(message):
        return f"An explicit deny in {policy(message)} refuses it. No other policy outweighs that: it has to be changed"
    if kind in ("", _OWN) or "resource-based policies" in message:
        return ""
    return f"The {of_resource if kind == _OF_RESOURCE else kind} has to allow it too: it is not enough that yours does"
