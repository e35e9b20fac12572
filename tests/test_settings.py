"""Settings come from the environment, and all their errors are reported together."""

from __future__ import annotations

import subprocess
import sys

import pytest

from configsvc.model.errors import Misconfigured
from configsvc.model.snapshot import compute_cost
from configsvc.settings import StageSettings, UpkeepSettings, read_settings, read_upkeep_settings

ROLE = "arn:aws:iam::123456789012:role/Admin*"
USER = "arn:aws:iam::123456789012:user/ann"


CURRENT, PREVIOUS = "a" * 64, "b" * 64
NEEDED = {"CONFIGSVC_TABLE": "config", "CONFIGSVC_PROOF_SHA256": CURRENT}


def test_only_table_and_proof_are_required() -> None:
    assert read_settings(NEEDED) == StageSettings(
        "config", (CURRENT,), proof_enforced=True, admins=(), log_level="info"
    )


def test_while_the_proof_is_rotated_two_are_accepted() -> None:
    assert read_settings(NEEDED | {"CONFIGSVC_PROOF_SHA256": f"{CURRENT},{PREVIOUS}"}).proofs == (CURRENT, PREVIOUS)


@pytest.mark.parametrize(("mode", "enforced"), [("enforce", True), ("observe", False)])
def test_the_proof_is_enforced_or_observed(mode: str, *, enforced: bool) -> None:
    assert read_settings(NEEDED | {"CONFIGSVC_PROOF_MODE": mode}).proof_enforced is enforced


@pytest.mark.parametrize(
    "digests", ["", "none", "A" * 64, CURRENT[1:], f"{CURRENT},", f"{CURRENT},{CURRENT},{CURRENT}"]
)
def test_an_impossible_proof_digest_is_refused(digests: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_PROOF_SHA256"):
        read_settings(NEEDED | {"CONFIGSVC_PROOF_SHA256": digests})


@pytest.mark.parametrize("mode", ["", "off", "Observe"])
def test_another_proof_mode_is_refused(mode: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_PROOF_MODE must be one of enforce, observe"):
        read_settings(NEEDED | {"CONFIGSVC_PROOF_MODE": mode})


def test_administrators_are_comma_separated() -> None:
    environ = NEEDED | {"CONFIGSVC_ADMINS": f" {ROLE}, {USER} ,", "CONFIGSVC_LOG_LEVEL": "DEBUG"}
    assert read_settings(environ) == StageSettings(
        "config", (CURRENT,), proof_enforced=True, admins=(ROLE, USER), log_level="debug"
    )


def test_all_errors_are_reported_together() -> None:
    environ = {"CONFIGSVC_ADMINS": f"*,{USER},arn:aws:iam::*:role/x", "CONFIGSVC_LOG_LEVEL": "loud"}
    with pytest.raises(Misconfigured) as refused:
        read_settings(environ)
    told = str(refused.value)
    assert all(each in told for each in ("CONFIGSVC_TABLE", "'*'", "arn:aws:iam::*:role/x", "CONFIGSVC_LOG_LEVEL"))
    assert USER not in told


@pytest.mark.parametrize(
    ("runtime", "charset"),
    [
        (None, "ascii"), ("AWS_Lambda_python3.11", "ascii"), ("AWS_Lambda_Image", "ascii"),
        ("AWS_Lambda_python3.12", "utf8"), ("AWS_Lambda_python3.14", "utf8"), ("AWS_Lambda_python3.99", "ascii"),
    ],
)  # fmt: skip
def test_sizes_count_as_the_runtime_encodes(runtime: str | None, charset: str) -> None:
    assert read_settings(NEEDED | ({"AWS_EXECUTION_ENV": runtime} if runtime else {})).charset == charset


@pytest.mark.parametrize("runtime", [f"python3.{minor}" for minor in (11, 12, 13, 14, 15, 16)])
def test_the_runtimes_encoder_writes_what_the_settings_say(runtime: str) -> None:
    environ = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"}
    source = "from awslambdaric.lambda_runtime_marshaller import to_json; print(len(to_json('\\xe9').encode()))"
    ran = subprocess.run([sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=True)
    assert int(ran.stdout) == 2 + compute_cost("\xe9", read_settings(NEEDED | environ).charset)


@pytest.mark.parametrize(("text", "days"), [("", None), ("0", None), ("400", 400)])
def test_a_change_log_is_kept_forever_or_for_days(text: str, days: int | None) -> None:
    assert read_settings(NEEDED | {"CONFIGSVC_CHANGE_LOG_DAYS": text}).change_log_days == days


@pytest.mark.parametrize("text", ["-1", "many", "36501", "\u0664"])
def test_invalid_days_are_reported(text: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_CHANGE_LOG_DAYS must be 0 to 36500"):
        read_settings(NEEDED | {"CONFIGSVC_CHANGE_LOG_DAYS": text})


UPKEEP = {"CONFIGSVC_STACK": "configsvc-prod", "CONFIGSVC_TABLE": "config"}


def test_upkeep_needs_stack_and_table_and_has_defaults_for_the_rest() -> None:
    assert read_upkeep_settings(UPKEEP) == UpkeepSettings("configsvc-prod", "config", None, 14, "info", "ascii")


def test_upkeep_takes_the_probes_key_and_the_days() -> None:
    found = read_upkeep_settings(UPKEEP | {"CONFIGSVC_PROBE_API_KEY_ID": "a1b2c3", "CONFIGSVC_ROTATION_DAYS": "0"})
    assert (found.probe, found.rotation_days) == ("api-key:a1b2c3", 0)


def test_all_faults_of_upkeeps_settings_are_named_together() -> None:
    wrong = {
        "CONFIGSVC_PROBE_API_KEY_ID": "not an id", "CONFIGSVC_ROTATION_DAYS": "-1", "CONFIGSVC_LOG_LEVEL": "loud",
    }  # fmt: skip
    with pytest.raises(Misconfigured) as raised:
        read_upkeep_settings(wrong)
    assert all(name in str(raised.value) for name in ("CONFIGSVC_STACK", "CONFIGSVC_TABLE", *wrong))
