"""Runs inside the emulator's process: what the pinned ministack lacks, added at its smallest seams.

1. REST events carry `requestContext.identity.apiKey` and `.apiKeyId` on methods that require an API key
   (API Gateway developer guide, "$context variables").
2. IAM conditions see `kms:EncryptionContext:<name>` for every pair in a KMS request
   (KMS developer guide, "AWS KMS condition keys").
3. Metrics in what functions log are recorded (CloudWatch user guide, "Embedded metric format").
4. Alarms are judged after invocations, by their dimensions, periods and treatment of missing data; time can be made to
   pass (`PASSED`). What ministack does instead is in tests/local/emulator/test_alarms.py.
5. Logs Insights queries can be saved, and are answered with `stats`, filters of any member, and the like
   (CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax").
6. An API key that UpdateApiKey disables is refused (API Gateway API reference, UpdateApiKey: a patch operation's value
   is text). ministack stores the text "false", which is true.
7. IAM conditions see `events:source` for the entries of PutEvents (EventBridge user guide, "Using IAM policy conditions
   in Amazon EventBridge"). A request whose entries have several sources has none, so such a condition denies it.

Started by local/emulator/launcher.py under the emulator's own interpreter, so only the standard library and ministack
may be imported. With `--stock` nothing is added. A seam that is not as expected ends the start with its name.
"""

import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # last, so that nothing of ours replaces a module of the emulator's environment
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from local.emulator.cloudwatch import (
    Seam,
    as_cloudwatch_judges,
    one_at_a_time,
    with_embedded_metrics,
    with_judged_errors,
    with_passing_time,
)
from local.emulator.insights.service import Operation, SavedQueries

_EVENT_SEAM = ("ministack.services.apigateway_v1", "_build_lambda_event_v1")
_EVENT_PARAMETERS = ("api_id", "stage_name", "stage", "resource", "request_path", "method", "headers")
_KEY_SEAM = ("ministack.services.apigateway_v1", "_check_api_key")
_KEY_PARAMETERS = ("method_obj", "api_id", "stage_name", "headers")
_UPDATE_KEY_SEAM = ("ministack.services.apigateway_v1", "_update_api_key")
_UPDATE_KEY_PARAMETERS = ("key_id", "data")
_CONDITION_SEAM = ("ministack.core.iam_actions", "request_tag_context")
_CONDITION_PARAMETERS = ("service", "iam_action", "body", "params")

_CLOUDWATCH = "ministack.services.cloudwatch"
_ALARM_SEAM = (_CLOUDWATCH, "_evaluate_alarm")
_ALARMS_SEAM = (_CLOUDWATCH, "_evaluate_all_alarms")
_LOGS_SEAM = ("ministack.services.lambda_svc", "_emit_lambda_logs")
_METRICS_SEAM = ("ministack.services.lambda_svc", "_emit_lambda_metrics")
_METRICS_PARAMETERS = ("function_name", "duration_ms", "error", "throttle")

_LOGS = "ministack.services.cloudwatch_logs"
_HANDLE_SEAM = (_LOGS, "handle_request")
_HANDLE_PARAMETERS = ("method", "path", "headers", "body", "query_params")
_QUERY_SEAM = (_LOGS, "_start_query")
_PROVISIONERS = "ministack.services.cloudformation.provisioners"


class SeamMissing(Exception):
    """The installed ministack is not the one these additions were written for."""


def seam(module: str, name: str, parameters: tuple[str, ...]) -> Seam:
    """The function to wrap. Raises SeamMissing when it is gone or takes other leading parameters."""
    where = f"{module}.{name}"
    try:
        found: Seam | None = getattr(import_module(module), name, None)
    except ImportError:
        found = None
    if not callable(found):
        raise SeamMissing(f"{where} is missing; adapt local/emulator/additions.py to the installed ministack")
    actual = tuple(inspect.signature(found).parameters)[: len(parameters)]
    if actual != parameters:
        raise SeamMissing(f"{where} takes {actual}, not {parameters}; adapt local/emulator/additions.py")
    return found


def encryption_context_keys(body: bytes) -> dict[str, str]:
    """The condition keys of one KMS request body (JSON); empty when it names no encryption context."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    context = request.get("EncryptionContext") if isinstance(request, dict) else None
    if not isinstance(context, dict):
        return {}
    return {f"kms:EncryptionContext:{name}": str(value) for name, value in context.items()}


def event_source_keys(body: bytes) -> dict[str, str]:
    """The condition key of one PutEvents request body (JSON); empty unless all entries have one source."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    entries = request.get("Entries") if isinstance(request, dict) else None
    sources = {str(each.get("Source")) for each in entries or [] if isinstance(each, dict)}
    return {"events:source": sources.pop()} if len(sources) == 1 else {}


_REQUEST_KEYS: Mapping[str, Callable[[bytes], dict[str, str]]] = {
    "kms": encryption_context_keys,
    "events": event_source_keys,
}


