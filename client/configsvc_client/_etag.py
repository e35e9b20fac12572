"""The ETags of snapshots as the service spells them: `"<served revision>-<tag>"`. Any other is not kept or sent."""

from __future__ import annotations

from configsvc.model.names import Namespace
from configsvc_client._body import NotOurs
from configsvc_client._ports import Found

_DIGITS = 16
_TAG = 32


def checked(namespace: Namespace, found: Found) -> Found:
    """What was found under the ETag in a header; a proxy that compresses weakens ours, and that is undone.

    Raises:
        NotOurs: it is of another namespace, or its ETag is of another revision, spelt otherwise, or too long: it would
            come back with every poll.
    """
    etag = _part(_bare(found.etag))
    if found.sealed.namespace != namespace or revision_of(etag) != found.sealed.revision:
        raise NotOurs("it is not of what was asked for")
    return Found(etag, found.sealed)


def etags_in(header: str) -> dict[str, str]:
    """The ETag of each namespace in that of several, as they come: `"payments.prod=41-0a1b,shared.prod=7-2c3d"`.

    Raises:
        NotOurs: it is none of several, or one namespace stands twice.
    """
    pairs = [part.partition("=") for part in _bare(header).split(",")]
    found = {namespace: f'"{text}"' for namespace, _, text in pairs}
    if len(found) != len(pairs):
        raise _wrong()
    return found


def revision_of(etag: str) -> int:
    """The served revision in an ETag."""
    return int(etag[1:].partition("-")[0])


def same(one: str, other: str) -> bool:
    """Whether two ETags are the same, compared weakly (RFC 9110, 8.8.3.2)."""
    return one.removeprefix("W/") == other.removeprefix("W/")


def _bare(header: str) -> str:
    quoted = header.removeprefix("W/")
    if len(quoted) < len('""') or (quoted[0], quoted[-1]) != ('"', '"'):
        raise _wrong()
    return quoted[1:-1]


def _part(text: str) -> str:
    number, _, tag = text.partition("-")
    if not (text.isascii() and number.isdecimal() and len(number) <= _DIGITS and tag.isalnum() and len(tag) <= _TAG):
        raise _wrong()
    return f'"{text}"'


def _wrong() -> NotOurs:
    return NotOurs("its ETag is none of configsvc's")
