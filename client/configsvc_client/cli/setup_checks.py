"""The checks of `configsvc doctor`: each turns an observation into a finding and advice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from configsvc.model import grants, limits
from configsvc.model.due import WhyDue
from configsvc.model.errors import ConfigsvcError, Forbidden
from configsvc.model.grants import Action, Grant
from configsvc.model.names import Namespace
from configsvc_client._pin import ANY, Pin
from configsvc_client._wording import join_sentences
from configsvc_client.cli import exit_codes
from configsvc_client.cli.output.words import count, list_first

SKEW_REFUSED = 300.0
"""How many seconds a signature's time may be off (AWS Signature Version 4: five minutes)."""

SKEW_WORTH_TELLING = 30.0

_NAMED = 5
"""How many keys a check names; the rest is counted."""

_WHOLE = 1.0
"""Uncertainty in seconds: a Date header has whole seconds, and the answer takes time to arrive."""

_DOCTOR = re.compile(r" ?(?:\b(?:Run )?configsvc doctor [^.]*\.|To check your setup: configsvc doctor$)")

CheckState = Literal["ok", "warning", "failed", "skipped"]


class SetupCheck(NamedTuple):
    """A check: its name, its state, what was found, and what to do if it is not ok."""

    name: str
    state: CheckState
    found: str
    advice: str = ""


def try_check(name: str, look: Callable[[], SetupCheck]) -> SetupCheck:
    """Runs a check; an error becomes a failed check."""
    try:
        return look()
    except ConfigsvcError as error:
        return report_failure(name, error)


def report_failure(name: str, error: ConfigsvcError) -> SetupCheck:
    """A failed check from an error, without the advice to run `configsvc doctor`."""
    return SetupCheck(
        name, "failed", *(_DOCTOR.sub("", each).strip() for each in (error.detail, exit_codes.get_next_step(error)))
    )


def check_project_file(path: str, *, trusted: bool) -> SetupCheck:
    """Checks whether the project file is trusted."""
    if trusted:
        return SetupCheck("project file", "ok", f"{path} is trusted")
    found = f"{path} is not trusted: its policy allows nothing, and a write needs -n"
    return SetupCheck("project file", "warning", found, "To review and trust it: configsvc trust")


def check_clock(ahead: float | None) -> SetupCheck:
    """Checks this computer's clock, by how many seconds it is ahead of the service's."""
    if ahead is None:
        return SetupCheck("clock", "skipped", "the service's response has no Date header")
    if -_WHOLE <= ahead < 1 + _WHOLE:
        return SetupCheck("clock", "ok", "in sync with the service")
    found = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the service"
    advice = "Set the clock (NTP): AWS refuses signatures that are more than 5 minutes off."
    if abs(ahead) >= SKEW_REFUSED:
        return SetupCheck("clock", "failed", found, advice)
    return (
        SetupCheck("clock", "warning", found, advice)
        if abs(ahead) > SKEW_WORTH_TELLING
        else SetupCheck("clock", "ok", found)
    )


def check_api_key(principal: Mapping[str, Any] | None, namespaces: Iterable[Namespace]) -> SetupCheck:
    """Checks the API key's principal, and whether it may read."""
    if principal is None:
        return SetupCheck(
            "API key", "failed", "the service does not know this key", "Ask an administrator for an API key."
        )
    who = str(principal.get("principal"))
    lacking = [each for each in namespaces if not _is_granted(principal, "read", each)]
    if lacking:
        return SetupCheck(
            "API key", "failed", f"{who} may not read {', '.join(lacking)}", _describe_grant(who, "read", *lacking)
        )
    return SetupCheck("API key", "ok", f"{who} may read")


def check_one_of_two(check: SetupCheck, found: Iterable[SetupCheck]) -> SetupCheck:
    """A check of one of two API keys. If the other one works, a refused key is only a warning."""
    if check.state != "failed" or all(each.state == "failed" for each in found):
        return check
    advice = join_sentences(
        "The other key is used. Remove this one from CONFIGSVC_API_KEY if it is no longer valid", check.advice
    )
    return check._replace(state="warning", advice=advice)


