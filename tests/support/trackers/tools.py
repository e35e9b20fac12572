"""Everything that each library would send or print for an error, as one text.

Runs in the environment of the trackers: python -m tests.support.trackers.tools TOOL
"""

from __future__ import annotations

import functools
import io
import json
import logging
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tests.support.trackers import scenes

Show = Callable[[Exception], str]


def _locals(error: BaseException) -> Iterator[dict[str, object]]:
    """The variables of every frame of an error and of what it came from, hidden or not."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        for frame, _ in traceback.walk_tb(each.__traceback__):
            yield dict(frame.f_locals)
        waiting += [each.__cause__, each.__context__]


def _raised(error: Exception) -> tuple[type[BaseException], BaseException, types.TracebackType]:
    assert error.__traceback__
    return type(error), error, error.__traceback__


def sentry() -> Show:
    import sentry_sdk
    from sentry_sdk.integrations.pure_eval import PureEvalIntegration  # also evaluates the expressions in the lines
    from sentry_sdk.transport import Transport

    sent: list[str] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:  # noqa: ANN401
            sent.append(envelope.serialize().decode(errors="replace"))

    sentry_sdk.init(
        dsn="https://key@sentry.test/1", transport=Kept, traces_sample_rate=1.0, send_default_pii=True,
        integrations=[PureEvalIntegration()],
    )  # fmt: skip

    def show(error: Exception) -> str:
        sent.clear()
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("variables", list(_locals(error)))
            scope.set_context("first", next(_locals(error)))
            sentry_sdk.capture_exception(error)
            logging.getLogger("app").error("failed", exc_info=error, extra={"variables": list(_locals(error))})
        return "\n".join(sent)

    return show


def rollbar() -> Show:
    import rollbar

    sent: list[str] = []

    def keep(payload: dict[str, Any], **_: object) -> bool:
        sent.append(json.dumps(payload, default=repr))
        return False

    rollbar.init("0" * 32, "test", handler="blocking", locals={"enabled": True, "safe_repr": False})
    rollbar.events.add_payload_handler(keep)

    def show(error: Exception) -> str:
        sent.clear()
        rollbar.report_exc_info(_raised(error), extra_data={"variables": list(_locals(error))})
        return "\n".join(sent)

    return show


def elastic_apm() -> Show:
    import elasticapm
    from elasticapm.transport.base import Transport

    sent: list[str] = []

    class Kept(Transport):
        def queue(self, event_type: str, data: object, flush: bool = False) -> None:  # noqa: FBT001, FBT002  # theirs
            del flush
            sent.append(f"{event_type} {json.dumps(data, default=repr)}")

        def start_thread(self, pid: int | None = None) -> None:
            """Has none."""

    sys.modules["kept"] = types.ModuleType("kept")
    sys.modules["kept"].Kept = Kept  # type: ignore[attr-defined]  # found by its name
    client = elasticapm.Client(
        service_name="test", transport_class="kept.Kept", metrics_interval="0ms", central_config=False,
        cloud_provider="none", disable_log_record_factory=True, source_lines_error_library_frames=5,
    )  # fmt: skip

    def show(error: Exception) -> str:
        sent.clear()
        client.capture_exception(exc_info=_raised(error), context={"custom": {"variables": list(_locals(error))}})
        return "\n".join(sent)

    return show


def logfire() -> Show:
    import logfire
    from logfire.testing import TestExporter
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    exporter = TestExporter()
    logfire.configure(
        send_to_logfire=False, console=False, inspect_arguments=False,
        additional_span_processors=[SimpleSpanProcessor(exporter)],
    )  # fmt: skip

    def show(error: Exception) -> str:
        exporter.clear()
        # Texts of our own are in the variables as well, so the scrubbing of what sounds secret is not what helps.
        logfire.exception("failed", _exc_info=error, **{f"frame_{at}": each for at, each in enumerate(_locals(error))})
        return json.dumps(exporter.exported_spans_as_dict(parse_json_attributes=True), default=repr)

    return show


def loguru() -> Show:
    from loguru import logger

    def show(error: Exception) -> str:
        written = io.StringIO()
        logger.remove()
        logger.add(written, diagnose=True, backtrace=True, serialize=True)
        logger.add(written, diagnose=True, backtrace=True)
        logger.opt(exception=error).bind(variables=list(_locals(error))).error("failed {}", list(_locals(error)))
        return written.getvalue()

    return show


def structlog() -> Show:
    import structlog

    def show(error: Exception) -> str:
        renderers: list[list[Any]] = [
            [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()],
            [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.RichTracebackFormatter(width=1000))],
        ]
        written = io.StringIO()
        for renderer in renderers:
            log = structlog.wrap_logger(structlog.PrintLogger(written), processors=renderer)
            log.error("failed", exc_info=_raised(error), variables=list(_locals(error)))
        return written.getvalue()

    return show


def rich() -> Show:
    from rich.console import Console
    from rich.pretty import pprint
    from rich.traceback import Traceback

    def show(error: Exception) -> str:
        written = io.StringIO()
        console = Console(file=written, width=1000)
        console.print(
            Traceback.from_exception(
                *_raised(error), show_locals=True, locals_max_length=100, locals_max_string=1000, max_frames=1000,
                locals_hide_dunder=False,
            )
        )  # fmt: skip
        pprint(list(_locals(error)), console=console)
        return written.getvalue()

    return show


def ipython() -> Show:
    from IPython.core.ultratb import FormattedTB
    from IPython.lib.pretty import pretty

    def show(error: Exception) -> str:
        formatted = FormattedTB(mode="Verbose", theme_name="nocolor")
        return "\n".join([formatted.text(*_raised(error)), pretty(list(_locals(error)))])

    return show


def devtools() -> Show:
    from devtools import pformat

    return lambda error: str(pformat(list(_locals(error))))


def bugsnag() -> Show:
    import bugsnag
    from bugsnag.delivery import Delivery

    sent: list[str] = []

    class Kept(Delivery):
        def deliver(self, config: object, payload: Any, options: object = None) -> None:  # noqa: ANN401
            del config, options
            sent.append(str(payload))

        def deliver_sessions(self, config: object, payload: Any, options: object = None) -> None:  # noqa: ANN401
            """Are not of interest."""

    bugsnag.configure(api_key="0" * 32, delivery=Kept(), asynchronous=False, auto_capture_sessions=False)

    def show(error: Exception) -> str:
        sent.clear()
        frames = {f"frame {at}": each for at, each in enumerate(_locals(error))}
        bugsnag.notify(error, metadata={"variables": frames})
        return "\n".join(sent)

    return show


def datadog() -> Show:
    """Captures each frame as its exception replay does, by `__dict__` and `__slots__`."""
    from ddtrace.debugging._signal.utils import capture_pairs

    def show(error: Exception) -> str:
        captured = [capture_pairs(each.items(), 4, 10**4, 100, 100) for each in _locals(error)]
        return json.dumps(captured, default=repr)

    return show


def standard_library() -> Show:
    """cgitb, which Python 3.13 no longer has, traceback, pprint, logging, JSON of `vars`, and an iteration of each."""
    import pprint

    warnings.simplefilter("ignore", DeprecationWarning)

    def show(error: Exception) -> str:
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        logging.getLogger("app").addHandler(handler)
        logging.getLogger("app").error("failed %r", list(_locals(error)), exc_info=error)
        logging.getLogger("app").removeHandler(handler)
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        texts = [written.getvalue(), *told.format(), pprint.pformat(list(_locals(error)))]
        texts += [json.dumps(list(_locals(error)), default=_vars, skipkeys=True)]
        if sys.version_info < (3, 13):
            import cgitb

            texts += [cgitb.text(_raised(error), 5), cgitb.html(_raised(error), 5)]
        return "\n".join(texts)

    return show


def _vars(value: object) -> object:
    try:
        return vars(value)
    except TypeError:
        return repr(value)


def walker() -> Show:
    """The library that nobody tested: reads whatever it can take apart without calling a method by its name."""
    return lambda error: "\n".join(text for each in _locals(error) for text in walked(each, 12, set()))


def walked(value: object, depth: int, seen: set[int]) -> Iterator[str]:
    if id(value) in seen or isinstance(value, types.ModuleType | type | types.CodeType | types.FrameType):
        return
    seen.add(id(value))
    yield repr(value)
    if depth and not isinstance(value, str | bytes | int | float):
        for part in _parts(value):
            yield from walked(part, depth - 1, seen)


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from [*value.keys(), *value.values()]
    elif isinstance(value, Sequence | AbstractSet | memoryview):
        yield from list(value)
    yield from getattr(value, "__dict__", {}).values()
    slots = [slot for each in type(value).__mro__ for slot in getattr(each, "__slots__", ())]
    yield from [getattr(value, name) for name in slots if hasattr(value, name)]
    if isinstance(value, types.MethodType):
        yield value.__self__
    for state in ("__getstate__", "__reduce__", "__getnewargs__"):
        try:
            yield getattr(value, state)()
        except Exception:  # noqa: BLE001, S112  # has none, or refuses
            continue


TOOLS: dict[str, Callable[[], Show]] = {
    each.__name__: each
    for each in (
        sentry, rollbar, elastic_apm, logfire, loguru, structlog, rich, ipython, devtools, bugsnag, datadog,
        standard_library, walker,
    )
}  # fmt: skip


_ASK_VALUES = {"sentry", "rich"}
"""Which ask parsed JSON, a dict to everything that reads, how to show it."""


def shown(show: Show, act: Callable[[], object], asked: Callable[[], int]) -> tuple[str, int]:
    """Returns what is shown of the error of an act, and how many requests that made."""
    try:
        act()
    except Exception as error:  # noqa: BLE001  # that is what is shown
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # this frame is the test's
        before = asked()
        return show(error), asked() - before
    raise AssertionError("nothing was raised")


def main(tool: str) -> None:
    found: dict[str, tuple[str, int]] = {}
    show = TOOLS[tool]()
    with scenes.consumer() as (make, serve_later, asked):
        for scene in scenes.SCENES:
            found[scene.__name__] = shown(show, functools.partial(scene, make), asked)
        if tool in _ASK_VALUES:
            found["json_in_a_variable"] = shown(show, functools.partial(scenes.json_in_a_variable, make), asked)
        by_halves = functools.partial(scenes.refreshed_by_halves, make, serve_later)
        found["refreshed_by_halves"] = shown(show, by_halves, asked)
    requests = sum(each for _, each in found.values())
    shown_by = {name: text for name, (text, _) in found.items()}
    print(json.dumps({"shown": shown_by, "requests_while_shown": requests}))  # noqa: T201  # to the test


if __name__ == "__main__":
    main(sys.argv[1])
