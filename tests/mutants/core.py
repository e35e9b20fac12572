"""The core, in which a test must find every mutant, and the test files to run for each of its modules."""

from __future__ import annotations

from collections.abc import Mapping

_CLIENT = "client/configsvc_client"


def _in(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/test_{name}.py" for name in names)


_SERVICE = (
    *_in(
        "tests/service/verbs",
        "change_log", "change_sets", "data_keys", "destroy", "lift", "listing_keys", "put", "versions",
    ),
    *_in("tests/service/engine", "idempotency", "preconditions", "size", "values_and_schemas", "writing"),
)  # fmt: skip
_REFRESH = (
    *_in("tests/client", "config"),
    *_in("tests/client/opening", "fallback_file", "opening"),
    *_in("tests/client/process", "interrupts", "without_threads"),
    *_in("tests/client/reading", "handler"),
    *_in(
        "tests/client/refresh",
        "background_reads",
        "counts",
        "expiry",
        "flights",
        "health",
        "moved",
        "one_flight",
        "overdue",
        "refresh",
        "refusals",
        "troubles",
        "unasked",
        "windows",
        "without_poll",
    ),
    *_in("tests/client/service", "many", "one_of_several"),
    *_in("tests/client/transport", "deadlines", "slow_links"),
    *_in("tests/faults_client", "answers", "service_down"),
    "tests/attacks/test_poisoned_answers.py",
)
_SEALED = ("tests/client/opening/test_cipher.py", "tests/vectors/*.py")
_RESPONSES = (
    *_in("tests/client/process", "interrupts"),
    *_in("tests/client/transport", "encodings", "http", "response"),
)
_OPENING = (
    *_in("tests/client/opening", "opening"),
    *_in("tests/client/refresh", "refresh", "refusals"),
    *_in("tests/faults_client", "answers", "late"),
    "tests/attacks/test_poisoned_answers.py",
)

_ANSWERS = (
    "tests/client/service/test_answers.py",
    "tests/client/service/test_denials.py",
    "tests/client/service/test_gateway.py",
)

CORE: Mapping[str, tuple[str, ...]] = {
    "configsvc/model/retry.py": ("tests/model/test_retry.py",),
    "configsvc/model/envelope.py": ("tests/model/test_envelope.py", *_SEALED),
    "configsvc/service/engine/decide_change.py": (*_SERVICE, "tests/attacks/test_costly_schemas.py"),
    "configsvc/service/engine/steps.py": (*_SERVICE, "tests/web/test_names.py"),
    "configsvc/service/engine/writing.py": _SERVICE,
    f"{_CLIENT}/_opening/cipher.py": _SEALED,
    f"{_CLIENT}/_opening/opening.py": _OPENING,
    f"{_CLIENT}/_transport/response.py": _RESPONSES,
    f"{_CLIENT}/_service/answers.py": _ANSWERS,
    f"{_CLIENT}/_service/problems.py": _ANSWERS,
    f"{_CLIENT}/_opening/fallback_file.py": ("tests/client/opening/test_fallback_file.py",),
    f"{_CLIENT}/_freshness.py": ("tests/client/refresh/test_schedule.py",),
    f"{_CLIENT}/_refresh/flight.py": _REFRESH,
    f"{_CLIENT}/_refresh/refresh.py": _REFRESH,
}
