"""Stage files: the ones that ship are valid, and all errors of a wrong one are reported."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from infra.paths import STAGES
from infra.stage import Stage, StageError, load, load_unfinished, parse
from infra.stage_rules import NOBODY

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/01234567-0123-0123-0123-0123456789ab"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:on-call"


@pytest.mark.parametrize("name", sorted(path.stem for path in STAGES.glob("*.toml")))
def test_the_stages_that_ship_are_good_and_named_by_their_file(name: str) -> None:
    assert load_unfinished(name).name == name


def test_the_stage_file_of_production_documents_every_option() -> None:
    documented = set(
        re.findall(r"^(?:# )?(?:\[\[?)?([\w-]+)(?: =|\])", (STAGES / "prod.toml").read_text(), re.MULTILINE)
    )
    assert documented - {"cost-center"} == {*_options(Stage)}


def _options(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _options(part)


def test_production_is_careful_by_default() -> None:
    prod = load_unfinished("prod")
    assert prod.table.deletion_protection
    assert prod.function.canary
    assert prod.function.reserved_concurrency
    assert prod.table.read_maximum
    assert prod.table.write_maximum
    assert prod.log_days >= 365


@pytest.mark.parametrize("name", ["dev", "local"])
def test_a_stage_to_try_things_on_has_no_alarm_target_on_purpose(name: str) -> None:
    assert (load(name).alarms.topic, load(name).alarms.email) == (None, None)
    assert f'\nalarms = "{NOBODY}"' in (STAGES / f"{name}.toml").read_text()


def test_production_is_refused_until_it_says_who_gets_its_alarms(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="nobody would get the alarms"):
        load("prod")
    shipped = (STAGES / "prod.toml").read_text()
    (tmp_path / "prod.toml").write_text(shipped.replace("# email =", "email ="))
    assert load("prod", tmp_path).alarms.email == "on-call@example.com"


@pytest.mark.parametrize("said", ["", "[alarms]", "[alarms]\nlatency_ms = 9"])
def test_a_stage_without_an_alarm_target_is_told_the_lines_to_add(said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'stack = "s"\n{said}')
    with pytest.raises(StageError) as refused:
        load("mine", tmp_path)
    lines = [line.strip().partition("   ")[0] for line in str(refused.value).splitlines()]
    target, nobody = "\n".join(lines[lines.index("[alarms]") :][:2]), next(each for each in lines if NOBODY in each)
    for added, email in ((target, "on-call@example.com"), (nobody, None)):
        path.write_text(f'stack = "s"\n{added}')
        assert load("mine", tmp_path).alarms.email == email


def test_a_missing_alarm_target_is_reported_with_the_other_errors(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('stack = "9"\nlog_day = 3\n[alarms]\nforbidden = 0\n')
    with pytest.raises(StageError) as refused:
        load("mine", tmp_path)
    for each in ("stack", "log_day", "alarms.forbidden", "nobody would get the alarms"):
        assert each in str(refused.value)


@pytest.mark.parametrize("wrong", ["nobody", "", True, 3])
def test_only_none_says_that_nobody_gets_the_alarms(wrong: object) -> None:
    with pytest.raises(StageError, match="alarms"):
        parse({"stack": "s", "alarms": wrong})


def test_a_stage_without_an_alarm_target_can_be_read_and_taken_back(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('stack = "s"\n')
    assert load_unfinished("mine", tmp_path).stack == "s"


def test_a_missing_stage_file_lists_the_existing_stages() -> None:
    with pytest.raises(StageError, match="dev, local, prod"):
        load("nowhere")


@pytest.mark.parametrize("name", ["../prod", "", "Prod"])
def test_a_stage_name_is_not_a_path(name: str) -> None:
    with pytest.raises(StageError, match="There is no stage"):
        load(name)


def test_a_file_that_is_not_toml_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("stack =")
    with pytest.raises(StageError, match=r"mine\.toml is not TOML"):
        load("mine", tmp_path)


def test_the_whole_api_has_no_quota_per_day() -> None:
    with pytest.raises(StageError, match=r"api\.quota_per_day"):
        parse({"stack": "s", "api": {"rate": 1, "burst": 1, "quota_per_day": 5}})


def test_all_errors_of_a_stage_are_reported_together() -> None:
    with pytest.raises(StageError) as told:
        parse({"stack": "9", "log_day": 3, "function": {"memory_mb": 1}})
    assert all(name in str(told.value) for name in ("stack", "log_day", "function.memory_mb"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"function": {"snapstart": True, "provisioned_concurrency": 1}}, "not both"),
        ({"network": {"addresses": ["10.0.0.0/8"], "vpc_endpoints": ["vpce-0123456789abcdef0"]}}, "not both"),
        (
            {
                "network": {"vpc_endpoints": ["vpce-0123456789abcdef0"]},
                "domain": {"name": "a.example", "certificate": CERTIFICATE},
            },
            "private",
        ),
        ({"alarms": {"topic": TOPIC, "email": "a@b.example"}}, "a topic or an e-mail"),
        ({"groups": [{"name": "a", "rate": 1, "burst": 1}] * 2}, "the same name"),
        ({"table": {"name": "restored"}}, "kms_key"),
        ({"table": {"name": "restored", "read_maximum": 9}}, "update-table"),
        ({"table": {"name": "restored", "deletion_protection": False}}, "remove deletion_protection"),
        ({"log_level": "error"}, "log_level"),
        ({"further_kms_keys": ["arn:aws:kms:eu-west-1:111122223333:key/*"]}, "further_kms_keys"),
    ],
)
def test_options_that_exclude_each_other_are_refused(content: dict[str, Any], why: str) -> None:
    with pytest.raises(StageError, match=why):
        parse({"stack": "s", **content})
