"""Looks at everything that `configsvc doctor` tells of. Writes nothing, and shows no secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client._pin import Pin, pin, region_of
from configsvc_client._sentences import sentences
from configsvc_client.cli import _checks, _options, _origins, _retired, _settings
from configsvc_client.cli._checks import Check
from configsvc_client.cli._count import counted

if TYPE_CHECKING:
    from configsvc_client.admin import Admin
    from configsvc_client.cli._profiles import Resolved

_SHOWN = (("CONFIGSVC_NAMESPACES", "namespaces"), ("CONFIGSVC_KMS_KEYS", "KMS keys"), ("AWS_REGION", "region"))
"""Settings of which doctor says where they come from, beside the URL, the API key and the AWS identity."""


def examined(namespaces: list[str]) -> Iterator[Check]:
    """Each check as it is made, with where the settings that a failed one names come from.

    What cannot go on ends the list.
    """
    for each in _looked_at(namespaces):
        origins = _origins.of(f"{each.found} {each.advice}") if each.state in ("failed", "warning") else []
        yield each._replace(found=sentences(each.found, *origins) if origins else each.found)


def _looked_at(namespaces: list[str]) -> Iterator[Check]:
    settings = _checks.tried("settings", lambda: _set(namespaces))
    yield settings
    if settings.state == "failed":
        return
    resolved = _settings.resolved()
    if resolved.project:
        yield _checks.project_file(resolved.project, trusted=resolved.project_trusted)
    admin = _settings.admin()
    reached = _checks.tried("service", lambda: _reached(admin))
    yield reached
    if reached.state == "failed":
        return
    yield _checks.tried("table", lambda: _table(admin))
    yield _checks.tried("clock", lambda: _checks.clock(admin.access.measure_skew()))
    wanted = [names.namespace(each) for each in namespaces]
    yield from _principals(admin, wanted)
    for each in wanted:
        yield from _namespace(admin, each)


def _set(namespaces: list[str]) -> Check:
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
    told += [f"API key from {api_key(resolved)[1]}", f"AWS identity by {_identity(resolved)}"]
    told += [f"{what} from {resolved.settings[name].source}" for name, what in _SHOWN if name in resolved.settings]
    return Check("settings", "ok", ", ".join(told))


def _identity(resolved: Resolved) -> str:
    """What chooses the AWS credentials, and where that is set."""
    keys = resolved.settings.get("AWS_ACCESS_KEY_ID"), resolved.settings.get("AWS_SECRET_ACCESS_KEY")
    if keys[0] and keys[1]:
        return f"AWS_ACCESS_KEY_ID from {keys[0].source}"
    profile = resolved.settings.get("AWS_PROFILE")
    return f"AWS_PROFILE {profile.text} from {profile.source}" if profile else "AWS's own settings"


def _reached(admin: Admin) -> Check:
    admin.access.measure_skew()
    return Check("service", "ok", f"{_settings.resolved().get('CONFIGSVC_URL')} answers")


def _table(admin: Admin) -> Check:
    admin.access.check_table()
    return Check("table", "ok", "the service can read its table")


def _api_keys(namespaces: list[Namespace]) -> Iterator[Check]:
    """Each by itself: where two are set, one of them is enough, and each request is tried with the other."""

    def look(admin: Admin) -> Check:
        return _checks.api_key(_member(admin.access.whoami(signed=False), "api_key"), namespaces)

    found = [_checks.tried("API key", partial(look, admin)) for admin in _settings.admins()]
    if len(found) == 1:
        yield found[0]
        return
    for number, each in enumerate(found, start=1):
        yield _checks.one_of(each._replace(name=f"API key {number} of {len(found)}"), found)


def _principals(admin: Admin, namespaces: list[Namespace]) -> Iterator[Check]:
    yield from _api_keys(namespaces)
    try:
        found = _member(admin.access.whoami(), "iam")
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
        yield _checks.tried(f"{each}: write", partial(_writes, admin, found, each))


def _writes(admin: Admin, principal: Mapping[str, Any] | None, namespace: Namespace) -> Check:
    return _checks.writes(principal, namespace, admin.access.find_denial(namespace, "write"))


def _namespace(admin: Admin, namespace: Namespace) -> Iterator[Check]:
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
        yield _unwrapped(admin, namespace, _region(pins, listed[0].data_key.kms_key))


def _region(pins: Pin, kms_key: str) -> str:
    """Where KMS is asked for a key."""
    from configsvc_client.admin import settings_in

    ours = settings_in(_settings.environ()).region
    pinned = pins.nearest(kms_key, ours)
    return region_of(pinned) if pinned else ours


def _unwrapped(admin: Admin, namespace: Namespace, region: str) -> Check:
    name = f"{namespace}: KMS"
    try:
        admin.data_keys.check(namespace)
    except ConfigsvcError as error:
        return _checks.failed(name, error)
    return Check(name, "ok", f"kms:Decrypt opens the data key, in {region}")


def _member(found: Mapping[str, object], name: str) -> Mapping[str, Any] | None:
    member = found.get(name)
    return member if isinstance(member, Mapping) else None
