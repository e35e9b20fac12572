"""ETags (RFC 9110, 8.8.3). A snapshot's is its served revision and tag; a key's is the revision that last touched it.

The service and its clients build, parse and compare ETags here. Patterns are compiled and hashlib is imported on first
use, because a client's cold start needs neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from configsvc.model import limits
from configsvc.model.errors import InvalidRequest

_LIST = r'"([\x21\x23-\x7e]*)"\s*(?:,|$)'  # starts without a repetition, so that searching takes linear time
_ANY = "*"
_TAG = 32
"""Maximum characters of a tag. Ours have sixteen, and readers reject longer ones."""

_DIGITS = 16
_REVISION = r'"([1-9][0-9]{0,15})"'
_WEAK = "W/"


class MalformedEtag(ValueError):
    """Not an ETag of configsvc."""

    def __init__(self) -> None:
        super().__init__("its ETag is not one of configsvc's")


def of_snapshot(served: int, tag: str) -> str:
    """The strong ETag of a snapshot. The tag differs with every write, so a restored table gives no false 304."""
    return f'"{served}-{_bound_tag(tag)}"'


def parse_snapshot(etag: str) -> tuple[int, str]:
    """The served revision and tag in a snapshot's ETag, weak or strong.

    Raises:
        MalformedEtag: it is not spelled as `of_snapshot` spells it, or is longer.
    """
    served, _, tag = _unquote(etag).partition("-")
    if not (served.isascii() and served.isdecimal() and len(served) <= _DIGITS):
        raise MalformedEtag
    if not _is_ours(tag):
        raise MalformedEtag
    return int(served), tag


def of_snapshots(parts: Iterable[tuple[str, int, str]]) -> str:
    """The strong ETag of several snapshots, each (namespace, served revision, tag)."""
    return join((namespace, of_snapshot(served, tag)) for namespace, served, tag in parts)


def join(etags: Iterable[tuple[str, str]]) -> str:
    """The strong ETag of several snapshots, from pairs of namespace and ETag."""
    return '"' + ",".join(f"{namespace}={_unquote(etag)}" for namespace, etag in etags) + '"'


def split(etag: str) -> dict[str, str]:
    """The strong ETag of each namespace in a combined one: `"payments.prod=41-0a1b,shared.prod=7-2c3d"`.

    Raises:
        MalformedEtag: it is not a combined ETag, or names a namespace twice.
    """
    pairs = [part.partition("=") for part in _unquote(etag).split(",")]
    found = {namespace: f'"{text}"' for namespace, _, text in pairs}
    if len(found) != len(pairs):
        raise MalformedEtag
    return found


def strengthen(etag: str) -> str:
    """The ETag as the service spelled it. A proxy that compresses responses makes it weak."""
    return etag.removeprefix(_WEAK)


def is_weak_match(one: str, other: str) -> bool:
    """Whether two ETags are equal by weak comparison (RFC 9110, 8.8.3.2)."""
    return strengthen(one) == strengthen(other)


def _unquote(etag: str) -> str:
    quoted = strengthen(etag)
    if len(quoted) < len('""') or (quoted[0], quoted[-1]) != ('"', '"'):
        raise MalformedEtag
    return quoted[1:-1]


def _is_ours(tag: str) -> bool:
    return tag.isalnum() and tag.isascii() and len(tag) <= _TAG


def _bound_tag(tag: str) -> str:
    """The tag; or its hash if somebody wrote another text into the table, because readers send ETags back unchanged."""
    if _is_ours(tag):
        return tag
    from hashlib import sha256

    return sha256(tag.encode(errors="surrogatepass")).hexdigest()[:16]


def of_revision(revision: int) -> str:
    """The strong ETag of a key or a namespace."""
    return f'"{revision}"'


def is_of_revision(etag: str) -> bool:
    """Whether the text is the strong ETag of a key, a namespace or grants."""
    return re.fullmatch(_REVISION, etag) is not None


def matches_if_none_match(if_none_match: str, etag: str) -> bool:
    """Whether If-None-Match names the ETag, by weak comparison (RFC 9110, 13.1.2). Malformed headers match nothing.

    Headers longer than any of ours match nothing either: the client then gets a full response, and with it one of our
    ETags.
    """
    if len(if_none_match) > limits.IF_NONE_MATCH:
        return False
    if if_none_match in (etag, _ANY):
        return True
    if if_none_match.strip() == _ANY:
        return True
    return any(f'"{found.group(1)}"' == etag for found in re.finditer(_LIST, if_none_match))


def parse_revision(if_match: str) -> int:
    """The revision in an If-Match header with one strong ETag of a key or a namespace.

    Raises:
        InvalidRequest: weak, several, `*` or not a number. A precondition is never ignored.
    """
    found = re.fullmatch(_REVISION, if_match.strip())
    if not found:
        raise InvalidRequest(
            'If-Match must be one strong ETag from an earlier response, such as "41".', field="If-Match"
        )
    return int(found.group(1))
