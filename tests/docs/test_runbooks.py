"""Each runbook of docs/OPERATIONS.md has one frame. Its blocks can be pasted, and tests run them or it says why not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from configsvc_client.cli.command_line import _commands as cli
from tests.support.runbooks.document import FRAME, OPERATIONS, Runbook, read_blocks, read_runbooks, runbooks
from tests.support.runbooks.dry_run import Call, dry_run

ROOT = Path(__file__).resolve().parents[2]
PARSER = ROOT / "tests/support/runbooks/aws_parser.py"
AWS = ROOT / ".venvs/awscli/bin/python"
RUNBOOKS = read_runbooks()
NAMED = {
    "The first five minutes", "A leaked API key", "A leaked secret", "A leaked reader's role or data key",
    "A leaked writer", "A leaked administrator", "A bad release of the service", "The stack is UPDATE_ROLLBACK_FAILED",
    "Restore from point-in-time recovery", "The KMS key was changed", "The KMS key is disabled or pending deletion",
    "The certificate or the domain fails", "All consumers restart at once", "The region is lost",
    "Move to another KMS key", "The function was invoked directly", "A revision was raised",
}  # fmt: skip
EACH = pytest.mark.parametrize("runbook", RUNBOOKS.values(), ids=RUNBOOKS.keys())
_ARN = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
_ANSWERS = {
    "/key-read": "the-log-group\tfilter API_KEY_ID", "queryString": "the-log-group\tfilter x",
    "length(results)": "Complete\t2",
    "import-table": "arn:aws:dynamodb:eu-west-1:111122223333:table/moved/import/01700000000000-a1b2c3d4",
    "KmsKeyArn": _ARN, "create-key --multi-region": _ARN, "create-api-key": "f6g7h8i9j0", "UsagePlanId": "u1",
    "TableName": "configsvc-prod-table", "FunctionName": "configsvc-prod-api", "get-key-policy": "{}",
    "infra.key_policy": "{}", "get-domain-name": "arn:aws:acm:eu-west-1:111122223333:certificate/1",
    "request-certificate": "arn:aws:acm:eu-west-1:111122223333:certificate/2", "ApiUrl": "https://api.example.com/api",
    "TableArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/configsvc-prod-table", "status": "Complete",
    "detect-stack-drift": "11111111-2222-3333-4444-555555555555", "datetime": "2026-11-21T20:00:00Z",
    "UpkeepRole": "configsvc-prod-UpkeepRole", "ApiHandlerRole": "configsvc-prod-ApiHandlerRole",
}  # fmt: skip


_RIGHTS = {
    ("put",): ("write", "kms:Decrypt"), ("rollback",): ("write",), ("destroy",): ("admin",), ("grant",): ("admin",),
    ("revoke",): ("admin",), ("namespace", "lift"): ("admin",),
    ("data-key", "rotate"): ("write", "admin", "kms:Decrypt", "kms:GenerateDataKey"),
    ("data-key", "rewrap"): ("admin", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Decrypt"),
}  # fmt: skip
"""Actions of the service and of IAM, by the command that needs them."""

_METHODS = {"create": "POST", "delete": "DELETE", "get": "GET", "update": "PATCH"}
"""IAM names what API Gateway may be asked by the method of the request."""

_OTHERWISE_NAMED = {
    "lambda:Invoke": "lambda:InvokeFunction", "s3api:ListObjectsV2": "s3:ListBucket",
    "acm:WaitCertificateValidated": "acm:DescribeCertificate", "dynamodb:WaitTableExists": "dynamodb:DescribeTable",
    "cloudformation:WaitStackRollbackComplete": "cloudformation:DescribeStacks",
}  # fmt: skip
"""IAM actions by service and command, where the AWS CLI has another name for them."""

_ALSO_NEEDED = {
    "dynamodb:ImportTable": {
        "s3:ListBucket", "s3:GetObject", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups",
        "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:PutRetentionPolicy",
    },
    "dynamodb:ExportTableToPointInTime": {"s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"},
    "cloudformation:DetectStackDrift": {"cloudformation:DetectStackResourceDrift"},
}  # fmt: skip
"""Rights of the caller that AWS uses besides (the developer guides, "IAM permissions" of each)."""


_CALLS: dict[str, tuple[list[Call], Path]] = {}


@pytest.fixture
def folder(runbook: Runbook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the blocks of the runbook ran, once for all tests of it, and left their files."""
    if runbook.title not in _CALLS:
        made = tmp_path_factory.mktemp("runbook")
        shutil.copytree(ROOT / "scripts", made / "scripts")
        shutil.copytree(ROOT / "infra/stages", made / "infra/stages")
        shutil.copy(ROOT / "infra/account.yaml", made / "infra")
        _CALLS[runbook.title] = (dry_run(runbook.blocks, made, _ANSWERS), made)
    return _CALLS[runbook.title][1]


