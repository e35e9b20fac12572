from __future__ import annotations

import stat
from pathlib import Path

from tests.support.admin.kms_server import OTHER_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-5d10cc"


def test_a_snapshot_is_saved_sealed_shown_without_values_and_verified(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    other = service.namespace(f"{namespace}.other")
    service.admin().values.put(namespace, "db.password", CANARY)
    service.admin().values.put(other, "log.level", "info", form="plain")
    file = tmp_path / "fallback.json"
    service.kms.calls.clear()
    shell.ok("snapshot", "save", "-n", namespace, "-n", other, file)
    assert (service.kms.calls, CANARY in file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ([], False, 0o600)

    offline = shell.but(CONFIGSVC_URL="", CONFIGSVC_API_KEY="", CONFIGSVC_KMS_KEYS="")
    assert offline.ok("snapshot", "show", file).splitlines() == [
        f"{namespace}\t3\tdb.password\t1\tenvelope\ttext/plain",
        f"{other}\t3\tlog.level\t1\tplain\ttext/plain",
    ]
    service.requests.clear()
    assert "all 2 entries open" in shell.run("snapshot", "verify", file).err
    assert not service.requests


def test_unopenable_or_damaged_snapshot_file_is_reported(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "db.password", CANARY)
    file = tmp_path / "fallback.json"
    shell.ok("snapshot", "save", file)
    foreign = shell.but(CONFIGSVC_KMS_KEYS=OTHER_KEY).run("snapshot", "verify", file)
    assert (foreign.code, "db.password" in foreign.err) == (1, True)
    file.write_text(file.read_text().replace("text/plain", "text/plaid"))
    for verb in ("show", "verify"):
        damaged = shell.run("snapshot", verb, file)
        assert (damaged.code, "digest" in damaged.err) == (1, True)
