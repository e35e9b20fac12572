"""Runs inside the emulator's process: what the pinned ministack lacks, added at its smallest seams.

1. REST events carry `requestContext.identity.apiKey` and `.apiKeyId` on methods that require an API key
   (API Gateway developer guide, "$context variables").
2. IAM conditions see `kms:EncryptionContext:<name>` for every pair in a KMS request
   (KMS developer guide, "AWS KMS condition keys").

Started by local/emulator/launcher.py under the emulator's own interpreter, so only the standard library and ministack
may be imported. With `--stock` nothing is added. A seam that is not as expected ends the start with its name.
"""

import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

_EVENT_SEAM = ("ministack.services.apigateway_v1", "_build_lambda_event_v1")
_EVENT_PARAMETERS = ("api_id", "stage_name", "stage", "resource", "request_path", "method", "headers")
_KEY_SEAM = ("ministack.services.apigateway_v1", "_check_api_key")
_KEY_PARAMETERS = ("method_obj", "api_id", "stage_name", "headers")
_CONDITION_SEAM = ("ministack.core.iam_actions", "request_tag_context")
_CONDITION_PARAMETERS = ("service", "iam_action", "body", "params")

Seam = Callable[..., Any]


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


def with_encryption_context(request_keys: Seam) -> Seam:
    """Adds the encryption context to the condition keys that are drawn from a request."""

    def keys(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = request_keys(service, iam_action, body, params)
        return {**found, **encryption_context_keys(body)} if service == "kms" else found

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


def add() -> None:
    """Puts both additions in place. Raises SeamMissing before anything is changed."""
    build_event = seam(*_EVENT_SEAM, _EVENT_PARAMETERS)
    check_api_key = seam(*_KEY_SEAM, _KEY_PARAMETERS)
    request_keys = seam(*_CONDITION_SEAM, _CONDITION_PARAMETERS)
    setattr(import_module(_EVENT_SEAM[0]), _EVENT_SEAM[1], with_api_key(build_event, check_api_key))
    setattr(import_module(_CONDITION_SEAM[0]), _CONDITION_SEAM[1], with_encryption_context(request_keys))


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
