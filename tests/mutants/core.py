"""The core, in which a test must find every mutant, and the test files that are asked about each of its modules."""

from __future__ import annotations

from collections.abc import Mapping

_CLIENT = "client/configsvc_client"
_SERVICE = tuple(
    f"tests/service/test_{name}.py"
    for name in (
        "change", "change_log", "data_keys", "destroy", "idempotency", "lift", "listing_keys", "overtaken", "put",
        "size", "values_and_schemas", "versions", "writing",
    )
)  # fmt: skip
_REFRESH = (
    *(
        f"tests/client/test_{name}.py"
        for name in (
            "background_reads", "config", "counts", "deadlines", "expiry", "fallback", "flights", "foreign", "handler",
            "health", "many", "moved", "one_flight", "one_of_several", "opening", "overdue", "refresh", "refusals",
            "slow_links", "troubles", "unasked", "windows", "without_poll", "without_threads",
        )
    ),
    *(f"tests/faults_client/test_{name}.py" for name in ("answers", "service_down")),
    "tests/attacks/test_poisoned_answers.py",
)  # fmt: skip
_SEALED = ("tests/client/test_cipher.py", "tests/vectors/*.py")
_ANSWERS = tuple(f"tests/client/test_{name}.py" for name in ("answer", "encodings", "foreign", "http"))

CORE: Mapping[str, tuple[str, ...]] = {
    "configsvc/model/retry.py": ("tests/model/test_retry.py",),
    "configsvc/model/envelope.py": ("tests/model/test_envelope.py", *_SEALED),
    "configsvc/service/decide_change.py": (*_SERVICE, "tests/attacks/test_costly_schemas.py"),
    "configsvc/service/steps.py": _SERVICE,
    "configsvc/service/writing.py": _SERVICE,
    f"{_CLIENT}/_cipher.py": _SEALED,
    f"{_CLIENT}/_opening.py": tuple(f"tests/client/test_{name}.py" for name in ("opening", "refresh", "refusals")),
    f"{_CLIENT}/_answer.py": _ANSWERS,
    f"{_CLIENT}/_body.py": ("tests/client/test_body.py", "tests/client/test_denied.py", "tests/client/test_gateway.py"),
    f"{_CLIENT}/_fallback.py": ("tests/client/test_fallback.py",),
    f"{_CLIENT}/_freshness.py": ("tests/client/test_freshness.py",),
    f"{_CLIENT}/_refresh.py": _REFRESH,
    f"{_CLIENT}/_refreshing.py": _REFRESH,
}
