import json
import os
import signal
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.processes import mark, wait_until
from local.runtime.execution import InvocationTimedOut
from local.runtime.function import EventTooLarge, FunctionThrottled, Runtime, RuntimeClosed
from local.runtime.runtime_api import InitFailed, InvocationFailed

_SOURCE = """
import os, time
from pathlib import Path

def handler(event, context):
    match event:
        case {"raise": message}:
            raise ValueError(message)
        case {"exit": status}:
            os._exit(status)
        case {"repeat": text, "times": times, "then": rest}:
            return text * times + rest
        case {"length": text}:
            return len(text)
        case {"wait_for": path}:
            if "begin" in event:
                Path(event["begin"]).touch()
            while not Path(path).exists():
                time.sleep(0.005)
            return "late"
        case {"environment": _}:
            return dict(os.environ)
        case {"context": _}:
            return {
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(),
                "directory": os.getcwd(),
                "pid": os.getpid(),
            }
    print("seen", event)
    return {"echo": event}
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    directory = tmp_path / "package"
    directory.mkdir()
    (directory / "main.py").write_text(textwrap.dedent(_SOURCE))
    return directory


@pytest.fixture
def runtime(package: Path, tmp_path: Path) -> Iterator[Runtime]:
    variables = {"TABLE_NAME": "config", "AWS_ACCESS_KEY_ID": "key"}
    with Runtime(
        directory=package, handler="main.handler", log=tmp_path / "log", variables=variables, timeout=20
    ) as running:
        yield running


def test_a_function_answers_event_after_event(runtime: Runtime, tmp_path: Path) -> None:
    assert [runtime.invoke({"n": n, "text": "zażółć"}) for n in range(3)] == [
        {"echo": {"n": n, "text": "zażółć"}} for n in range(3)
    ]
    assert runtime.invoke(None) == {"echo": None}
    assert wait_until(lambda: "seen" in (tmp_path / "log").read_text(), 5)


def test_it_runs_in_the_package_with_its_variables_and_nothing_of_ours(
    runtime: Runtime, package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONFIGSVC_API_KEY", "ours")
    with Runtime(directory=package, handler="main.handler", log=tmp_path / "log2") as later:
        assert "CONFIGSVC_API_KEY" not in later.invoke({"environment": 1})

    seen = runtime.invoke({"environment": 1})

    assert seen["LAMBDA_TASK_ROOT"] == seen["PYTHONPATH"] == str(package)
    assert (seen["TABLE_NAME"], seen["AWS_ACCESS_KEY_ID"], seen["AWS_REGION"]) == ("config", "key", "us-east-1")


def test_the_context_names_the_invocation_and_the_time_left(runtime: Runtime, package: Path) -> None:
    first, second = (runtime.invoke({"context": 1}) for _ in range(2))

    assert first["id"] != second["id"]
    assert first["arn"].endswith(":live")
    assert 0 < first["left"] <= 20_000
    assert first["directory"] == str(package)


def test_what_the_function_raises_is_reported_and_the_next_event_is_served(runtime: Runtime) -> None:
    with pytest.raises(InvocationFailed, match="ValueError: no such thing") as failed:
        runtime.invoke({"raise": "no such thing"})

    assert failed.value.error["stackTrace"]
    assert runtime.invoke("next") == {"echo": "next"}


def test_an_environment_that_ends_in_the_middle_fails_the_event_at_once(runtime: Runtime) -> None:
    with pytest.raises(InvocationFailed, match=r"Runtime\.ExitError: .* status 7"):
        runtime.invoke({"exit": 7})
    assert runtime.pids() == []

    assert runtime.invoke("a new one") == {"echo": "a new one"}
    assert len(runtime.pids()) == 1


def test_s50_an_environment_killed_at_work_fails_the_event_and_is_replaced(runtime: Runtime, tmp_path: Path) -> None:
    (before,) = runtime.pids()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(runtime.invoke, {"begin": str(tmp_path / "begun"), "wait_for": str(tmp_path / "never")})
        assert wait_until((tmp_path / "begun").exists, 10)
        os.kill(before, signal.SIGKILL)
        with pytest.raises(InvocationFailed, match=r"Runtime\.ExitError: .* status -9"):
            working.result(20)

    stream = runtime.invoke({"environment": 1})["AWS_LAMBDA_LOG_STREAM_NAME"]
    (after,) = runtime.pids()
    assert after != before
    assert stream == runtime.invoke({"environment": 1})["AWS_LAMBDA_LOG_STREAM_NAME"]


def test_s50_an_environment_that_passes_the_timeout_is_killed_and_replaced(package: Path, tmp_path: Path) -> None:
    with Runtime(directory=package, handler="main.handler", log=tmp_path / "log", timeout=0.5) as runtime:
        (before,) = runtime.pids()
        with pytest.raises(InvocationTimedOut, match=r"timed out after 0\.50 seconds"):
            runtime.invoke({"wait_for": str(tmp_path / "never")})
        assert mark(before) is None

        assert runtime.invoke("now") == {"echo": "now"}
        (after,) = runtime.pids()
        assert after != before


def test_s50_above_its_concurrency_an_event_is_throttled_at_once(runtime: Runtime, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(runtime.invoke, {"begin": str(tmp_path / "begun"), "wait_for": str(tmp_path / "go")})
        assert wait_until((tmp_path / "begun").exists, 10)
        with pytest.raises(FunctionThrottled, match="All 1 environments are busy"):
            runtime.invoke("not run")
        (tmp_path / "go").touch()
        assert working.result(20) == "late"

    assert runtime.invoke("run") == {"echo": "run"}
    assert "not run" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(("version", "text"), [("python3.11", "\u00e9"), ("python3.12", "\u00e9"), ("python3.11", "a")])
def test_s50_an_encoded_answer_has_at_most_6_291_556_bytes(
    package: Path, tmp_path: Path, version: str, text: str
) -> None:
    with Runtime(directory=package, handler="main.handler", log=tmp_path / "log", runtime=version) as runtime:
        each = len(json.dumps(text, ensure_ascii=version == "python3.11").encode()) - 2
        many, rest = divmod(6_291_556 - 2, each)
        fitting = runtime.invoke({"repeat": text, "times": many, "then": "x" * rest})
        assert len(fitting) == many + rest

        with pytest.raises(InvocationFailed, match=r"Function\.ResponseSizeTooLarge: .*6291556 bytes"):
            runtime.invoke({"repeat": text, "times": many, "then": "x" * (rest + 1)})
        assert runtime.invoke("next") == {"echo": "next"}


def test_s50_an_event_ends_at_6_mb(runtime: Runtime) -> None:
    overhead = len('{"length": ""}')
    assert runtime.invoke({"length": "x" * (6 * 1024 * 1024 - overhead)}) == 6 * 1024 * 1024 - overhead
    with pytest.raises(EventTooLarge, match="at most 6291456"):
        runtime.invoke({"length": "x" * (6 * 1024 * 1024 - overhead + 1)})


def test_each_environment_has_its_own_log_stream(package: Path, tmp_path: Path) -> None:
    with Runtime(
        directory=package, handler="main.handler", log=tmp_path / "log", processes=2, runtime="python3.12"
    ) as runtime:
        seen = [runtime.invoke({"environment": 1}) for _ in range(2)]

    assert len({each["AWS_LAMBDA_LOG_STREAM_NAME"] for each in seen}) == 2
    assert {each["AWS_EXECUTION_ENV"] for each in seen} == {"AWS_Lambda_python3.12"}


def test_events_are_shared_between_environments(package: Path, tmp_path: Path) -> None:
    with (
        Runtime(directory=package, handler="main.handler", log=tmp_path / "log", processes=2) as runtime,
        ThreadPoolExecutor(2) as pool,
    ):
        waiting = pool.submit(runtime.invoke, {"wait_for": str(tmp_path / "go")})
        assert runtime.invoke("other") == {"echo": "other"}
        (tmp_path / "go").touch()

        assert waiting.result(20) == "late"
        assert [seconds > 0 for seconds in runtime.init_seconds] == [True, True]


def test_no_event_is_lost_to_an_environment_that_ended_while_it_waited(package: Path, tmp_path: Path) -> None:
    with Runtime(directory=package, handler="main.handler", log=tmp_path / "log", processes=2) as runtime:
        pid = runtime.invoke({"context": 1})["pid"]
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: mark(pid) is None, 10)

        assert [runtime.invoke(n) for n in range(6)] == [{"echo": n} for n in range(6)]


@pytest.mark.parametrize(
    ("source", "reported"),
    [
        ("import not_in_the_zip", "Runtime.ImportModuleError: .*not_in_the_zip"),
        ("", r"Runtime\.HandlerNotFound"),
        ("import os; os._exit(3)", r"Runtime\.ExitError: .* status 3"),
    ],
)
def test_a_package_that_cannot_start_says_why(package: Path, tmp_path: Path, source: str, reported: str) -> None:
    (package / "main.py").write_text(source)

    with (
        pytest.raises(InitFailed, match=reported),
        Runtime(directory=package, handler="main.handler", log=tmp_path / "log"),
    ):
        pass


def test_its_processes_end_with_it(package: Path, tmp_path: Path) -> None:
    with Runtime(directory=package, handler="main.handler", log=tmp_path / "log", processes=2) as runtime:
        pid = runtime.invoke({"context": 1})["pid"]
        assert Path(f"/proc/{pid}").exists()

    assert not Path(f"/proc/{pid}").exists()


def test_who_still_invokes_when_it_is_left_starts_nothing_that_stays(package: Path, tmp_path: Path) -> None:
    scratch, log = tmp_path / "scratch", tmp_path / "log"
    scratch.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with Runtime(directory=package, handler="main.handler", log=log, scratch=scratch) as runtime:
            event = {"begin": str(tmp_path / "begun"), "wait_for": str(tmp_path / "never")}
            assert list(scratch.iterdir())
            working = pool.submit(runtime.invoke, event)
            assert wait_until((tmp_path / "begun").exists, 10)
        with pytest.raises(InvocationFailed, match=r"Runtime\.ExitError"):
            working.result(20)

    with pytest.raises(RuntimeClosed):
        runtime.invoke("late")
    assert runtime.pids() == []
    assert list(scratch.iterdir()) == []
