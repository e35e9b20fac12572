"""Each runbook for a leak, played from the document while the thief goes on using what was stolen.

By the end the thief has lost: what was stolen does nothing any more, and the changed secret was never in their hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from configsvc.model.errors import ConfigsvcError
from configsvc_client.admin import Admin, Grant
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback, arn, loopback
from tests.support.attacks.runbooks import Aws, Command, Player, commands
from tests.support.attacks.table_thief import Thief, leaked, thief
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

NAMESPACE = "payments.prod"
OLD, NEW, FORGED = b"canary-old", b"canary-new", b"canary-forged"
KEY = "db.password"


class Stolen:
    """One person's API key and IAM credentials in the hands of a thief, who also copies the whole table.

    `seen` is all that the thief ever opened; data keys that were unwrapped once are kept.
    """

    def __init__(self, service: Loopback, who: str, *, signs: bool = True, opens: bool = True) -> None:
        self._service = service
        self._environ = service.environ(who)
        if not signs:
            self._environ |= {"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "x"}
            service.kms.policies["AKIANOBODY"] = []
        self._opens = opens
        self._held = service.from_environ(self._environ)
        self.data_keys: dict[str, Thief] = {}
        self.seen: set[bytes] = set()
        self.wrote = False

    def use(self) -> bool:
        """Everything that may be tried; whether anything of it worked just now."""
        self.wrote = False
        found: set[bytes] = set()
        for admin in (self._held, self._service.from_environ(self._environ)):
            found |= self._read(admin)
            self._write(admin)
        loot = {value for each in self.data_keys.values() for value in each.loot().values()}
        self.seen |= found | loot
        return bool(found) or self.wrote

    def _read(self, admin: Admin) -> set[bytes]:
        found: set[bytes] = set()
        with suppress(ConfigsvcError):
            snapshot = admin.values.get_snapshot(NAMESPACE)
            found = {each.value.encode() for each in snapshot.entries if each.form == "plain"}
            if self._opens:
                opened = admin.values.open_entries(snapshot, snapshot.entries).values()
                found |= {each.data for each in opened if not isinstance(each, ConfigsvcError)}
        with suppress(ConfigsvcError):
            for each in admin.data_keys.list(NAMESPACE) if self._opens else ():
                with suppress(ConfigsvcError):
                    key = leaked(self._environ, NAMESPACE, each.data_key)
                    self.data_keys[each.kid] = thief(self._service.table, NAMESPACE, key)
        return found

    def _write(self, admin: Admin) -> None:
        for attempt in (
            lambda: admin.values.put(NAMESPACE, KEY, FORGED.decode()),
            lambda: admin.grants.set("api-key:idreader", [Grant(("read", "write"), ("*",))]),
            lambda: admin.grants.set(arn("writer"), [Grant(("read", "write", "admin"), ("*",))]),
        ):
            with suppress(ConfigsvcError):
                attempt()
                self.wrote = True


@pytest.fixture
def service() -> Iterator[Loopback]:
    """A service of each test's own: people lose their keys in it."""
    with loopback() as running:
        admin = running.admin("admin")
        running.namespace(NAMESPACE)
        for principal in ("api-key:idreader", "api-key:idwriter"):
            admin.grants.set(principal, [Grant(("read",), ("payments.*",))])
        writer = running.admin()
        writer.values.put(NAMESPACE, KEY, OLD.decode())
        writer.values.put(NAMESPACE, "partner.token", "canary-plain", form="plain")
        yield running


def _player(service: Loopback, folder: Path, who: str) -> Player:
    """The operator, who is the owner; the names in the document stand for the one whose keys were stolen."""
    (folder / "new-password").write_bytes(NEW)
    access_key = f"AKIA{who.upper()}"
    revision = str(service.admin("owner").namespaces.get(NAMESPACE)["revision"])
    named = {
        "api-key:a1b2c3d4e5": f"api-key:id{who}", "a1b2c3d4e5": f"id{who}", "payments-api": who, "jane": who,
        "arn:aws:iam::111122223333:user/jane": arn(who), "AKIAIOSFODNN7EXAMPLE": access_key,
        "api-key:f6g7h8i9j0": "api-key:idreader", "41": revision,
    }  # fmt: skip
    shell = Shell({**service.environ("owner"), "CONFIGSVC_TRUST": "project"}, folder)
    return Player(shell, Aws(service, {who: access_key}), named, folder, NAMESPACE)


