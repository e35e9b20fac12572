"""Keeps the namespace `configsvc.probe`: a value that is written every few minutes, and the time of the last upkeep.

The probe fetches it as a consumer would. An old heartbeat means that nothing can be written, or that nothing runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from configsvc.model import strict_json
from configsvc.model.change_set import Put
from configsvc.model.errors import Conflict, NotFound, PreconditionFailed, Unprocessable
from configsvc.model.grants import Grant, Principal, allows
from configsvc.model.names import HEARTBEAT_KEY, PROBE_NAMESPACE, UPKEEP_KEY, Key
from configsvc.service.engine import access, records
from configsvc.service.engine.access import find_record
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import RetentionSettings, StoredGrants
from configsvc.service.engine.retention import parse_seconds
from configsvc.service.verbs.grants import ExpectedGrants, set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.read_keys import get_key

RETENTION = RetentionSettings(versions=2, log_days=1)
"""A heartbeat every five minutes makes 288 versions and records a day, which nobody asks for later."""

_AHEAD = 3600.0
"""Seconds that the clock of the machine that ran upkeep may be ahead. A later time would silence `upkeep-overdue`."""

_DESCRIPTION = "Written by the scheduled functions; the probe reads it."


def beat(ports: ServicePorts, caller: Caller, probe: Principal | None) -> float:
    """Writes the heartbeat; returns the seconds since the last completed upkeep.

    The namespace is created if it is missing, and the probe gets its grant if it has none. As long as no upkeep has
    completed, the seconds count from the first heartbeat. Two may run at once.

    Args:
        ports: what it may use.
        caller: the upkeep, as `make_caller` makes it.
        probe: the principal of the probe's API key; None if the stage has no probe.

    Raises:
        Conflict: the namespace is read-only, or the probe's grants lack it.
        Unprocessable: the value of the key `upkeep` is not what this service wrote.
        ConfigsvcError: as for every write.
    """
    now = ports.clock.now()
    leave_mark(ports, caller, HEARTBEAT_KEY, {"at": now.text})
    if probe is not None:
        _let_probe_read(ports, caller, probe)
    return max(0.0, now.seconds - _find_last_upkeep(ports, caller, now.text))


def leave_mark(
    ports: ServicePorts, caller: Caller, key: Key, members: Mapping[str, object], *, create_only: bool = False
) -> None:
    """Puts a plain JSON value, and creates the namespace if it is missing.

    Raises:
        ConfigsvcError: as for every write.
    """
    wanted = Put(key, "plain", "application/json", json.dumps(members), create_only=create_only)
    try:
        put_key(ports, caller, PROBE_NAMESPACE, wanted, "", None)
    except NotFound:
        new = NamespaceWanted(description=_DESCRIPTION, retention=RETENTION)
        create_namespace(ports, caller, PROBE_NAMESPACE, new, None)
        put_key(ports, caller, PROBE_NAMESPACE, wanted, "", None)


def _let_probe_read(ports: ServicePorts, caller: Caller, probe: Principal) -> None:
    """Grants the probe what it needs, unless somebody has set its grants already.

    Raises:
        Conflict: it has other grants.
    """
    at = records.address_of_granted(probe)
    _, found = access.read_with_rights(ports, caller, (at,), writes=True)
    granted = find_record(found, at, StoredGrants)
    if granted is None:
        with suppress(PreconditionFailed):  # another heartbeat granted it at the same moment
            set_grants(ports, caller, probe, (Grant(("read",), (PROBE_NAMESPACE,)),), None, ExpectedGrants(none=True))
    elif not allows(granted.grants, "read", PROBE_NAMESPACE):
        raise Conflict(
            f"Somebody changed the grants of {probe}, and the probe can no longer read {PROBE_NAMESPACE}. An "
            f"administrator can grant it: configsvc grant {probe} -a read -n {PROBE_NAMESPACE}"
        )


def _find_last_upkeep(ports: ServicePorts, caller: Caller, now: str) -> float:
    reader = caller._replace(api_key=caller.principal)
    try:
        entry, _ = get_key(ports, reader, PROBE_NAMESPACE, UPKEEP_KEY)
    except NotFound:
        with suppress(PreconditionFailed):  # an upkeep completed at this moment
            leave_mark(ports, caller, UPKEEP_KEY, {"at": None, "since": now}, create_only=True)
        return parse_seconds(now)
    return _read_mark(str(entry.get("value")), parse_seconds(now) + _AHEAD)


def _read_mark(text: str, latest: float) -> float:
    """Returns the seconds since the epoch at which the last upkeep completed, or else at which the first was due.

    Raises:
        Unprocessable: somebody wrote another value, or a time after `latest`.
    """
    found = strict_json.read(text).value
    members = found if isinstance(found, dict) else {}
    with suppress(ValueError, OverflowError):
        if (at := parse_seconds(str(members.get("at") or members.get("since")))) <= latest:
            return at
    raise Unprocessable(
        f"The value of {UPKEEP_KEY} in {PROBE_NAMESPACE} is not a time that upkeep wrote. Delete the key: "
        f"configsvc delete {UPKEEP_KEY} -n {PROBE_NAMESPACE}"
    )
