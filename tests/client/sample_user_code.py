"""Code as users write it, for the type checkers: `test_types.py` runs mypy and pyright over it. It is never executed.

A line with an error that a checker must report ends with a comment that both checkers take as an ignored error. A
comment that ignores nothing is itself an error.
"""

# ruff: noqa: ARG001, PGH003, T201
from __future__ import annotations

from typing import Protocol, assert_type

from configsvc_client import JSON, CannotOpen, Config, ConfigsvcError, Secret, Snapshot

config = Config("payments.prod", poll_seconds=30, max_stale_seconds=600)

assert_type(config["db.url"], str | bytes | JSON)
assert_type(config.snapshot()["db.url"], str | bytes | JSON)
assert_type(config.get("db.url"), str | bytes | JSON)
assert_type(config.get("db.pool", 10, as_=int), int)
assert_type(config.get("db.pool", as_=int), int | None)
assert_type(config.get("db.pool", None, as_=int), int | None)
assert_type(config.get("db.ratio", "none", as_=float), float | str)
assert_type(config.get("db.hosts", as_=lambda text: str(text).split(",")), list[str] | None)
assert_type(config.secret("db.password"), Secret)
assert_type(config.snapshot(), Snapshot)
assert_type(config.snapshot().get("db.pool", 10, as_=int), int)
assert_type(config.snapshot().secret("db.password"), Secret)
assert_type(config.refresh(), bool)
assert_type(config.last_error, ConfigsvcError | None)
assert_type(config.revisions, dict[str, int])

limits = config["limits"]
if isinstance(limits, str):
    assert_type(limits.upper(), str)


class Context(Protocol):
    """The context that Lambda passes."""

    def get_remaining_time_in_millis(self) -> int: ...


@config.handler
def handler(event: dict[str, str], context: Context) -> int:
    """A Lambda handler, which keeps its signature."""
    return len(event)


@config.on_change("db.")
def reconnect(keys: frozenset[str]) -> None:
    """Called after a change of a key that begins with `db.`."""


@config.on_change
def note(keys: frozenset[str]) -> None:
    """Called after any change."""


config.on_change("log.", lambda keys: print(sorted(keys)))
assert_type(reconnect(frozenset()), None)
try:
    config.secret("db.password")
except CannotOpen as error:
    assert_type(error.detail, str)

config["db.pool"] + 1  # type: ignore
config["db.url"].upper()  # type: ignore
pool: int = config.get("db.pool", as_=int)  # type: ignore
password: str = config.secret("db.password")  # type: ignore
config["db.pool"] = 1  # type: ignore
Config(max_stale=600)  # type: ignore
Config(url=1)  # type: ignore
config.on_change("db.", 1)  # type: ignore
handler({"a": 1}, None)  # type: ignore