def _served(service: Loopback, key: str = KEY) -> bytes:
    return bytes(service.admin("owner").values.get(NAMESPACE, key).data)


def _in_the_old_order(played: list[Command]) -> list[Command]:
    """Change first, then rotate: as the runbook once was."""
    return sorted(played, key=lambda each: "rotate" in each.words)


def test_a_leaked_api_key(service: Loopback, tmp_path: Path) -> None:
    player, stolen = _player(service, tmp_path, "reader"), Stolen(service, "reader", signs=False)
    player.play(commands("A leaked API key"), stolen.use)
    assert stolen.seen == {b"canary-plain"}
    assert not stolen.use()
    assert _served(service, "partner.token") == NEW


def test_a_leaked_secret(service: Loopback, tmp_path: Path) -> None:
    player, stolen = _player(service, tmp_path, "reader"), Stolen(service, "reader", signs=False)
    player.play(commands("A leaked secret"), stolen.use)
    assert _served(service) == NEW
    assert next(each for each in service.admin().history.list_versions(NAMESPACE, KEY) if each.version == 1).destroyed
    assert NEW not in stolen.seen


def test_a_leaked_reader_s_role(service: Loopback, tmp_path: Path) -> None:
    player, stolen = _player(service, tmp_path, "reader"), Stolen(service, "reader")
    player.play(commands("A leaked reader's role or data key"), stolen.use)
    assert OLD in stolen.seen
    assert not stolen.use()
    assert NEW not in stolen.seen
    assert _served(service) == NEW


def test_a_leaked_data_key_that_table_edits_bring_back_at_every_step(service: Loopback, tmp_path: Path) -> None:
    player = _player(service, tmp_path, "reader")
    (old,) = service.admin("owner").data_keys.list(NAMESPACE)
    who = thief(service.table, NAMESPACE, leaked(service.environ("reader"), NAMESPACE, old.data_key))
    seen: set[bytes] = set()

    def edit() -> None:
        if (tmp_path / ".configsvc.toml").exists():  # before that, it is still live
            who.bring_back(added=10**9)
        seen.update(who.loot().values())

    # Without `doctor`, which fails here: it reports the edits.
    played = [
        each for each in commands("A leaked reader's role or data key") if each.step > 1 and "doctor" not in each.words
    ]
    player.play(played, edit)
    assert (NEW in seen, OLD in seen) == (False, True)
    assert _served(service) == NEW


def test_in_the_old_order_the_thief_reads_the_changed_secret(service: Loopback, tmp_path: Path) -> None:
    player, stolen = _player(service, tmp_path, "reader"), Stolen(service, "reader")
    player.play(_in_the_old_order(commands("A leaked reader's role or data key")), stolen.use)
    assert NEW in stolen.seen


def test_a_leaked_writer(service: Loopback, tmp_path: Path) -> None:
    player, stolen = _player(service, tmp_path, "writer"), Stolen(service, "writer")
    player.play(commands("A leaked writer"), stolen.use)
    assert FORGED in stolen.seen
    assert not stolen.use()
    assert NEW not in stolen.seen
    assert _served(service) == NEW


def test_a_leaked_administrator(service: Loopback, tmp_path: Path) -> None:
    service.admin("admin").grants.set(arn("writer"), [Grant(("read", "write", "admin"), ("*",))])
    player, stolen = _player(service, tmp_path, "writer"), Stolen(service, "writer")
    service.from_environ(service.environ("writer")).data_keys.add(NAMESPACE, KMS_KEY)
    accomplice = Stolen(service, "reader", signs=False)

    def both() -> None:
        stolen.use()
        accomplice.use()

    player.play(commands("A leaked administrator"), both)
    assert not stolen.use()
    assert not accomplice.use()
    assert NEW not in stolen.seen | accomplice.seen
    assert _served(service) == NEW
    assert service.admin("owner").grants.get("api-key:idreader") == ()


@pytest.mark.parametrize("title", ["A leaked reader's role or data key", "A leaked writer", "A leaked administrator"])
def test_every_runbook_revokes_then_rotates_then_changes(title: str) -> None:
    words = [each.words for each in commands(title)]
    first = {name: min(at for at, each in enumerate(words) if name in each) for name in ("revoke", "rotate", "put")}
    assert first["revoke"] < first["rotate"] < first["put"]
    assert all("--fresh" in each for each in words if "rotate" in each)
