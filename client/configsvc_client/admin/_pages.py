"""A listing, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from configsvc_client._body import NotOurs
from configsvc_client.admin._api import Answer, Api
from configsvc_client.admin._members import Members

Item = TypeVar("Item")

PAGES = 10_000
"""The most pages of one listing: ten million items, or fifty million looked at."""

_CURSOR = 4096


class Page(NamedTuple, Generic[Item]):
    """What one answer lists, a number that it says of all of it, and where the next page is; None on the last."""

    items: tuple[Item, ...]
    number: int
    cursor: str | None


class Cursors:
    """The cursors of one listing: each leads on, and so to an end."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def next(self, members: Members) -> str | None:
        """Where the next page is.

        Raises:
            NotOurs: where the listing was already, or beyond any that configsvc has.
        """
        cursor = members.text_or_none("cursor")
        if cursor is None:
            return None
        if not cursor or cursor in self._seen or len(cursor) > _CURSOR or len(self._seen) >= PAGES:
            raise NotOurs("its pages have no end")
        self._seen.add(cursor)
        return cursor


def items(
    api: Api,
    path: str,
    member: str,
    read: Callable[[Members], Item],
    query: Mapping[str, object],
    *,
    expect: Mapping[str, object] | None = None,
    signed: bool = False,
) -> Iterator[Item]:
    """What a listing lists under a member of its answers; each page is asked for when it is needed."""
    for page in pages(api, path, member, read, query, expect=expect, signed=signed):
        yield from page.items


def pages(
    api: Api,
    path: str,
    member: str,
    read: Callable[[Members], Item],
    query: Mapping[str, object],
    *,
    number: str | None = None,
    expect: Mapping[str, object] | None = None,
    signed: bool = False,
) -> Iterator[Page[Item]]:
    """A listing's pages, each asked for when it is needed.

    `expect` is what each has to say that it is of, and `number` the member of that name.
    """
    cursors, cursor = Cursors(), None

    def page_of(answer: Answer) -> Page[Item]:
        for name, wanted in (expect or {}).items():
            answer.members.expect(name, wanted)
        said = answer.members.number(number) if number else 0
        return Page(answer.members.each(member, read), said, cursors.next(answer.members))

    while True:
        page = api.read(path, page_of, {**query, "cursor": cursor}, signed=signed)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
