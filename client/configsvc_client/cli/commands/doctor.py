"""Check your setup and suggest fixes.

Checks the settings, the service, the clock, both principals and their grants. For each namespace, checks whether a
grant and IAM allow writes, its data keys, whether their KMS keys are pinned, and whether KMS opens them. Data keys that
are due and values that are overdue are a warning. Nothing is written: IAM is asked with empty signed requests, which
the service refuses. Exits with 1 if a check fails.

If CONFIGSVC_API_KEY has two keys (old, new), both are checked, and a refused one is a warning. Their grants are
compared, too: what one of them lacks is a warning, with the command that copies it.

In a pipe: name, state (ok, warning, failed, skipped), what was found, what to do, separated by tabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client._pin import Pin, parse_pin, parse_region
from configsvc_client._wording import join_sentences
from configsvc_client.cli import exit_codes, options, setup_checks
from configsvc_client.cli.commands.list import is_overdue
from configsvc_client.cli.output import records
from configsvc_client.cli.output.words import count, get_now, get_today
from configsvc_client.cli.settings import composition, retired_data_keys, sources
from configsvc_client.cli.setup_checks import SetupCheck

if TYPE_CHECKING:
    from configsvc_client.admin import Admin
    from configsvc_client.admin.sealing.keyrings import StoredDataKey
    from configsvc_client.cli.settings.profiles import Resolved


@click.command(help=__doc__)
@options.add_namespaces_option
def command(namespaces: tuple[str, ...]) -> int:
    try:
        wanted = options.choose_namespaces(namespaces, none=True)
    except Misconfigured:  # the first check says why
        wanted = []
    return report([str(each) for each in wanted])


def report(namespaces: list[str]) -> int:
    """Prints the checks and returns the exit code."""
    found = list(examine(namespaces))
    records.print_table(("check", "state", "found", "what to do"), found)
    return exit_codes.FAILED if any(each.state == "failed" for each in found) else 0


_SHOWN = (("CONFIGSVC_NAMESPACES", "namespaces"), ("CONFIGSVC_KMS_KEYS", "KMS keys"), ("AWS_REGION", "region"))
"""Settings whose origin is shown, besides those of the URL, the API key and the AWS identity."""


def examine(namespaces: list[str]) -> Iterator[SetupCheck]:
    """Runs the checks one by one; a failed one also names the origin of its settings.

    A failure that makes further checks pointless ends the list.
    """
    for each in _run_checks(namespaces):
        origins = sources.list_origins(f"{each.found} {each.advice}") if each.state in ("failed", "warning") else []
        yield each._replace(found=join_sentences(each.found, *origins) if origins else each.found)


def _run_checks(namespaces: list[str]) -> Iterator[SetupCheck]:
    settings = setup_checks.try_check("settings", lambda: _check_settings(namespaces))
    yield settings
    if settings.state == "failed":
        return
    resolved = composition.resolve()
    if resolved.project:
        yield setup_checks.check_project_file(resolved.project, trusted=resolved.project_trusted)
    admin = composition.open_admin()
    reached = setup_checks.try_check("service", lambda: _check_reached(admin))
    yield reached
    if reached.state == "failed":
        return
    yield setup_checks.try_check("table", lambda: _check_table(admin))
    yield setup_checks.try_check("clock", lambda: setup_checks.check_clock(admin.access.measure_skew()))
    wanted = [names.parse_namespace(each) for each in namespaces]
    yield from _check_principals(admin, wanted)
    for each in wanted:
        yield from _check_namespace(admin, each)


def _check_settings(namespaces: list[str]) -> SetupCheck:
    """Checks the settings and says where they come from. Without namespaces, also checks those that are set.

    Raises:
        Misconfigured: one is missing or wrong.
    """
    from configsvc_client.admin import read_settings
    from configsvc_client.cli.settings.api_key import find_api_key

    read_settings(composition.get_environ())
    if not namespaces:
        options.choose_namespaces((), none=True)
    resolved = composition.resolve()
    origins = [f"{resolved.get('CONFIGSVC_URL')} from {resolved.settings['CONFIGSVC_URL'].source}"]
    origins += [f"API key from {find_api_key(resolved)[1]}", f"AWS identity by {_describe_identity(resolved)}"]
    origins += [f"{what} from {resolved.settings[name].source}" for name, what in _SHOWN if name in resolved.settings]
    return SetupCheck("settings", "ok", ", ".join(origins))


def _describe_identity(resolved: Resolved) -> str:
    """Describes what chooses the AWS credentials, and where that is set."""
    keys = resolved.settings.get("AWS_ACCESS_KEY_ID"), resolved.settings.get("AWS_SECRET_ACCESS_KEY")
    if keys[0] and keys[1]:
        return f"AWS_ACCESS_KEY_ID from {keys[0].source}"
    profile = resolved.settings.get("AWS_PROFILE")
    return f"AWS_PROFILE {profile.text} from {profile.source}" if profile else "AWS's own settings"


def _check_reached(admin: Admin) -> SetupCheck:
    admin.access.measure_skew()
    return SetupCheck("service", "ok", f"{composition.resolve().get('CONFIGSVC_URL')} answers")


def _check_table(admin: Admin) -> SetupCheck:
    admin.access.check_table()
    return SetupCheck("table", "ok", "the service can read its table")


def _check_api_keys(namespaces: list[Namespace]) -> Iterator[SetupCheck]:
    """Checks each API key by itself: of two keys, one is enough, because requests are tried with both."""
    holders: dict[int, Mapping[str, Any] | None] = {}

    def look(number: int, admin: Admin) -> SetupCheck:
        holders[number] = _get_member(admin.access.whoami(signed=False), "api_key")
        return setup_checks.check_api_key(holders[number], namespaces)

    numbered = list(enumerate(composition.open_admins(), start=1))
    found = [setup_checks.try_check("API key", partial(look, *each)) for each in numbered]
    if len(found) == 1:
        yield found[0]
        return
    for number, each in enumerate(found, start=1):
        yield setup_checks.check_one_of_two(each._replace(name=f"API key {number} of {len(found)}"), found)
    yield setup_checks.compare_api_keys(holders.get(1), holders.get(2))


def _check_principals(admin: Admin, namespaces: list[Namespace]) -> Iterator[SetupCheck]:
    yield from _check_api_keys(namespaces)
    try:
        found = _get_member(admin.access.whoami(), "iam")
    except Misconfigured as error:
        yield SetupCheck("AWS identity", "warning", error.detail, "You need one to write, seal and open.")
        return
    except ConfigsvcError as error:
        if error.members.get("gateway") != "ACCESS_DENIED":
            yield setup_checks.report_failure("AWS identity", error)
            return
        found = None
        yield SetupCheck(
            "AWS identity", "warning", error.detail, "You need this to write. To read, the API key and KMS are enough."
        )
    else:
        yield setup_checks.check_iam(found)
        if found is None:
            return
    for each in namespaces:
        yield setup_checks.try_check(f"{each}: write", partial(_check_writes, admin, found, each))


def _check_writes(admin: Admin, principal: Mapping[str, Any] | None, namespace: Namespace) -> SetupCheck:
    return setup_checks.check_writes(principal, namespace, admin.access.find_denial(namespace, "write"))


def _check_namespace(admin: Admin, namespace: Namespace) -> Iterator[SetupCheck]:
    try:
        listed = [each for each in admin.data_keys.list(namespace) if each.state == "live"]
    except ConfigsvcError as error:
        yield setup_checks.report_failure(str(namespace), error)
        return
    yield SetupCheck(str(namespace), "ok", f"can be read; {count(len(listed), 'live data key')}")
    back = [each.kid for each in listed if each.kid in admin.data_keys.get_retired(namespace)]
    if back:
        advice = f"Rotate: configsvc data-key rotate -n {namespace} --fresh"
        yield SetupCheck(f"{namespace}: data keys", "failed", retired_data_keys.describe_offered(back), advice)
    yield from _check_due(admin, namespace, listed)
    pins = parse_pin(composition.get_pins())
    trusted = setup_checks.check_pinned(namespace, pins, sorted({each.data_key.kms_key for each in listed}))
    yield trusted
    if trusted.state in ("ok", "warning"):
        yield _check_unwraps(admin, namespace, _find_region(pins, listed[0].data_key.kms_key))


def _check_due(admin: Admin, namespace: Namespace, live: list[StoredDataKey]) -> Iterator[SetupCheck]:
    """Warns of data keys that are due and of values that are overdue, by the rule of upkeep's report."""
    now = get_now().astimezone(UTC)
    reasons = {each.kid: each.find_reasons(now.timestamp()) for each in live}
    yield from setup_checks.check_data_keys(namespace, {kid: why for kid, why in reasons.items() if why})
    try:
        late = [each.key for each in admin.values.list_keys(namespace) if is_overdue(each, get_today(now))]
    except ConfigsvcError as error:
        yield setup_checks.report_failure(f"{namespace}: overdue values", error)
        return
    yield from setup_checks.check_values(namespace, late)


def _find_region(pins: Pin, kms_key: str) -> str:
    """Finds the region in which KMS is asked for a key."""
    from configsvc_client.admin import read_settings

    ours = read_settings(composition.get_environ()).region
    pinned = pins.find_nearest(kms_key, ours)
    return parse_region(pinned) if pinned else ours


def _check_unwraps(admin: Admin, namespace: Namespace, region: str) -> SetupCheck:
    name = f"{namespace}: KMS"
    try:
        admin.data_keys.check(namespace)
    except ConfigsvcError as error:
        return setup_checks.report_failure(name, error)
    return SetupCheck(name, "ok", f"kms:Decrypt opens the data key, in {region}")


def _get_member(found: Mapping[str, object], name: str) -> Mapping[str, Any] | None:
    member = found.get(name)
    return member if isinstance(member, Mapping) else None
