"""Pages of a listing. A cursor is the last name returned, so it reveals nothing that the page did not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TypeVar

from configsvc.model import limits
from configsvc.model.encoding import from_base64url, to_base64url
from configsvc.model.errors import InvalidName, InvalidRequest
from configsvc.model.snapshot import Charset, compute_cost

PagedItem = TypeVar("PagedItem")

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


def parse_cursor(cursor: str | None, prefix: str, name: Callable[[str], str]) -> str:
    """Returns the name to continue after, "" for the first page; `name` validates names of that kind.

    Raises:
        InvalidRequest: it is not a cursor of this listing, or has another prefix.
    """
    if cursor is None:
        return ""
    try:
        last = name(from_base64url(cursor).decode())
    except (ValueError, InvalidName):
        last = ""
    if not last or not last.startswith(prefix):
        raise InvalidRequest("This cursor is not from this listing. Start again without one.", field="cursor")
    return last


def parse_prefix(text: str, name: Callable[[str], str]) -> str:
    """Validates a prefix of names; the beginning of a name is itself a valid name.

    Raises:
        InvalidName: no name can begin like that.
    """
    return name(text) if text else ""


def parse_number(text: str) -> str:
    """Validates a number as the name of a version or revision, in its canonical spelling.

    Raises:
        InvalidName: anything else.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidName("This is not a number.", field="cursor")
    return text


def check_limit(limit: int) -> int:
    """Validates the limit of a page.

    Raises:
        InvalidRequest: the limit is out of range.
    """
    if not 1 <= limit <= limits.PAGE:
        raise InvalidRequest(f"limit must be 1 to {limits.PAGE}.", field="limit")
    return limit


def make_cursor(name: str) -> str:
    """Returns the cursor that continues after a name."""
    return to_base64url(name.encode())


def measure_json(shown: Mapping[str, object], charset: Charset) -> int:
    """Returns the bytes that an item of a page takes in Lambda's answer."""
    return compute_cost(json.dumps(shown, ensure_ascii=False), charset)


def cut_page(
    items: Iterable[PagedItem],
    limit: int,
    name: Callable[[PagedItem], str],
    sized: Callable[[PagedItem], int] = lambda _: 0,
) -> tuple[list[PagedItem], str | None]:
    """Returns up to `limit` items, or 3 MiB of them by `sized`, and the cursor of the next page if there is one.

    Raises:
        InvalidRequest: the limit is out of range.
    """
    taken = cut_by_size(islice(items := iter(items), check_limit(limit)), sized)
    return taken, make_cursor(name(taken[-1])) if taken and next(items, None) is not None else None


def cut_by_size(items: Iterable[PagedItem], sized: Callable[[PagedItem], int]) -> list[PagedItem]:
    """Returns as many items as an answer takes; the last is the one that exceeds 3 MiB by `sized`."""
    taken, total = list[PagedItem](), 0
    for item in items:
        taken.append(item)
        total += sized(item)
        if total > limits.PAGE_BYTES:
            break
    return taken
