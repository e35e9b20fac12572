from __future__ import annotations

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, Forbidden, Unavailable
from configsvc.model.names import parse_namespace
from configsvc_client._aws import refusals
from configsvc_client._pin import Pin
from configsvc_client.cli import exit_codes, setup_checks
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY

PROD = parse_namespace("payments.prod")
READS = {"principal": "api-key:a", "grants": [{"actions": ["read"], "namespaces": ["payments.*"]}]}


@pytest.mark.parametrize(
    ("ahead", "state"),
    [(None, "skipped"), (0.4, "ok"), (-29.0, "ok"), (31.0, "warning"), (-299.0, "warning"), (300.0, "failed")],
)
def test_clock_skew_is_reported_before_aws_refuses_signatures(ahead: float | None, state: str) -> None:
    assert setup_checks.check_clock(ahead).state == state


def test_api_key_without_read_grant_fails_with_the_granting_command() -> None:
    assert setup_checks.check_api_key(READS, [PROD]).state == "ok"
    found = setup_checks.check_api_key(READS, [PROD, parse_namespace("shared.prod")])
    assert (found.state, found.advice.endswith("configsvc grant api-key:a -a read -n shared.prod")) == ("failed", True)
    assert setup_checks.check_api_key(None, []).state == "failed"


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("x could not be reached (Connection refused).", reason="connection"),
        CannotOpen(
            refusals.explain_refusal("Decrypt", "ExpiredTokenException", "expired", {}), reason="ExpiredTokenException"
        ),
        CannotOpen(refusals.explain_refusal("Decrypt", "InvalidSignatureException", "scoped to a valid region", {})),
    ],
)
def test_doctor_does_not_advise_running_doctor(error: ConfigsvcError) -> None:
    assert "configsvc doctor" in " ".join(exit_codes.get_lines(error))
    found = setup_checks.report_failure("service", error)
    assert "doctor" not in found.found + found.advice
    assert found.found.endswith(".")
    assert found.advice in ("", "Is that address correct?")


WRITES = {"principal": "arn", "grants": [{"actions": ["write"], "namespaces": ["*"]}], "administrator": True}
DENIED = Forbidden("IAM says no. This prints the policy: configsvc iam-policy --for writer -n payments.prod")


def test_missing_aws_identity_is_a_warning_not_a_failure() -> None:
    assert setup_checks.check_iam(None).state == "warning"
    found = setup_checks.check_iam(WRITES)
    assert (found.state, "administrator" in found.found) == ("ok", True)


@pytest.mark.parametrize(
    ("principal", "denied", "state", "says"),
    [
        (WRITES, None, "ok", ["arn may write"]),
        (WRITES, DENIED, "warning", ["arn may not write", "IAM", "iam-policy --for writer -n payments.prod"]),
        (READS, None, "warning", ["no grant allows write", "configsvc grant api-key:a -a write -n payments.prod"]),
        (READS, DENIED, "warning", ["no grant", ", and IAM", "configsvc grant api-key:a", "configsvc iam-policy"]),
        (None, None, "warning", ["IAM allows the calls", "grants cannot be read"]),
        (None, DENIED, "warning", ["your AWS identity may not write: IAM", "iam-policy"]),
    ],
)
def test_write_check_needs_grant_and_iam_and_names_what_is_missing(
    principal: dict[str, object] | None, denied: Forbidden | None, state: str, says: list[str]
) -> None:
    found = setup_checks.check_writes(principal, PROD, denied)
    assert found.state == state
    assert [each for each in says if each not in f"{found.found} {found.advice}"] == []
    assert ("configsvc grant" in found.advice) == (principal is READS)
    assert ("iam-policy" in found.advice) == bool(denied)


@pytest.mark.parametrize(
    ("pins", "keys", "state"),
    [
        ((KMS_KEY,), [KMS_KEY], "ok"),
        ((KMS_KEY,), [KMS_KEY, FOREIGN_KEY], "failed"),
        ((), [KMS_KEY], "failed"),
        (("*",), [KMS_KEY], "warning"),
        ((KMS_KEY,), [], "skipped"),
    ],
)
def test_every_kms_key_in_use_is_pinned(pins: tuple[str, ...], keys: list[str], state: str) -> None:
    assert setup_checks.check_pinned(PROD, Pin(pins), keys).state == state
