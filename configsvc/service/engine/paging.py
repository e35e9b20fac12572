"""Pages of a listing. A cursor is the last name that was returned, so it tells nothing that the page did not."""

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
    """The name to go on after, "" for the first page; `name` is what makes names of that kind.

    Raises:
        InvalidRequest: not a cursor of ours, or one of another prefix.
    """
    if cursor is None:
        return ""
    try:
        last = name(from_base64url(cursor).decode())
    except (ValueError, InvalidName):
        last = ""
    if not last or not last.startswith(prefix):
        raise InvalidRequest("That is no cursor of this listing. Start again without one.", field="cursor")
    return last


def parse_prefix(text: str, name: Callable[[str], str]) -> str:
    """A prefix of names; the beginning of a name is a name.

    Raises:
        InvalidName: no name begins like that.
    """
    return name(text) if text else ""


def parse_number(text: str) -> str:
    """A number as the name of a version or a revision, in its one spelling.

    Raises:
        InvalidName: anything else.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidName("That is no number.", field="cursor")
    return text


def check_limit(limit: int) -> int:
    """The limit of a page.

    Raises:
        InvalidRequest: a limit that is none.
    """
    if not 1 <= limit <= limits.PAGE:
        raise InvalidRequest(f"limit is 1 to {limits.PAGE}.", field="limit")
    return limit


def make_cursor(name: str) -> str:
    """The cursor that goes on after a name."""
    return to_base64url(name.encode())


def json_size(shown: Mapping[str, object], charset: Charset) -> int:
    """Bytes that an item of a page takes in Lambda's answer."""
    return compute_cost(json.dumps(shown, ensure_ascii=False), charset)


def cut_page(
    items: Iterable[PagedItem],
    limit: int,
    name: Callable[[PagedItem], str],
    sized: Callable[[PagedItem], int] = lambda _: 0,
) -> tuple[list[PagedItem], str | None]:
    """Up to `limit` items, or 3 MiB of them by `sized`, and the cursor of the next page where there is one.

    Raises:
        InvalidRequest: a limit that is none.
    """
    taken = cut_by_size(islice(items := iter(items), check_limit(limit)), sized)
    return taken, make_cursor(name(taken[-1])) if taken and next(items, None) is not None else None


def cut_by_size(items: Iterable[PagedItem], sized: Callable[[PagedItem], int]) -> list[PagedItem]:
    """As many items as an answer takes: they end with the one that passes 3 MiB by `sized`."""
    taken, total = list[PagedItem](), 0
    for item in items:
        taken.append(item)
        total += sized(item)
        if total > limits.PAGE_BYTES:
            break
    return taken
