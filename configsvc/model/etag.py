"""ETags (RFC 9110, 8.8.3): a snapshot's is its served revision and tag, a key's the revision that last touched it."""

from __future__ import annotations

import re
from hashlib import sha256

from configsvc.model import limits
from configsvc.model.errors import InvalidRequest

_LIST = re.compile(r'"([\x21\x23-\x7e]*)"\s*(?:,|$)')  # begins with no repetition, so that searching takes linear time
_ANY = "*"
_TAG = 32
"""Characters of a tag at most: ours have sixteen, and readers keep none that is longer."""


def of_snapshot(served: int, tag: str) -> str:
    """The strong ETag of a snapshot. The tag differs with every write, so a restored table gives no false 304."""
    return f'"{served}-{_bounded(tag)}"'


def served_of(etag: str) -> tuple[int, str]:
    """Served revision and tag: what `of_snapshot` was given."""
    served, _, tag = etag.strip('"').partition("-")
    return int(served), tag


def of_snapshots(parts: list[tuple[str, int, str]]) -> str:
    """The strong ETag of several snapshots, each (namespace, served revision, tag)."""
    return '"' + ",".join(f"{namespace}={served}-{_bounded(tag)}" for namespace, served, tag in parts) + '"'


def _bounded(tag: str) -> str:
    """The tag, or its hash where somebody wrote another text into the table: readers send ETags back as they came."""
    if tag.isalnum() and tag.isascii() and len(tag) <= _TAG:
        return tag
    return sha256(tag.encode(errors="surrogatepass")).hexdigest()[:16]


def of_revision(revision: int) -> str:
    """The strong ETag of a key or a namespace."""
    return f'"{revision}"'


def matches(if_none_match: str, etag: str) -> bool:
    """Whether If-None-Match names the ETag, by weak comparison (RFC 9110, 13.1.2). Malformed ones match nothing.

    Neither do those that are too long to hold ours: a client that was given such an ETag gets a whole answer, and with
    it one of ours.
    """
    if len(if_none_match) > limits.IF_NONE_MATCH:
        return False
    if if_none_match in (etag, _ANY):
        return True
    if if_none_match.strip() == _ANY:
        return True
    return any(f'"{found.group(1)}"' == etag for found in _LIST.finditer(if_none_match))


def revision_of(if_match: str) -> int:
    """The revision in an If-Match header with one strong ETag of a key or a namespace.

    Raises:
        InvalidRequest: weak, several, `*` or no number; a precondition is never ignored.
    """
    found = re.fullmatch(r'"([1-9][0-9]{0,15})"', if_match.strip())
    if not found:
        raise InvalidRequest('If-Match takes one strong ETag as we gave it out, like "41".', field="If-Match")
    return int(found.group(1))