def with_request_keys(request_keys: Seam) -> Seam:
    """Adds the encryption context, or the source of events, to the condition keys that are drawn from a request."""

    def keys(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = request_keys(service, iam_action, body, params)
        return {**found, **_REQUEST_KEYS[service](body)} if service in _REQUEST_KEYS else found

    return keys


def with_api_key(build_event: Seam, check_api_key: Seam) -> Seam:
    """Adds the API key to the event of a method that requires one; other methods' events stay as they are."""
    signature = inspect.signature(build_event)

    def build(*positional: Any, **named: Any) -> dict[str, Any]:  # noqa: ANN401 -- ministack's untyped arguments
        event: dict[str, Any] = build_event(*positional, **named)
        asked = signature.bind(*positional, **named).arguments
        methods = asked["resource"].get("resourceMethods", {})
        method = methods.get(asked["method"]) or methods.get("ANY")
        _refusal, key = check_api_key(method, asked["api_id"], asked["stage_name"], asked["headers"])
        if key is not None:
            event["requestContext"]["identity"].update(apiKey=key["value"], apiKeyId=key["id"])
        return event

    return build


def with_disabled_api_keys(update_api_key: Seam) -> Seam:
    """Stores whether an API key is enabled as true or false, not as text."""

    def update(key_id: str, data: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- ministack's answer
        operations = [
            {**each, "value": each["value"] == "true"} if each.get("path") == "/enabled" else each
            for each in data.get("patchOperations", [])
        ]
        return update_api_key(key_id, {**data, "patchOperations": operations})

    return update


_USED = {
    "_calc_stats": ("points",),
    "_stat_value": ("stats", "stat_name", "points"),
    "_dims_key": ("dims",),
    "_dims_from_list": ("dimensions",),
    "_record_history": ("alarm_name", "old_state", "new_state", "reason"),
    "_dispatch_alarm_actions": ("alarm", "old_state", "new_state", "reason"),
    "_evaluate_parent_alarms": ("child",),
}


def plan_cloudwatch() -> dict[tuple[str, str], Seam]:
    """Returns what is put in place for metrics and alarms, by module and name. Raises SeamMissing."""
    write_logs, emit_metrics, one, every = _LOGS_SEAM, _METRICS_SEAM, _ALARM_SEAM, _ALARMS_SEAM
    used = {name: seam(_CLOUDWATCH, name, parameters) for name, parameters in _USED.items()}
    record = seam(_CLOUDWATCH, "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))
    seam(*one, ("alarm",))
    metrics = vars(import_module(_CLOUDWATCH))["_metrics"]
    evaluate = one_at_a_time(with_passing_time(seam(*every, ()), metrics))
    logs = seam(*write_logs, ("func", "request_id", "log_text"))
    return {
        one: as_cloudwatch_judges(used, metrics),
        every: evaluate,
        write_logs: with_embedded_metrics(logs, record, evaluate),
        emit_metrics: with_judged_errors(seam(*emit_metrics, _METRICS_PARAMETERS), evaluate),
    }


def with_operations(handle_request: Seam, operations: Mapping[str, Operation]) -> Seam:
    """Adds operations to a service of the JSON protocol."""

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any) -> Any:  # noqa: ANN401
        made = operations.get(headers.get("x-amz-target", "").rpartition(".")[2])
        return made(json.loads(body)) if made else await handle_request(method, path, headers, body, query_params)

    return handle


def plan_logs() -> dict[tuple[str, str], Seam]:
    """Returns what is put in place for Logs Insights, and lets CloudFormation save queries. Raises SeamMissing."""
    handle, start = seam(*_HANDLE_SEAM, _HANDLE_PARAMETERS), seam(*_QUERY_SEAM, ("data",))
    seam(_LOGS, "_collect_query_records", ("group_names", "start_time_s", "end_time_s"))
    seam(_LOGS, "_resolve_query_log_groups", ("data",))
    saved = SavedQueries(import_module(_LOGS))
    vars(import_module(_PROVISIONERS))["_RESOURCE_HANDLERS"]["AWS::Logs::QueryDefinition"] = saved.provision()
    return {_HANDLE_SEAM: with_operations(handle, saved.operations), _QUERY_SEAM: saved.start(start)}


def add() -> None:
    """Puts the additions in place. Raises SeamMissing before anything is changed."""
    build_event = seam(*_EVENT_SEAM, _EVENT_PARAMETERS)
    check_api_key = seam(*_KEY_SEAM, _KEY_PARAMETERS)
    update_api_key = seam(*_UPDATE_KEY_SEAM, _UPDATE_KEY_PARAMETERS)
    request_keys = seam(*_CONDITION_SEAM, _CONDITION_PARAMETERS)
    for (module, name), made in {**plan_cloudwatch(), **plan_logs()}.items():
        setattr(import_module(module), name, made)
    setattr(import_module(_EVENT_SEAM[0]), _EVENT_SEAM[1], with_api_key(build_event, check_api_key))
    setattr(import_module(_UPDATE_KEY_SEAM[0]), _UPDATE_KEY_SEAM[1], with_disabled_api_keys(update_api_key))
    setattr(import_module(_CONDITION_SEAM[0]), _CONDITION_SEAM[1], with_request_keys(request_keys))


def stop_with_launcher() -> None:
    """Ends this process in order when the launcher is gone: it holds the other end of our standard input."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str]) -> None:
    """Serves until SIGTERM, then ends the Lambda workers that ministack leaves in its process group."""
    stop_with_launcher()
    if "--stock" not in arguments:
        add()
    sys.argv = ["ministack"]
    try:
        import_module("ministack.app").main()
    finally:
        if os.getpgrp() == os.getpid():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
