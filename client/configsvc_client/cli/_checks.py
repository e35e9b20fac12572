"""What `configsvc doctor` finds: decisions on what was seen, each with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from configsvc.model import grants
from configsvc.model.errors import ConfigsvcError
from configsvc.model.grants import Action, Grant
from configsvc.model.names import Namespace
from configsvc_client._pin import ANY, Pin

SKEW_REFUSED = 300.0
"""Seconds by which a signature's time may be off (AWS Signature Version 4, five minutes)."""

SKEW_WORTH_TELLING = 30.0

_WHOLE = 1.0
"""What a Date header leaves open, which tells whole seconds, and the way of the answer."""

State = Literal["ok", "warning", "failed", "skipped"]


class Check(NamedTuple):
    """What was looked at, how it is, what was found, and what to do where it is not well."""

    name: str
    state: State
    found: str
    advice: str = ""


def tried(name: str, look: Callable[[], Check], advice: str = "") -> Check:
    """What looking gives, or the error that it ended with."""
    try:
        return look()
    except ConfigsvcError as error:
        return Check(name, "failed", error.detail, advice)


def project_file(path: str, *, trusted: bool) -> Check:
    """The project file that counts here."""
    if trusted:
        return Check("project file", "ok", f"{path} is trusted")
    found = f"{path} is not trusted: its policy allows nothing, and a write needs -n"
    return Check("project file", "warning", found, "Look at it, and trust it: configsvc trust")


def clock(ahead: float | None) -> Check:
    """The computer's clock, by the seconds it is ahead of the service's."""
    if ahead is None:
        return Check("clock", "skipped", "the service's answer has no Date")
    if -_WHOLE <= ahead < 1 + _WHOLE:
        return Check("clock", "ok", "as the service's")
    found = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the service"
    advice = "Set the clock (NTP): AWS refuses signatures that are more than 5 minutes off."
    if abs(ahead) >= SKEW_REFUSED:
        return Check("clock", "failed", found, advice)
    return Check("clock", "warning", found, advice) if abs(ahead) > SKEW_WORTH_TELLING else Check("clock", "ok", found)


def api_key(principal: Mapping[str, Any] | None, namespaces: Iterable[Namespace]) -> Check:
    """The API key's principal, and whether it may read."""
    if principal is None:
        return Check("API key", "failed", "the service knows no principal", "Ask an administrator for an API key.")
    return _granted("API key", principal, "read", namespaces)


def iam(principal: Mapping[str, Any] | None, namespaces: Iterable[Namespace]) -> Check:
    """The IAM principal, and whether it may write. Who only reads needs none, so that is only worth telling."""
    if principal is None:
        return Check("AWS identity", "warning", "none: you can read, and not write", "Set AWS_PROFILE to write.")
    found = _granted("AWS identity", principal, "write", namespaces)
    if principal.get("administrator"):
        found = found._replace(found=f"{found.found}; administrator by the stage's setting")
    return found._replace(state="warning") if found.state == "failed" else found


def _granted(name: str, principal: Mapping[str, Any], action: Action, namespaces: Iterable[Namespace]) -> Check:
    who = str(principal.get("principal"))
    held = [Grant(tuple(each["actions"]), tuple(each["namespaces"])) for each in principal.get("grants") or []]
    lacking = [each for each in namespaces if not grants.allows(held, action, each)]
    if lacking:
        asked = " ".join(f"-n {each}" for each in lacking)
        found = f"{who} may not {action} {', '.join(lacking)}"
        return Check(name, "failed", found, f"Ask an administrator: configsvc grant {who} -a {action} {asked}")
    return Check(name, "ok", f"{who} may {action}")


def pinned(namespace: Namespace, pin: Pin, kms_keys: Sequence[str]) -> Check:
    """Whether the KMS keys that wrap a namespace's data keys are pinned."""
    name = f"{namespace}: pin"
    if not kms_keys:
        return Check(name, "skipped", "no data key", f"To seal: configsvc data-key add -n {namespace}")
    unknown = [each for each in kms_keys if not pin.covers(each)]
    if unknown:
        return Check(
            name, "failed", f"CONFIGSVC_KMS_KEYS does not name {', '.join(unknown)}", "Add it if you trust it."
        )
    if ANY in pin.arns:
        return Check(name, "warning", "CONFIGSVC_KMS_KEYS trusts any KMS key", f"Set it to {','.join(kms_keys)}")
    return Check(name, "ok", ", ".join(kms_keys))
