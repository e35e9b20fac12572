"""The fallback file: sealed snapshots on disk, for a cold start while the service is down. Readers never write it.

It is JSON. Sealed values stay ciphertext, so it may be shipped with the code; opening them still takes KMS:

    {"fallback": {"format": "configsvc/fallback/1", "url": "https://host/stage", "saved_at": 1753776000,
                  "revisions": {"payments.prod": 42}, "snapshots": [{"namespace": "payments.prod", …}]},
     "sha256": "<hex of the UTF-8 bytes of `fallback`, keys sorted, no spaces>"}

The digest detects a truncated or damaged file. It is not a signature: anyone who can replace the file can replace the
code next to it. Sealed values are protected by their envelopes, as they are on the wire.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable

from configsvc.model.errors import ClientError
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse, render
from configsvc_client._transport.url import Url

FORMAT = "configsvc/fallback/1"

FILE_BYTES = 48 * 1024 * 1024
"""The largest file that is read: ten snapshots of 4 MiB, plus the JSON around them."""

_TIMES = range(2**53)
"""Seconds since the epoch that a float still represents exactly."""


class Fallback(Record):
    """The content of a file: the URL (stage included), the time of saving (seconds since the epoch), the snapshots."""

    url: str
    saved_at: float
    snapshots: tuple[SealedSnapshot, ...]

    @property
    def revisions(self) -> dict[Namespace, int]:
        """The served revision of each namespace."""
        return {each.namespace: each.revision for each in self.snapshots}


class BadFallback(ClientError):
    """A fallback file that cannot be used. The detail gives the reason and the remedy."""

    code, title = "bad_fallback", "The fallback file cannot be used"


def encode(fallback: Fallback) -> bytes:
    """Encodes a fallback file.

    Raises:
        ValueError: it has a namespace twice.
    """
    if len(fallback.revisions) != len(fallback.snapshots):
        raise ValueError("a fallback file has each namespace only once")
    members = {
        "format": FORMAT,
        "url": fallback.url,
        "saved_at": int(fallback.saved_at),
        "revisions": fallback.revisions,
        "snapshots": [json.loads(render(each)) for each in fallback.snapshots],
    }
    return _render_canonical({"fallback": members, "sha256": _compute_digest(members)}) + b"\n"


def decode(content: bytes) -> Fallback:
    """Decodes a fallback file. Does not check where it came from: see `select_snapshots`.

    Raises:
        BadFallback: truncated, damaged, or not a fallback file.
    """
    try:
        found = json.loads(content)
        members, digest = found["fallback"], found["sha256"]
        whole = digest == _compute_digest(members)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFallback("It is truncated, or not a fallback file. Save it with `configsvc snapshot save`.") from None
    if not whole:
        raise BadFallback("It is damaged: its digest does not match. Save it again with `configsvc snapshot save`.")
    return _read_members(members)


def select_snapshots(fallback: Fallback, url: Url, namespaces: Iterable[Namespace]) -> dict[Namespace, SealedSnapshot]:
    """Returns the snapshots of the given namespaces, in their order. The file may hold more.

    Raises:
        BadFallback: it was saved from another URL, or lacks a namespace.
    """
    if fallback.url != format_base(url):
        raise BadFallback(
            f"It was saved from {fallback.url}, but CONFIGSVC_URL is {format_base(url)}. Save one from that URL."
        )
    held = {each.namespace: each for each in fallback.snapshots}
    wanted = tuple(namespaces)
    missing = [each for each in wanted if each not in held]
    if missing:
        raise BadFallback(f"It does not contain {', '.join(missing)}. Save it again with all namespaces.")
    return {each: held[each] for each in wanted}


def read(path: str) -> bytes:
    """Reads a file, opened only once: if it is replaced at the same time, the old or the new one is read, whole.

    Raises:
        BadFallback: absent, unreadable, too large, a symbolic link, or not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadFallback("It is not a regular file. Name the file itself.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(FILE_BYTES + 1)
        finally:
            os.close(descriptor)  # fdopen would leave the descriptor of a folder open
    except OSError as error:
        advice = " Name the file itself, not a link to it." if error.errno == errno.ELOOP else ""
        raise BadFallback(f"It cannot be read ({error.strerror}).{advice}") from None
    if len(content) > FILE_BYTES:
        raise BadFallback(f"It has more than {FILE_BYTES} bytes.")
    return content


def format_base(url: Url) -> str:
    """Formats a URL as the file stores it: origin and stage."""
    return url.origin + url.path


def _read_members(members: object) -> Fallback:
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        raise BadFallback(f"Its format is not {FORMAT}. Save it again with `configsvc snapshot save` of this version.")
    url, saved_at, listed = members.get("url"), members.get("saved_at"), members.get("snapshots")
    try:
        snapshots = tuple(parse(each) for each in listed) if isinstance(listed, list) else ()
    except MalformedSnapshot:
        raise BadFallback("A snapshot in it is malformed. Save it again with `configsvc snapshot save`.") from None
    if not isinstance(url, str) or type(saved_at) is not int or saved_at not in _TIMES or not snapshots:
        raise BadFallback("A member is missing or malformed. Save it again with `configsvc snapshot save`.")
    found = Fallback(url, float(saved_at), snapshots)
    if members.get("revisions") != found.revisions or len(found.revisions) != len(snapshots):
        raise BadFallback("Its revisions do not match its snapshots. Save it again with `configsvc snapshot save`.")
    return found


def _compute_digest(members: object) -> str:
    return hashlib.sha256(_render_canonical(members)).hexdigest()


def _render_canonical(members: object) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
