"""Decides whether a response to the probe is what a reader of `configsvc.probe` must get. Pure: no I/O and no clock.

No text of the response is ever quoted, because a wrong server may send the API key back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from configsvc.model import etag, limits, snapshot
from configsvc.model.names import HEARTBEAT_KEY, PROBE_NAMESPACE
from configsvc.model.snapshot import SealedSnapshot

NAMESPACE = PROBE_NAMESPACE
SKEW_SECONDS = 60.0
"""How far in the future a heartbeat may be, because two machines wrote and read it."""

BODY_BYTES = 256 * 1024
"""The largest body that is read. The namespace holds two small values."""

_OK, _FORBIDDEN, _NOT_FOUND, _THROTTLED = 200, 403, 404, 429

ADVICE: Mapping[str, str] = {
    "settings": "Deploy the stack again, or correct the variable.",
    "api_key": "Is the key there and enabled? May the role read it? In a VPC: can it reach API Gateway's own API?",
    "dns": "Check the DNS record of the URL's host, and that its zone is delegated.",
    "connect": "Check that the API exists and that the probe may reach it: its subnets, security groups, addresses.",
    "tls": "Check the certificate of the custom domain in ACM: its names, its expiry, and that it is the one in use.",
    "timeout": "Look at the alarms of the API: is it slow or throttled? Then check the network between the two.",
    "http": "Something other than the API answers at this URL. Check the DNS record and the custom domain.",
    "too_large": "Delete large values that somebody put there. Without any, something other than the API answers.",
    "forbidden": "Check that the API key is in its usage plan, and that no policy or firewall keeps the probe out.",
    "not_found": "Run the heartbeat, which makes the namespace and the key's grant, and check the URL's base path.",
    "throttled": "Readers are throttled too: see the alarm for throttled requests, and raise the limit or the quota.",
    "status": "See the log and the alarms of the API; if the last deployment caused it, roll back.",
    "content_type": "Something other than the API answers at this URL. Check the DNS record and any proxy in between.",
    "shape": "Something other than the API answers, or a release is broken: roll back if it was just deployed.",
    "namespace": "A cache or a proxy mixes up responses, or a release is broken: stop it, or roll back.",
    "etag": "A cache or a proxy changes responses, or a release is broken: stop it, or roll back.",
    "revision": "Readers refuse it too. Lift the namespace; see docs/OPERATIONS.md, The probe after a restore.",
    "heartbeat": "Run the heartbeat, and see the log of the upkeep function.",
    "age": "Run the heartbeat, and see the log of the upkeep function; if it writes, a cache serves old responses.",
    "internal": "The probe itself failed. See the line's `where`, and report it.",
}
"""Advice for each code. docs/OPERATIONS.md, "The probe", has the same codes."""


class ProbeFailed(Exception):
    """A check failed.

    Args:
        code: one of `ADVICE`.
        happened: one sentence; never text that a server sent.
    """

    def __init__(self, code: str, happened: str) -> None:
        super().__init__(happened)
        self.code = code
        self.detail = f"{happened} {ADVICE[code]}"


class Answer(NamedTuple):
    """A response as it arrived. Header names are in lower case.

    Args:
        expires: when the server's certificate expires, in seconds since 1970; None without TLS.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    expires: float | None = None


class Seen(NamedTuple):
    """The highest revision that was served so far, and its tag."""

    revision: int
    tag: str


class Finding(NamedTuple):
    """A snapshot that passed all checks but those of its age."""

    seen: Seen
    written_at: float


def check_answer(answer: Answer, before: Seen | None) -> Finding:
    """Checks a response, and when its heartbeat was written.

    Args:
        answer: the response.
        before: the highest revision that this process has seen.

    Raises:
        ProbeFailed: the first check that failed.
    """
    _check_head(answer)
    found = _parse_snapshot(answer.body)
    if found.namespace != NAMESPACE:
        raise ProbeFailed("namespace", f"The response is not about {NAMESPACE}.")
    seen = _check_etag(answer.headers.get("etag", ""), found)
    _check_order(seen, before)
    return Finding(seen, _parse_heartbeat(found))


def check_age(age: float, max_age: float) -> None:
    """Checks the age of a heartbeat, in seconds.

    Raises:
        ProbeFailed: it is too old, or from the future.
    """
    if age > max_age:
        raise ProbeFailed("age", f"The heartbeat is {age:.0f} seconds old; {max_age:.0f} are allowed.")
    if age < -SKEW_SECONDS:
        raise ProbeFailed("age", f"The heartbeat is {-age:.0f} seconds in the future: a clock is wrong.")


def _check_head(answer: Answer) -> None:
    if answer.status != _OK:
        codes = {_FORBIDDEN: "forbidden", _NOT_FOUND: "not_found", _THROTTLED: "throttled"}
        raise ProbeFailed(codes.get(answer.status, "status"), f"The response has status {answer.status}, not 200.")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ProbeFailed("content_type", "The response is not application/json.")
    if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProbeFailed("content_type", "The response is compressed, which the probe did not ask for.")


def _parse_snapshot(body: bytes) -> SealedSnapshot:
    try:
        return snapshot.parse(json.loads(body))
    except (ValueError, RecursionError):  # what is raised for other JSON, and for a snapshot of another shape
        raise ProbeFailed("shape", "The response is not a snapshot.") from None


def _check_etag(text: str, found: SealedSnapshot) -> Seen:
    try:
        revision, tag = etag.parse_snapshot(text)
    except etag.MalformedEtag:
        raise ProbeFailed("etag", "The response has no ETag of a snapshot.") from None
    if revision != found.revision:
        raise ProbeFailed("etag", f"The ETag is of revision {revision}, but the snapshot of {found.revision}.")
    return Seen(revision, tag)


def _check_order(seen: Seen, before: Seen | None) -> None:
    """Refuses what readers refuse. A revision far too high is not remembered, so that a lift can end it."""
    most = before.revision + limits.REVISION_JUMP if before else limits.REVISION_MOST
    if seen.revision > most:
        raise ProbeFailed("revision", f"Revision {seen.revision} is above {most}, which writes alone cannot explain.")
    if before is None or seen.revision > before.revision or seen == before:
        return
    if seen.revision == before.revision:
        raise ProbeFailed("revision", f"Revision {seen.revision} has other content than before.")
    raise ProbeFailed("revision", f"Revision {seen.revision} is below {before.revision}, which was served before.")


def _parse_heartbeat(found: SealedSnapshot) -> float:
    entry = next((each for each in found.entries if each.key == HEARTBEAT_KEY), None)
    if entry is None:
        raise ProbeFailed("heartbeat", f"The snapshot has no value `{HEARTBEAT_KEY}`.")
    try:
        at = datetime.fromisoformat(json.loads(entry.value)["at"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProbeFailed("heartbeat", f"The value `{HEARTBEAT_KEY}` is not an object with a time `at`.") from None
    if at.tzinfo is None or entry.sealed:
        raise ProbeFailed("heartbeat", f"The value `{HEARTBEAT_KEY}` has no time zone, or is sealed.")
    return at.timestamp()
