"""Real servers run the examples: a change reaches each process by its own thread, and then each worker answers it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrations.running import EXAMPLES, answers, environ, free_port, loopback, program, serve, server, until
from tests.support.client.stub_service import Service

pytestmark = pytest.mark.slow


def check_each_worker_follows(
    running: Service, processes: int, workers: dict[object, str], read: Callable[[], dict[str, object]]
) -> None:
    """Nobody reads between the change and the moment when every process has fetched it."""

    def read_of(level: str) -> bool:
        answer = read()
        if answer:
            workers[answer["pid"]] = str(answer["level"])
        return len(workers) == 2 and set(workers.values()) == {level}

    until(lambda: read_of("info"))
    before = len(running.api.requests)
    serve(running, "debug", 2)
    until(lambda: fetched(running, before) >= processes)
    until(lambda: read_of("debug"))


def fetched(running: Service, since: int) -> int:
    """How many polls since then named a revision before 2, and so were answered with all of it."""
    return sum(not each[2]["if-none-match"].startswith('"2-') for each in running.api.requests[since:])


def command(name: str, port: int, folder: Path) -> list[str]:
    address = f"127.0.0.1:{port}"
    if name == "gunicorn":
        configured = str(EXAMPLES / "gunicorn_conf.py")
        return [str(program("gunicorn")), "--config", configured, "--bind", address, "flask_app:app"]
    if name == "uwsgi":
        settings = (EXAMPLES / "uwsgi.ini").read_text().replace("127.0.0.1:8000", address)
        (folder / "uwsgi.ini").write_text(settings)
        return [str(program("uwsgi")), "--ini", "uwsgi.ini"]
    return [str(program("uvicorn")), "fastapi_app:app", "--port", str(port), "--workers", "2"]


@pytest.mark.parametrize(
    ("name", "processes", "loads"),
    [("gunicorn", 3, 1), ("uwsgi", 2, 2), ("uvicorn", 2, 2)],
    ids=["Flask under gunicorn", "Flask under uWSGI", "FastAPI under uvicorn"],
)
def test_a_change_reaches_each_worker_of(tmp_path: Path, name: str, processes: int, loads: int) -> None:
    port, workers = free_port(), dict[object, str]()
    with (
        loopback() as running,
        server(command(name, port, tmp_path), environ(running, tmp_path), tmp_path),
    ):
        check_each_worker_follows(running, processes, workers, lambda: answers(port))
        assert len(running.kms.requests) == loads


@pytest.mark.parametrize("hooks", ["py-call-osafterfork = true", ""], ids=["hooks", "no hooks"])
def test_no_thread_runs_in_the_master_of_uwsgi_that_forks(tmp_path: Path, hooks: str) -> None:
    """It forks without Python's lock: a worker that was forked while a thread held that would hang."""
    port, pause = free_port(), threading.Event()
    settings = command("uwsgi", port, tmp_path)
    text = (tmp_path / "uwsgi.ini").read_text()
    assert "lazy-apps = true\n" in text
    (tmp_path / "uwsgi.ini").write_text(text.replace("lazy-apps = true", hooks))
    with loopback() as running, server(settings, environ(running, tmp_path), tmp_path):
        until(lambda: "spawned uWSGI worker 2" in (tmp_path / "server.log").read_text())
        pause.wait(1)  # four intervals
        assert len(running.api.requests) == 1
        check_each_worker_follows(running, 2, {}, lambda: answers(port))


SEND = """
import json, sys
import celery_app
celery_app.app.conf.broker_transport_options = {"data_folder_in": "data_out", "data_folder_out": "data_in"}
for line in sys.stdin:
    answer = celery_app.read.delay("log.level").get(timeout=30)
    print(json.dumps({"pid": answer["pid"], "level": answer["value"]}), flush=True)
"""


def test_a_change_reaches_each_child_of_celery(tmp_path: Path) -> None:
    for each in ("data_in", "data_out", "results"):
        (tmp_path / each).mkdir()
    broker = {"CELERY_BROKER_URL": "filesystem://", "CELERY_RESULT_BACKEND": f"file://{tmp_path / 'results'}"}
    start = [str(program("celery")), "--app", "celery_app", "worker", "--concurrency", "2"]
    with loopback() as running:
        variables = {**environ(running, tmp_path), **broker}
        with (
            server(start, variables, tmp_path),
            subprocess.Popen(
                [program("python"), "-c", SEND], env=variables, cwd=tmp_path, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            ) as sending,
        ):  # fmt: skip

            def read() -> dict[str, object]:
                assert sending.stdin
                assert sending.stdout
                sending.stdin.write("\n")
                sending.stdin.flush()
                return dict(json.loads(sending.stdout.readline()))

            check_each_worker_follows(running, 3, {}, read)
            assert len(running.kms.requests) == 1
