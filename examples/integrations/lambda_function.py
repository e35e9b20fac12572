"""A Lambda function: handler lambda_function.handler"""

import functools
import sqlite3

from configsvc_client import Config

config = Config()


@functools.cache
def connection(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url)


@config.on_change("db.")
def reconnect(keys: frozenset[str]) -> None:
    connection.cache_clear()  # the next invocation connects with the new values


@config.handler  # loads during init; each invocation sees one snapshot
def handler(event: dict[str, str], context: object) -> dict[str, object]:
    connection(config["db.url"]).execute("select 1")
    return {"pool": config.get("db.pool", 5, as_=int), "level": config.get("log.level", "info")}
