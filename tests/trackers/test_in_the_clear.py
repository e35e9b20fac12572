"""Which functions of ours have a credential in a variable, unmasked, at any moment of a load, a refresh or a refusal.

A short list, each on it for as long as it makes or checks one. What is not on it may raise: its frame shows nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

import pytest

from tests.support.trackers import canaries, scenes

_OURS = tuple(str(Path(__file__).parents[2] / each) for each in ("client", "configsvc"))
_CREDENTIALS = {
    canaries.API_KEY, canaries.OTHER_API_KEY, canaries.SECRET_KEY, canaries.SESSION, canaries.CONTAINER, canaries.PROXY,
    "the data key",
}  # fmt: skip
_SCENES = (
    scenes.not_a_number, scenes.absent, scenes.service_down, scenes.kms_down, scenes.another_data_key,
    scenes.container_down, scenes.container_talks_nonsense, scenes.proxy_down, scenes.malformed_secret_key,
    scenes.missing_settings, scenes.malformed_api_keys, scenes.both_api_keys_refused,
    scenes.refused_argument, scenes.put_that_kms_refuses,
)  # fmt: skip

IN_THE_CLEAR = {
    # Where they are hidden, and the functions that give them out.
    "Config.__init__", "from_environ", "mask", "Secret.__init__", "Secret.__init__.<locals>.<lambda>",
    "hide_environ", "Environ.__init__", "Environ.__init__.<locals>.<lambda>",
    "Hidden.__init__", "Hidden.__init__.<locals>.<lambda>",
    # Bytes as they come in, and what they are as JSON and from base64: what fails is raised without these frames.
    "AnswerParser._parse", "AnswerParser.feed", "AnswerParser.on_body", "AnswerParser.build_response",
    "parse_members", "parse_members.<locals>.<dictcomp>",
    "from_base64std", "to_base64std",
    # Checked, or read in a text: what fails is raised by their callers.
    "is_clean", "_parse_proxy", "_parse_members", "_encode_basic", "_unescape",
}  # fmt: skip


def _shown(value: object, depth: int = 6) -> Iterator[str]:
    """Returns every text that tools show for a variable."""
    yield repr(value)
    if depth and isinstance(value, Mapping):
        for each in value.values():
            yield from _shown(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _shown(each, depth - 1)
    elif isinstance(value, bytearray | memoryview):
        yield repr(bytes(value))


class Watch:
    """Looks at the variables of our functions at each line."""

    def __init__(self) -> None:
        self.lines = 0
        self.found: dict[str, set[str]] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> Watch | None:
        del event, argument
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        self.lines += 1
        for name, value in list(frame.f_locals.items()):
            with contextlib.suppress(Exception):  # what is half made does not show itself yet
                if _CREDENTIALS & set(canaries.leaked("\n".join(_shown(value)))):
                    self.found.setdefault(frame.f_code.co_qualname, set()).add(name)
        return self


@pytest.mark.slow
def test_credentials_are_in_the_clear_only_where_they_are_made_or_checked() -> None:
    watch = Watch()
    with scenes.consumer() as (make, _, _):
        for scene in _SCENES:
            before = sys.gettrace()
            sys.settrace(watch)
            try:
                with contextlib.suppress(Exception):
                    scene(make)
            finally:
                sys.settrace(before)
    assert watch.lines > 2000
    assert {name: seen for name, seen in watch.found.items() if name not in IN_THE_CLEAR} == {}
