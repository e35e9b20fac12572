"""A Flask app, for gunicorn and uWSGI."""

import os

from flask import Flask, g

from configsvc_client import Config

app = Flask(__name__)
config = Config(background=True)  # a thread refreshes, so no request waits for the service


@config.on_change("log.")  # runs in every worker
def set_level(keys: frozenset[str]) -> None:
    app.logger.setLevel(config.get("log.level", "info", as_=str).upper())


config.snapshot()  # loads now: once for all workers if the server forks after it imported the app


@app.before_request
def pin() -> None:
    g.config = config.snapshot()  # everything that this request reads comes from one revision


@app.get("/")
def index() -> dict[str, object]:
    return {"pid": os.getpid(), "url": g.config["db.url"], "level": g.config["log.level"]}


@app.get("/health")
def health() -> tuple[dict[str, str], int]:
    found = config.health()
    return {"state": found.state}, 200 if found.serves else 503