def compare_api_keys(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> SetupCheck:
    """Compares what two API keys are allowed, in the order of CONFIGSVC_API_KEY: the old one, the new one.

    What one of them lacks is a warning. A consumer that holds both asks with both, but with one key alone it fails.
    None is a key that the service does not know.
    """
    name = "API keys"
    if old is None or new is None:
        return SetupCheck(name, "skipped", "grants can be compared only if both keys are accepted")
    first, second = str(old.get("principal")), str(new.get("principal"))
    held, given = _parse_grants(old), _parse_grants(new)
    lacking, more = grants.find_lacking(given, held), grants.find_lacking(held, given)
    if not lacking and not more:
        return (
            SetupCheck(name, "ok", "both keys have the same grants")
            if held
            else SetupCheck(name, "warning", "neither key has a grant", "Ask an administrator to grant access.")
        )
    found = [f"{second} lacks {grants.describe(lacking)}, which {first} has"] if lacking else []
    found += [f"{first} lacks {grants.describe(more)}, which {second} has"] if more else []
    return SetupCheck(name, "warning", "; ".join(found), _advise_copy(first, second, held=bool(held), more=not lacking))


def _advise_copy(first: str, second: str, *, held: bool, more: bool) -> str:
    """Advises how to make the grants of two API keys equal, in the order of CONFIGSVC_API_KEY."""
    if not held:
        return "The first key has no grants. Remove it from CONFIGSVC_API_KEY."
    copies = f"configsvc grant {second} --like {first}"
    if more:  # with the keys in the wrong order, --replace would take rights from the key that is in use
        return f"Nothing, if {second} is to have more. To take that away from it: {copies} --replace"
    return f"Before you remove the first key: {copies}"


def check_iam(principal: Mapping[str, Any] | None) -> SetupCheck:
    """Checks the IAM principal. Readers do not need one, so a missing one is only a warning."""
    if principal is None:
        return SetupCheck("AWS identity", "warning", "none: you can read, but not write", "Set AWS_PROFILE to write.")
    by_setting = ", an administrator by the stage's settings" if principal.get("administrator") else ""
    return SetupCheck("AWS identity", "ok", f"{principal.get('principal')}{by_setting}")


def check_writes(principal: Mapping[str, Any] | None, namespace: Namespace, denied: Forbidden | None) -> SetupCheck:
    """Checks whether the caller may write to a namespace, which takes both a grant and IAM's permission.

    Args:
        principal: the IAM principal and its grants; None if IAM does not let the caller ask.
        namespace: to write to.
        denied: how IAM refused the write routes; None if it allowed them.
    """
    name, who = f"{namespace}: write", str(principal.get("principal")) if principal else "your AWS identity"
    granted = principal is not None and _is_granted(principal, "write", namespace)
    missing = [] if granted or principal is None else [f"no grant allows write on {namespace}"]
    missing += ["IAM does not allow execute-api:Invoke on the write routes"] if denied else []
    if not missing:
        found = f"{who} may write" if granted else "IAM allows the calls, but your grants cannot be read"
        return SetupCheck(name, "ok" if granted else "warning", found)
    advice = ([] if granted or principal is None else [_describe_grant(who, "write", namespace)]) + (
        [denied.detail] if denied else []
    )
    return SetupCheck(name, "warning", f"{who} may not write: {', and '.join(missing)}", join_sentences(*advice))


def _is_granted(principal: Mapping[str, Any], action: Action, namespace: Namespace) -> bool:
    return grants.allows(_parse_grants(principal), action, namespace)


def _parse_grants(principal: Mapping[str, Any]) -> list[Grant]:
    return [Grant(tuple(each["actions"]), tuple(each["namespaces"])) for each in principal.get("grants") or []]


def _describe_grant(who: str, action: Action, *namespaces: Namespace) -> str:
    asked = " ".join(f"-n {each}" for each in namespaces)
    return f"Ask an administrator: configsvc grant {who} -a {action} {asked}"


_WHY_DUE: Mapping[WhyDue, str] = {
    "age": f"is older than {limits.DATA_KEY_SECONDS // 86400} days",
    "seals": "sealed almost as many values as it may",
}


def check_data_keys(namespace: Namespace, due: Mapping[str, Sequence[WhyDue]]) -> Iterator[SetupCheck]:
    """Warns of live data keys that are due, and says why."""
    if due:
        said = [f"{kid} {' and '.join(_WHY_DUE[each] for each in why)}" for kid, why in due.items()]
        advice = f"To replace {'it' if len(due) == 1 else 'them'}: configsvc data-key rotate -n {namespace}"
        found = f"{count(len(due), 'data key')} due: {list_first(said, _NAMED)}"
        yield SetupCheck(f"{namespace}: due data keys", "warning", found, advice)


def check_values(namespace: Namespace, overdue: Sequence[str]) -> Iterator[SetupCheck]:
    """Warns of served values that should have been replaced."""
    if overdue:
        found = f"{count(len(overdue), 'value')} overdue: {list_first(overdue, _NAMED)}"
        yield SetupCheck(
            f"{namespace}: overdue values", "warning", found, f"To list them: configsvc list --due -n {namespace}"
        )


def check_pinned(namespace: Namespace, pin: Pin, kms_keys: Sequence[str]) -> SetupCheck:
    """Checks whether the KMS keys that wrap a namespace's data keys are pinned."""
    name = f"{namespace}: pin"
    if not kms_keys:
        return SetupCheck(name, "skipped", "no data key", f"To seal: configsvc data-key add -n {namespace}")
    unknown = [each for each in kms_keys if not pin.covers(each)]
    if unknown:
        return SetupCheck(
            name, "failed", f"CONFIGSVC_KMS_KEYS does not name {', '.join(unknown)}", "Add it if you trust it."
        )
    if ANY in pin.arns:
        return SetupCheck(name, "warning", "CONFIGSVC_KMS_KEYS trusts any KMS key", f"Set it to {','.join(kms_keys)}")
    return SetupCheck(name, "ok", ", ".join(kms_keys))
