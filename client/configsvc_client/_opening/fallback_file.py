"""The fallback file: sealed snapshots on disk, for a cold start while the service is down. Never written from here.

JSON, ciphertext where the values are sealed, so it may be shipped with the code; opening it still needs KMS:

    {"fallback": {"format": "configsvc/fallback/1", "url": "https://host/stage", "saved_at": 1753776000,
                  "revisions": {"payments.prod": 42}, "snapshots": [{"namespace": "payments.prod", …}]},
     "sha256": "<hex of the UTF-8 bytes of `fallback`, keys sorted, no spaces>"}

The digest finds what was cut off or damaged. It is no signature: who can replace the file can replace the code
beside it; sealed values are protected by their envelopes, as on the wire.
"""

from __future__ import annotations

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
"""The most that is read: ten snapshots of 4 MiB, and what JSON adds."""


_TIMES = range(2**53)
"""Seconds since the epoch, as long as a float tells each from the next."""


class Fallback(Record):
    """What a file holds: from which URL (stage included), when it was saved in seconds since the epoch, and what."""

    url: str
    saved_at: float
    snapshots: tuple[SealedSnapshot, ...]

    @property
    def revisions(self) -> dict[Namespace, int]:
        """The served revision of each namespace in it."""
        return {each.namespace: each.revision for each in self.snapshots}


class BadFallback(ClientError):
    """A fallback file that is not to be used; the detail says why and what to do."""

    code, title = "bad_fallback", "The fallback file cannot be used"


def encode(fallback: Fallback) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: a namespace stands in it twice.
    """
    if len(fallback.revisions) != len(fallback.snapshots):
        raise ValueError("each namespace once")
    members = {
        "format": FORMAT,
        "url": fallback.url,
        "saved_at": int(fallback.saved_at),
        "revisions": fallback.revisions,
        "snapshots": [json.loads(render(each)) for each in fallback.snapshots],
    }
    return _render_canonical({"fallback": members, "sha256": _compute_digest(members)}) + b"\n"


def decode(content: bytes) -> Fallback:
    """What a file holds. Says nothing of where it came from: see `checked`.

    Raises:
        BadFallback: truncated, damaged, or no such file.
    """
    try:
        found = json.loads(content)
        members, digest = found["fallback"], found["sha256"]
        whole = digest == _compute_digest(members)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFallback("It is truncated or no fallback file. Save it with `configsvc snapshot save`.") from None
    if not whole:
        raise BadFallback("It is damaged: its digest does not match. Save it again with `configsvc snapshot save`.")
    return _read_members(members)


def select_snapshots(fallback: Fallback, url: Url, namespaces: Iterable[Namespace]) -> dict[Namespace, SealedSnapshot]:
    """The snapshots of those namespaces, in that order; the file may hold more.

    Raises:
        BadFallback: it was saved from another URL, or lacks a namespace.
    """
    if fallback.url != format_base(url):
        raise BadFallback(
            f"It was saved from {fallback.url}, and CONFIGSVC_URL is {format_base(url)}. Save one from there."
        )
    held = {each.namespace: each for each in fallback.snapshots}
    wanted = tuple(namespaces)
    missing = [each for each in wanted if each not in held]
    if missing:
        raise BadFallback(f"It does not hold {', '.join(missing)}. Save it again, naming all namespaces.")
    return {each: held[each] for each in wanted}


def read(path: str) -> bytes:
    """The bytes of a file, opened once: one that is replaced meanwhile is seen old or new, whole.

    Raises:
        BadFallback: absent, unreadable, too large, a symbolic link or no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadFallback("It is no regular file. Name the file itself.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(FILE_BYTES + 1)
        finally:
            os.close(descriptor)  # fdopen would leave that of a folder open
    except OSError as error:
        raise BadFallback(f"It cannot be read ({error.strerror}). A symbolic link is not followed.") from None
    if len(content) > FILE_BYTES:
        raise BadFallback(f"It has more than {FILE_BYTES} bytes.")
    return content


def format_base(url: Url) -> str:
    """How a URL is written in a file: origin and stage."""
    return url.origin + url.path


def _read_members(members: object) -> Fallback:
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        raise BadFallback(f"Its format is not {FORMAT}. Save it again with this release's `configsvc snapshot save`.")
    url, saved_at, listed = members.get("url"), members.get("saved_at"), members.get("snapshots")
    try:
        snapshots = tuple(parse(each) for each in listed) if isinstance(listed, list) else ()
    except MalformedSnapshot:
        raise BadFallback("A snapshot in it is malformed. Save it again with `configsvc snapshot save`.") from None
    if not isinstance(url, str) or type(saved_at) is not int or saved_at not in _TIMES or not snapshots:
        raise BadFallback("A member of it is missing. Save it again with `configsvc snapshot save`.")
    found = Fallback(url, float(saved_at), snapshots)
    if members.get("revisions") != found.revisions or len(found.revisions) != len(snapshots):
        raise BadFallback("Its revisions are not those of its snapshots. Save it again with `configsvc snapshot save`.")
    return found


def _compute_digest(members: object) -> str:
    return hashlib.sha256(_render_canonical(members)).hexdigest()


def _render_canonical(members: object) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
