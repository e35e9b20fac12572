"""Check your setup and suggest fixes.

Settings, the service, the clock, both principals and their grants; for each namespace whether a grant and IAM allow
writing, its data keys, whether their KMS keys are pinned, and whether KMS opens them. Nothing is written: IAM is
asked with signed requests without content, which the service refuses. Of two API keys each is checked; it is a
warning if one is refused. Ends with 1 if something fails.

In a pipe: name, state (ok, warning, failed, skipped), what was found, what to do, separated by tabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client._pin import Pin, pin, region_of
from configsvc_client._sentences import sentences
from configsvc_client.cli import _checks, _exit, _options, _origins, _output, _retired, _settings
from configsvc_client.cli._checks import Check
from configsvc_client.cli._count import counted

if TYPE_CHECKING:
    from configsvc_client.admin import Admin
    from configsvc_client.cli._profiles import Resolved


@click.command(help=__doc__)
@_options.namespaces
def command(namespaces: tuple[str, ...]) -> int:
    try:
        wanted = _options.the_namespaces(namespaces, none=True)
    except Misconfigured:  # the first check says why
        wanted = []
    return report([str(each) for each in wanted])


def report(namespaces: list[str]) -> int:
    """Prints the checks; the exit code."""
    found = list(examine(namespaces))
    _output.table(("check", "state", "found", "what to do"), found)
    return _exit.FAILED if any(each.state == "failed" for each in found) else 0


_SHOWN = (("CONFIGSVC_NAMESPACES", "namespaces"), ("CONFIGSVC_KMS_KEYS", "KMS keys"), ("AWS_REGION", "region"))
"""Settings of which doctor says where they come from, beside the URL, the API key and the AWS identity."""


def examine(namespaces: list[str]) -> Iterator[Check]:
    """Each check as it is made, with where the settings that a failed one names come from.

    What cannot go on ends the list.
    """
    for each in _run_checks(namespaces):
        origins = _origins.of(f"{each.found} {each.advice}") if each.state in ("failed", "warning") else []
        yield each._replace(found=sentences(each.found, *origins) if origins else each.found)


def _run_checks(namespaces: list[str]) -> Iterator[Check]:
    settings = _checks.tried("settings", lambda: _check_settings(namespaces))
    yield settings
    if settings.state == "failed":
        return
    resolved = _settings.resolved()
    if resolved.project:
        yield _checks.project_file(resolved.project, trusted=resolved.project_trusted)
    admin = _settings.admin()
    reached = _checks.tried("service", lambda: _check_reached(admin))
    yield reached
    if reached.state == "failed":
        return
    yield _checks.tried("table", lambda: _check_table(admin))
    yield _checks.tried("clock", lambda: _checks.clock(admin.access.measure_skew()))
    wanted = [names.namespace(each) for each in namespaces]
    yield from _check_principals(admin, wanted)
    for each in wanted:
        yield from _check_namespace(admin, each)


def _check_settings(namespaces: list[str]) -> Check:
    """Where the settings come from. Without namespaces, those that are set are checked too.

    Raises:
        Misconfigured: one is missing or wrong.
    """
    from configsvc_client.admin import settings_in
    from configsvc_client.cli._api_key import api_key

    settings_in(_settings.environ())
    if not namespaces:
        _options.the_namespaces((), none=True)
    resolved = _settings.resolved()
    told = [f"{resolved.get('CONFIGSVC_URL')} from {resolved.settings['CONFIGSVC_URL'].source}"]
    told += [f"API key from {api_key(resolved)[1]}", f"AWS identity by {_describe_identity(resolved)}"]
    told += [f"{what} from {resolved.settings[name].source}" for name, what in _SHOWN if name in resolved.settings]
    return Check("settings", "ok", ", ".join(told))


def _describe_identity(resolved: Resolved) -> str:
    """What chooses the AWS credentials, and where that is set."""
    keys = resolved.settings.get("AWS_ACCESS_KEY_ID"), resolved.settings.get("AWS_SECRET_ACCESS_KEY")
    if keys[0] and keys[1]:
        return f"AWS_ACCESS_KEY_ID from {keys[0].source}"
    profile = resolved.settings.get("AWS_PROFILE")
    return f"AWS_PROFILE {profile.text} from {profile.source}" if profile else "AWS's own settings"


def _check_reached(admin: Admin) -> Check:
    admin.access.measure_skew()
    return Check("service", "ok", f"{_settings.resolved().get('CONFIGSVC_URL')} answers")


def _check_table(admin: Admin) -> Check:
    admin.access.check_table()
    return Check("table", "ok", "the service can read its table")


def _check_api_keys(namespaces: list[Namespace]) -> Iterator[Check]:
    """Each by itself: where two are set, one of them is enough, and each request is tried with the other."""

    def look(admin: Admin) -> Check:
        return _checks.api_key(_get_member(admin.access.whoami(signed=False), "api_key"), namespaces)

    found = [_checks.tried("API key", partial(look, admin)) for admin in _settings.admins()]
    if len(found) == 1:
        yield found[0]
        return
    for number, each in enumerate(found, start=1):
        yield _checks.one_of(each._replace(name=f"API key {number} of {len(found)}"), found)


def _check_principals(admin: Admin, namespaces: list[Namespace]) -> Iterator[Check]:
    yield from _check_api_keys(namespaces)
    try:
        found = _get_member(admin.access.whoami(), "iam")
    except Misconfigured as error:
        yield Check("AWS identity", "warning", error.detail, "Needed to write, and to seal and open.")
        return
    except ConfigsvcError as error:
        if error.members.get("gateway") != "ACCESS_DENIED":
            yield _checks.failed("AWS identity", error)
            return
        found = None
        yield Check("AWS identity", "warning", error.detail, "Needed to write. Reading takes the API key and KMS.")
    else:
        yield _checks.iam(found)
        if found is None:
            return
    for each in namespaces:
        yield _checks.tried(f"{each}: write", partial(_check_writes, admin, found, each))


def _check_writes(admin: Admin, principal: Mapping[str, Any] | None, namespace: Namespace) -> Check:
    return _checks.writes(principal, namespace, admin.access.find_denial(namespace, "write"))


def _check_namespace(admin: Admin, namespace: Namespace) -> Iterator[Check]:
    try:
        listed = [each for each in admin.data_keys.list(namespace) if each.state == "live"]
    except ConfigsvcError as error:
        yield _checks.failed(str(namespace), error)
        return
    yield Check(str(namespace), "ok", f"can be read; {counted(len(listed), 'live data key')}")
    back = [each.kid for each in listed if each.kid in admin.data_keys.get_retired(namespace)]
    if back:
        advice = f"Rotate: configsvc data-key rotate -n {namespace} --fresh"
        yield Check(f"{namespace}: data keys", "failed", _retired.offered(back), advice)
    pins = pin(_settings.pins())
    trusted = _checks.pinned(namespace, pins, sorted({each.data_key.kms_key for each in listed}))
    yield trusted
    if trusted.state in ("ok", "warning"):
        yield _check_unwraps(admin, namespace, _find_region(pins, listed[0].data_key.kms_key))


def _find_region(pins: Pin, kms_key: str) -> str:
    """Where KMS is asked for a key."""
    from configsvc_client.admin import settings_in

    ours = settings_in(_settings.environ()).region
    pinned = pins.nearest(kms_key, ours)
    return region_of(pinned) if pinned else ours


def _check_unwraps(admin: Admin, namespace: Namespace, region: str) -> Check:
    name = f"{namespace}: KMS"
    try:
        admin.data_keys.check(namespace)
    except ConfigsvcError as error:
        return _checks.failed(name, error)
    return Check(name, "ok", f"kms:Decrypt opens the data key, in {region}")


def _get_member(found: Mapping[str, object], name: str) -> Mapping[str, Any] | None:
    member = found.get(name)
    return member if isinstance(member, Mapping) else None
