"""How a callback for changes is registered: with a call, or as a decorator."""

from __future__ import annotations

from tests.support.client.configs import Stage
from tests.support.client.sealing import make_plain_entry, make_snapshot


def _change(stage: Stage) -> None:
    stage.config.snapshot()
    stage.serve(make_snapshot([make_plain_entry("db.url", "2"), make_plain_entry("log.level", "2")], revision=2))
    assert stage.config.refresh()


def _stage() -> Stage:
    return Stage(make_snapshot([make_plain_entry("db.url", "1"), make_plain_entry("log.level", "1")]))


def test_a_decorator_with_a_prefix_registers_the_function_and_returns_it() -> None:
    stage, seen = _stage(), list[frozenset[str]]()

    @stage.config.on_change("db.")
    def note(keys: frozenset[str]) -> None:
        seen.append(keys)

    _change(stage)
    assert seen == [{"db.url"}]
    note(frozenset({"called"}))
    assert seen[-1] == {"called"}


def test_a_bare_decorator_is_called_for_any_key() -> None:
    stage, seen = _stage(), list[frozenset[str]]()

    @stage.config.on_change
    def note(keys: frozenset[str]) -> None:
        seen.append(keys)

    _change(stage)
    assert seen == [{"db.url", "log.level"}]
    note(frozenset())
    assert seen[-1] == frozenset()


def test_a_decorator_without_a_prefix_is_called_for_any_key() -> None:
    stage, seen = _stage(), list[frozenset[str]]()
    stage.config.on_change()(seen.append)
    _change(stage)
    assert seen == [{"db.url", "log.level"}]
