"""A Celery app: celery --app celery_app worker --concurrency 2"""

import os

from celery import Celery
from celery.signals import worker_init

from configsvc_client import Config

app = Celery("celery_app")  # CELERY_BROKER_URL and CELERY_RESULT_BACKEND name the broker and the result store
config = Config(background=True)


@worker_init.connect
def load(**_: object) -> None:
    config.snapshot()  # in the parent, before it forks: one load, and each child starts with a thread of its own


@app.task
def read(key: str) -> dict[str, object]:
    return {"pid": os.getpid(), "value": config[key]}