@pytest.fixture
def calls(runbook: Runbook, folder: Path) -> list[Call]:
    """The calls of the blocks of the runbook, one after the other in one shell."""
    assert folder.exists()
    return _CALLS[runbook.title][0]


def test_every_runbook_is_found() -> None:
    assert RUNBOOKS.keys() >= NAMED


@EACH
def test_every_runbook_has_the_whole_frame_in_order(runbook: Runbook) -> None:
    at = [runbook.text.find(f"\n**{part}**") for part in FRAME]
    assert -1 not in at
    assert at == sorted(at)


@EACH
def test_steps_are_numbered_from_one(runbook: Runbook) -> None:
    numbers = [int(each) for each in re.findall(r"^(\d+)\. ", runbook.text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


@EACH
def test_no_command_has_a_placeholder_to_fill_in(runbook: Runbook) -> None:
    for each in runbook.blocks:
        assert not re.search(r"<[a-z][a-z -]*>|…|\bNAMESPACE\b(?<!\$NAMESPACE)(?=[ \"']*$)", each.script), each.script


@EACH
def test_the_text_names_what_no_test_runs(runbook: Runbook) -> None:
    text = runbook.paragraph("Rehearsed").lower()
    if any(each.not_rehearsed for each in runbook.blocks):
        assert re.search(r"\ball but\b|\bnever\b|\bnothing\b|\bnot rehearsed\b", text)
    if runbook.rehearsed:
        assert re.search(r"tests/deployed/test_runbooks(_of_data)?\.py", text)


@EACH
def test_the_blocks_run_in_one_shell_without_unset_variables(calls: list[Call]) -> None:
    assert calls


@EACH
@pytest.mark.skipif(not AWS.exists(), reason="`make setup` creates .venvs/awscli")
def test_the_aws_cli_accepts_every_command(calls: list[Call], folder: Path) -> None:
    commands = [list(each.words[1:]) for each in calls if each.words[0] == "aws"]
    assert dict(zip(map(" ".join, commands), check_with_the_aws_cli(commands, folder), strict=True)) == {
        " ".join(each): "" for each in commands
    }


@EACH
def test_configsvc_and_make_accept_every_command(calls: list[Call]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for each in calls:
        if each.words[0] == "configsvc":
            parse_configsvc(each.words[1:])
        elif each.words[0] == "make":
            assert each.words[1] in targets
            assert all(re.fullmatch(r"(STAGE|STACK|TO|CANARY|PLAN|DATA)=\S+", word) for word in each.words[2:])


@EACH
def test_the_rights_that_its_commands_need_are_named(runbook: Runbook, calls: list[Call]) -> None:
    needed = {
        right
        for each in calls
        for command, rights in _RIGHTS.items()
        if each.words[: len(command) + 1] == ("configsvc", *command)
        for right in rights
    }
    assert needed <= set(re.findall(r"`([\w:-]+)`", runbook.paragraph("You need")))


@EACH
def test_the_iam_actions_of_every_aws_command_are_named(runbook: Runbook, calls: list[Call]) -> None:
    called = {find_iam_action(each.words) for each in calls if each.words[0] == "aws" and each.words[2] != "deploy"}
    needed = called.union(*(_ALSO_NEEDED.get(each, set()) for each in called))
    assert needed <= set(runbook.rights)


@EACH
def test_a_runbook_that_asks_the_logs_names_the_rights_for_it(runbook: Runbook) -> None:
    asks = re.search(r"saved[_ ]quer", runbook.text)
    needed = {"logs:DescribeQueryDefinitions", "logs:StartQuery", "logs:GetQueryResults"}
    assert not asks or needed <= set(runbook.rights)


def find_iam_action(words: tuple[str, ...]) -> str:
    """The IAM action of a command of the AWS CLI."""
    _, service, *command = words[:4] if words[2] == "wait" else words[:3]
    if service == "apigateway":
        return f"apigateway:{_METHODS[command[0].partition('-')[0]]}"
    named = f"{service}:{''.join(part.capitalize() for word in command for part in word.split('-'))}"
    return _OTHERWISE_NAMED.get(named, named)


@EACH
def test_whoever_looks_for_a_right_also_looks_at_groups(calls: list[Call]) -> None:
    for each in calls:
        if "get-account-authorization-details" in each.words:
            query = each.words[each.words.index("--query") + 1]
            assert {"Role", "User", "Group", "LocalManagedPolicy"} <= set(each.words)
            assert set(re.findall(r"to_string\((\w+)\)", query)) == {
                "RolePolicyList", "UserPolicyList", "GroupPolicyList", "PolicyVersionList",
            }  # fmt: skip


@EACH
def test_no_pager_swallows_the_next_lines(runbook: Runbook) -> None:
    scripts = [each.script for each in runbook.blocks]
    off = next(
        (at for at, each in enumerate(scripts) if re.search(r"on-call\.sh|^export AWS_PAGER=$", each, re.MULTILINE)),
        None,
    )
    first = next((at for at, each in enumerate(scripts) if re.search(r"^ *aws ", each, re.MULTILINE)), None)
    assert first is None or (off is not None and off <= first)


@EACH
def test_a_rollback_is_shown_before_it_is_made(runbook: Runbook, calls: list[Call]) -> None:
    made = [each.words for each in calls if each.words[:2] == ("configsvc", "rollback")]
    assert [("--dry-run" in each, "--yes" in each) for each in made] in ([], [(True, False), (False, True)])
    for each in runbook.blocks:
        assert not re.search(r"^(GOOD|SKIP)=[\s\S]*--yes", each.script, re.MULTILINE), "the value is the reader's"


@EACH
def test_a_runbook_revokes_then_rotates_then_changes(runbook: Runbook, calls: list[Call]) -> None:
    words = [each.words for each in calls if each.words[0] == "configsvc"]
    first = {
        verb: next((at for at, each in enumerate(words) if verb in each), None) for verb in ("revoke", "rotate", "put")
    }
    at = [each for each in first.values() if each is not None]
    assert at == sorted(at)
    if runbook.title.startswith("A leaked"):
        assert first["put"] is not None


def check_with_the_aws_cli(commands: list[list[str]], folder: Path) -> list[str]:
    """The faults that the AWS CLI finds with each command."""
    done = subprocess.run(
        [AWS, "-P", PARSER], cwd=folder, input=json.dumps(commands), capture_output=True, text=True, timeout=60,
        check=True, env={"HOME": str(folder), "LANG": "C.UTF-8"},
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found


def parse_configsvc(words: tuple[str, ...]) -> None:
    """Parse the words with the command line's own parser.

    Raises:
        click.UsageError: it refuses them.
    """
    command: click.Command = cli
    context = click.Context(cli)
    rest = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest[0])
        assert found, words
        command, rest = found, rest[1:]
    command.make_context("configsvc", rest, resilient_parsing=False)


@EACH
def test_openssl_has_only_options_that_macos_has_too(calls: list[Call]) -> None:
    options = {word for each in calls if each.words[0] == "openssl" for word in each.words if word.startswith("-")}
    assert options <= {"-connect", "-servername", "-noout", "-text"}  # LibreSSL's `openssl x509` lacks `-ext`


def test_a_shell_that_is_set_up_finds_the_command_line() -> None:
    section = OPERATIONS.read_text().partition("\n## Set up your shell\n")[2].partition("\n## ")[0]
    (setting, *_) = [line for block in read_blocks(section) for line in block.script.splitlines()]
    done = subprocess.run(
        ["bash", "-euc", f"{setting}; command -v configsvc; printenv AWS_REGION"],  # noqa: S607  # the operator's shell
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(ROOT / ".venv/bin/configsvc"), "eu-west-1"]


def test_what_the_aws_cli_refuses_is_found(tmp_path: Path) -> None:
    if not AWS.exists():
        pytest.skip("`make setup` creates .venvs/awscli")
    wrong = [
        ["kms", "enable-keys", "--key-id", "x"], ["kms", "enable-key"], ["kms", "create-key", "--key-spec", "NONE"],
        ["kms", "enable-key", "--key", "x", "--yes"], ["kms", "enable-key", "--key-id", "x"],
    ]  # fmt: skip
    assert [bool(each) for each in check_with_the_aws_cli(wrong, tmp_path)] == [True, True, True, True, False]


def test_what_a_runbook_leaves_out_is_found(tmp_path: Path) -> None:
    text = '## A\n\n**You see** it.\n\n1. Do.\n\n   ```sh\n   echo "$MISSING"\n   ```\n\n**Rehearsed** never.\n'
    (runbook,) = runbooks(text).values()
    assert [each.step for each in runbook.blocks] == [1]
    with pytest.raises(AssertionError, match="MISSING"):
        dry_run(runbook.blocks, tmp_path, {})
