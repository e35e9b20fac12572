from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from configsvc.model import limits
from configsvc_client.cli.formats import FileRow, read
from configsvc_client.cli.values.results import warn_unexpanded
from local.story.example import EXAMPLE, import_arguments
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-52c8de"


def _file(folder: Path, text: str) -> Path:
    path = folder / "some.env"
    path.write_text(text)
    return path


def test_the_example_is_imported_in_one_change_set_with_one_kms_call(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    shell.ok("import", *import_arguments(tmp_path), "-m", "first import")
    assert [each.operation for each in service.kms.calls] == ["Decrypt"]
    assert sum(each.startswith("POST") for each in service.requests) == 1
    values = service.admin().values.get_all(namespace)
    assert len(values) >= 30
    assert values["fraud.bin-table"].data == (tmp_path / "bin-table.jsonl").read_bytes()
    assert len(values["fraud.bin-table"].data) == 100 * 1024
    assert values["service.maintenance_message"].data == b""
    assert values["receipts.signing_key"].data.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    plain = {key for key, each in values.items() if each.form == "plain"}
    assert {key.split(".")[0] for key in plain} == {"service", "log", "feature", "limits"}
    assert values["bank.accounts.json"].content_type == "application/json"


def test_a_second_import_stores_only_what_differs(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    path = _file(tmp_path, "a=1\nb=2\nc=3\n")
    shell.ok("import", path, "--plain", "a")
    path.write_text("a=1\nb=two\nc=3\nd=4\n")
    service.requests.clear()
    again = shell.run("import", path, "--plain", "a")
    assert "1 new, 1 changed, 2 unchanged" in again.err
    service.requests.clear()
    shell.ok("import", path, "--plain", "a")
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_300_secrets_take_one_kms_call_and_few_requests(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    shell.ok("import", _file(tmp_path, "".join(f"key.{n}=value {n}\n" for n in range(300))))
    assert service.kms.count("Decrypt") == len(service.kms.calls) == 1
    assert len(service.requests) == 12  # the snapshot, next versions, the limit, the keyring, 8 change sets


@pytest.mark.parametrize("options", [(), ("--atomic",)])
def test_import_after_restore_stores_old_and_new_keys_together(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    shell.ok("put", "old", "-", given="before")
    service.admin("admin").namespaces.lift(namespace, 1000)
    service.requests.clear()
    shell.ok("import", _file(tmp_path, "old=after\nnew=after\nother.new=after\n"), *options)
    assert sum(not each.startswith("GET") for each in service.requests) == 1
    values = service.admin().values.get_all(namespace)
    assert {(each.data, each.version) for each in values.values()} == {(b"after", 1001)}
    assert set(values) == {"old", "new", "other.new"}


def test_import_dry_run_shows_the_plan_and_stores_nothing(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    done = shell.run("import", _file(tmp_path, f"a={CANARY}\nlog.level=info\n"), "--plain", "log.*", "--dry-run")
    assert done.out.splitlines() == [
        f"a\tnew\tenvelope\ttext/plain\t{len(CANARY)}",
        "log.level\tnew\tplain\ttext/plain\t4",
    ]
    assert CANARY not in done.err
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_each_key_that_fails_is_named_and_the_rest_is_stored(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    text = f"fine=1\nbad/key={CANARY}\nlimits={{{CANARY}\nlarge={'x' * limits.STORED_VALUE}\nalso.fine=2\n"
    done = shell.run("import", _file(tmp_path, text), "--json", "limits")
    assert done.code == 2  # the code of the first failure, a wrong name
    for place in ("line 2 (bad/key): ", "line 3 (limits): ", "line 4 (large): "):
        assert place in done.err
    assert "--separator / turns / into dots." in done.err
    assert "2 new, 3 failed" in done.err
    assert CANARY not in done.err
    assert set(service.admin().values.get_all(namespace)) == {"fine", "also.fine"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'a=1\nb="{CANARY}\n', "line 2"),
        (f"a=1\na={CANARY}\n", "line 2 (a): appears twice; first on line 1"),
        (f"a=1\n{CANARY}\n", "line 2: no value"),
    ],
)
def test_a_file_with_a_broken_line_stores_nothing_and_says_which(
    shell: Shell, service: Loopback, tmp_path: Path, text: str, told: str
) -> None:
    done = shell.run("import", _file(tmp_path, text))
    assert (done.code, told in done.err, CANARY in done.err) == (2, True, False)
    assert not service.requests


def test_first_of_thousands_of_problems_are_named_and_the_rest_counted(shell: Shell, tmp_path: Path) -> None:
    done = shell.here("import", str(_file(tmp_path, f"{CANARY} here\n" * 5_000)))
    told = [line for line in done.err.splitlines() if line.startswith("  ")]
    assert (done.code, len(told), told[0][:8], told[-1]) == (2, 101, "  line 1", "  and 4,900 more")


def test_refused_keys_stay_in_error_file_until_a_run_refuses_none(
    shell: Shell, service: Loopback, tmp_path: Path
) -> None:
    path, kept = _file(tmp_path, f"fine=1\n\nlimits={{{CANARY}\n"), tmp_path / "some.env.errors.csv"
    done = shell.run("import", path, "--json", "limits")
    assert str(kept) in done.err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(csv.reader(kept.read_text().splitlines())) == [
        ["place", "key", "code", "reason"],
        ["line 3", "limits", "unprocessable", "The value is not JSON. Correct it, or store it as text."],
    ]
    shell.ok("import", _file(tmp_path, "fine=1\nlimits={}\n"), "--json", "limits")
    assert not kept.exists()
    kept.write_text("somebody's own\n")
    shell.ok("import", path)
    assert kept.exists()
    service.requests.clear()


def test_keys_the_service_refuses_go_to_the_errors_file(shell: Shell, tmp_path: Path) -> None:
    shell.ok("put", "a", "-", given=CANARY)
    kept = tmp_path / "elsewhere.csv"
    done = shell.run("import", "-", "--plain", "a", "--declassify", "--errors", kept, "-o", "json", given="a=1\nb=2\n")
    assert (done.code, CANARY in done.out + done.err + kept.read_text()) == (4, False)
    assert [(each["key"], each["code"]) for each in json.loads(done.out)["failed"]] == [("a", "forbidden")]
    assert "line 1,a,forbidden," in kept.read_text()
    assert shell.ok("get", "b") == "2"


def test_atomic_import_is_one_change_set(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> None:
    text = "".join(f"key.{number}={number}\n" for number in range(limits.OPERATIONS))
    shell.ok("import", _file(tmp_path, text), "--atomic")
    assert sum(each.startswith("POST") for each in service.requests) == 1
    shell.ok("import", _file(tmp_path, f"{text}one.more=x\n"), "--atomic")  # unchanged keys do not count
    assert len(service.admin().values.get_all(namespace)) == limits.OPERATIONS + 1


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"key.{number}={CANARY}\n" for number in range(limits.OPERATIONS + 1)),
        "".join(f"key.{number}={CANARY * 14_000}\n" for number in range(6)),
        f"fine=1\nlarge={CANARY * 20_000}\n",
        f"fine=1\nbad/key={CANARY}\n",
    ],
)
def test_oversized_atomic_import_is_refused_before_sealing(
    shell: Shell, service: Loopback, tmp_path: Path, text: str
) -> None:
    for more in ([], ["--dry-run"]):
        done = shell.run("import", _file(tmp_path, text), "--atomic", *more)
        assert (done.code in (1, 2), CANARY in done.err) == (True, False)
    assert not service.kms.calls
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_refused_atomic_import_stores_nothing(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> None:
    shell.ok("put", "a", "-", given="x")
    done = shell.run("import", _file(tmp_path, "a=1\nb=2\n"), "--plain", "a", "--declassify", "--atomic")
    assert (done.code, "Nothing was stored (--atomic)." in done.err) == (4, True)
    assert set(service.admin().values.get_all(namespace)) == {"a"}


def test_import_stores_again_what_it_cannot_open_to_compare(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = _file(tmp_path, "log.level=info\n")
    shell.ok("import", path, "--plain", "*")
    unpinned = shell.but(CONFIGSVC_KMS_KEYS="")
    assert "1 unchanged" in unpinned.run("import", path, "--plain", "*").err
    shell.ok("put", "k", "-", given="v")
    service.admin("admin").data_keys.add(namespace, "arn:aws:kms:us-east-1:666666666666:key/other")
    both = shell.but(CONFIGSVC_KMS_KEYS="arn:aws:kms:us-east-1:666666666666:key/other")
    assert "1 again" in both.run("import", _file(tmp_path, "k=v\n")).err


def test_import_reads_stdin(shell: Shell) -> None:
    shell.ok("import", "-", given="a=1\n")
    assert shell.ok("get", "a") == "1"


def test_example_file_has_30_entries_and_no_key_needs_renaming() -> None:
    found, problems = read("dotenv", EXAMPLE.read_bytes())
    assert not problems
    assert len(found) >= 30


def test_values_other_readers_expand_are_named_and_stored_unchanged(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / ".env"
    path.write_text("url=http://${HOST}/canary-77\nby.command=$(id)\nmeant='$(id)'\nplain=x\n")
    done = shell.run("import", path)
    assert done.err.splitlines()[0] == (
        "url, by.command: $NAME, ${…}, $(…) or backquotes are stored unchanged, not expanded."
    )
    assert "canary-77" not in done.err
    assert {key: each.data for key, each in service.admin().values.get_all(namespace).items()} == {
        "url": b"http://${HOST}/canary-77", "by.command": b"$(id)", "meant": b"$(id)", "plain": b"x",
    }  # fmt: skip


PLACEHOLDERS = {
    "application.yml": "db:\n  password: ${DB_PASSWORD:canary-77}\nport: 1\nprice: $5\n",
    "database.yml": "password: <%= ENV['X'] || 'canary-77' %>\nport: 1\nprice: 1 <% 2\n",
    "values.yaml": 'password: "{{ .Values.password }}canary-77"\nport: {}\n',
    "a.properties": "password=${db.password:canary-77}\nport=1\n",
    "a.json": '{"nested": {"password": ["${canary-77}"]}, "port": {"a": {"b": {}}}}',
    "secret.yaml": "apiVersion: v1\nkind: Secret\nstringData: {password: '${canary-77}', port: '1'}\n",
}


def test_template_placeholders_are_named_and_stored_unchanged_in_every_format(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    for name, text in PLACEHOLDERS.items():
        path = tmp_path / name
        path.write_text(text)
        wanted = ("-f", "k8s-secret") if name == "secret.yaml" else ("--flatten",) if name.endswith("yml") else ()
        done = shell.run("import", "--yes", *wanted, path)
        key = {"application.yml": "db.password", "a.json": "nested"}.get(name, "password")
        assert done.err.splitlines()[0] == (f"{key}: ${{…}}, <%…%> or {{{{…}}}} are stored unchanged, not expanded."), (
            name
        )
        assert "canary-77" not in done.err
        assert b"canary-77" in service.admin().values.get_all(namespace)[key].data


def test_placeholders_are_found_in_one_pass(capsys: pytest.CaptureFixture[str]) -> None:
    texts = (b"<%" * 500_000, b"${" * 500_000, b"{{" * 500_000, b"<% a <%= b %%>")
    warn_unexpanded([FileRow("", f"k{number}", text) for number, text in enumerate(texts)], "json")
    assert capsys.readouterr().err.startswith("k3: ")


def test_windows_file_is_stored_as_python_dotenv_reads_it(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "windows.env"
    path.write_bytes(b'PEM="-----BEGIN KEY-----\r\nabc\r\n-----END KEY-----"\r\nB=x\r\n')
    shell.ok("import", path)
    stored = {key: each.data.decode() for key, each in service.admin().values.get_all(namespace).items()}
    assert stored == dotenv_values(path)
    shell.ok("export", tmp_path / "again.env")
    assert dict(dotenv_values(tmp_path / "again.env")) == stored


def test_import_says_it_reads_stdin_as_dotenv(shell: Shell, tmp_path: Path) -> None:
    said = "stdin was read as dotenv, because its name implies no format. For another format, pass -f FORMAT."
    refused = shell.run("import", "-", given=f'{{"a": "{CANARY}"}}\n{CANARY}')
    assert (refused.code, said in refused.err, CANARY in refused.err) == (2, True, False)
    taken = shell.run("import", "-", "--dry-run", given="a=1\n")
    assert (taken.code, said in taken.err) == (0, True)
    assert "read as" not in shell.run("import", "-", "-f", "dotenv", "--dry-run", given="a=1\n").err
    unknown = tmp_path / "settings.txt"
    unknown.write_text("a: 1\nb: 1\n")
    assert "settings.txt was read as dotenv" in shell.run("import", unknown).err
    assert "settings.txt was read as dotenv" in shell.run("diff", unknown).err


def test_import_asks_a_person_but_not_a_script_before_replacing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "same", "1")
    admin.values.put(namespace, "other", "1")
    path = str(_file(tmp_path, f"same=1\nother={CANARY}\nnew=1\n"))
    declined = shell.on_terminal("import", path, typed={"Continue? [y/N]: ": "n"})
    assert (declined.code, f"{namespace} serves: other" in declined.out) == (1, True)
    assert all(each in declined.out for each in ("unchanged", "changed", "new"))
    assert CANARY not in declined.out
    assert set(admin.values.get_all(namespace)) == {"same", "other"}
    assert shell.on_terminal("import", path, typed={"Continue? [y/N]: ": "y"}).code == 0
    admin.values.put(namespace, "other", "2")
    assert f"{namespace}: 1 changed, 2 unchanged" in shell.run("import", path).err
    assert shell.on_terminal("import", path).code == 0  # nothing to ask about
    admin.values.put(namespace, "other", "3")
    assert shell.on_terminal("import", path, "--yes").code == 0


def test_import_new_only_stores_only_unserved_keys(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "served", "old", form="plain")
    admin.values.put(namespace, "deleted", "old")
    admin.values.delete(namespace, "deleted")
    path = _file(tmp_path, "served=1\ndeleted=1\nnew=1\n")
    planned = shell.ok("import", path, "--new-only", "--dry-run")
    assert dict(line.split("\t")[:2] for line in planned.splitlines()) == {
        "served": "kept", "deleted": "new", "new": "new",
    }  # fmt: skip
    done = shell.run("import", path, "--new-only")
    assert (done.code, f"{namespace}: 2 new, 1 kept" in done.err) == (0, True)
    assert {key: each.data for key, each in admin.values.get_all(namespace).items()} == {
        "served": b"old", "deleted": b"1", "new": b"1",
    }  # fmt: skip
    assert f"{namespace}: 3 kept" in shell.run("import", path, "--new-only", "--atomic").err


def test_import_names_keys_whose_content_type_changes(shell: Shell, tmp_path: Path) -> None:
    path = _file(tmp_path, 'limits={"a": 1}\nword=x\n')
    shell.ok("import", path, "--json", "limits")
    for more in (["--dry-run"], []):
        done = shell.run("import", path, *more)
        assert "limits: the content type changes from application/json to text/plain" in done.err
        assert "1 changed, 1 unchanged" in done.err
    assert "content type" not in shell.run("import", path).err


def test_import_names_ignored_csv_columns(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(f"Owner;Key;Value;Note\nme;a;{CANARY};x\n;;;\n")
    done = shell.run("import", path)
    assert (done.code, "Ignored columns: Owner, Note" in done.err, CANARY in done.err) == (0, True, False)
    path.write_text("key,value,content_type\na,1,\n")
    assert "Columns" not in shell.run("import", path).err
    assert shell.ok("get", "a") == "1"
