"""A data key leaked and was rotated away; a thief who may write the table brings it back. Nobody seals under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client.admin import Admin, Policy, Protection, from_environ, make_draft
from tests.support.admin.loopback import Loopback
from tests.support.attacks.table_thief import EDITS, Thief, leaked, thief
from tests.support.cli.shell import Shell

SECRET = "canary-after-the-leak"


class Scene(NamedTuple):
    """After the rotation: the thief, who rotated, a writer without and one with the line that rotation printed."""

    thief: Thief
    owner: Admin
    writer: Admin
    careful: Admin
    namespace: str


@pytest.fixture
def scene(service: Loopback, namespace: str) -> Iterator[Scene]:
    owner = service.admin("owner")
    owner.values.put(namespace, "db.password", "before the leak")
    (old,) = owner.data_keys.list(namespace)
    key = leaked(service.environ("reader"), namespace, old.data_key)
    who = thief(service.table, namespace, key)
    assert who.loot() == {"db.password 1": b"before the leak"}
    owner.data_keys.rotate(namespace, fresh=True)
    policy = Policy({namespace: Protection(retired_kids=owner.data_keys.get_retired(namespace))})
    with from_environ(service.environ("writer"), policy=policy) as careful:
        yield Scene(who, owner, service.admin(), careful, namespace)


def _put(admin: Admin, namespace: str, key: str) -> None:
    """Stored or refused: both are right, as long as the thief cannot open it."""
    with suppress(ConfigsvcError):
        admin.values.put(namespace, key, SECRET)
    with suppress(ConfigsvcError):
        list(admin.change_sets.store(namespace, [make_draft(f"{key}.more", SECRET)]))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_writer_with_the_policy_never_seals_under_it(scene: Scene, edit: Callable[[Thief], None]) -> None:
    known = scene.thief.loot()
    edit(scene.thief)
    _put(scene.careful, scene.namespace, "db.password")
    assert scene.thief.loot() == known


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_process_that_saw_it_retired_never_seals_under_it(scene: Scene, edit: Callable[[Thief], None]) -> None:
    known = scene.thief.loot()
    edit(scene.thief)
    _put(scene.owner, scene.namespace, "db.password")
    assert scene.thief.loot() == known


@pytest.mark.parametrize("name", [name for name in EDITS if "deleted" not in name])
def test_the_next_rotation_seals_under_a_data_key_that_did_not_leak(service: Loopback, scene: Scene, name: str) -> None:
    EDITS[name](scene.thief)
    done = service.admin("owner").data_keys.rotate(scene.namespace, fresh=True)
    assert done.kid != scene.thief.known.kid
    _put(scene.careful, scene.namespace, "db.password")
    assert scene.thief.loot() == {"db.password 1": b"before the leak"}


def test_a_forged_used_up_count_brings_back_no_older_data_key(scene: Scene) -> None:
    known = scene.thief.loot()
    EDITS["and the new one used up"](scene.thief)
    with pytest.raises(Misconfigured, match="data-key rotate"):
        scene.writer.values.put(scene.namespace, "db.password", SECRET)
    assert scene.thief.loot() == known


def test_a_time_in_the_future_brings_it_back_to_nobody_at_all(scene: Scene) -> None:
    known = scene.thief.loot()
    scene.thief.bring_back()
    scene.writer.values.put(scene.namespace, "db.password", SECRET)
    assert scene.thief.loot() == known
    assert scene.writer.values.get(scene.namespace, "db.password").data == SECRET.encode()


def test_a_writer_who_is_refused_hears_why_and_a_rotation_mends_it(scene: Scene) -> None:
    known = scene.thief.loot()
    EDITS["and the new one retired"](scene.thief)
    with pytest.raises(Misconfigured, match="Someone may have changed its table"):
        scene.careful.values.put(scene.namespace, "db.password", SECRET)
    done = scene.owner.data_keys.rotate(scene.namespace, fresh=True)
    scene.careful.values.put(scene.namespace, "db.password", SECRET)
    assert scene.careful.values.get(scene.namespace, "db.password").data == SECRET.encode()
    assert done.kid not in scene.owner.data_keys.get_retired(scene.namespace)
    assert scene.thief.loot() == known


def test_what_remains_a_new_process_without_the_policy_believes_the_table(scene: Scene) -> None:
    EDITS["above the new one"](scene.thief)
    scene.writer.values.put(scene.namespace, "db.password", SECRET)
    assert SECRET.encode() in scene.thief.loot().values()


def _trusting(scene: Scene, service: Loopback, folder: Path) -> Shell:
    """Who trusts the project file with the line that rotation printed; the thief has brought the data key back."""
    kids = ", ".join(f'"{kid}"' for kid in scene.owner.data_keys.get_retired(scene.namespace))
    (folder / ".configsvc.toml").write_text(f'[policy."test.*"]\nplain = ["log.*"]\nretired_kids = [{kids}]\n')
    shell = Shell({**service.environ("writer", scene.namespace), "HOME": str(folder)}, folder)
    _trust(shell)
    EDITS["above the new one"](scene.thief)
    return shell


def _trust(shell: Shell) -> None:
    shell.ok("trust", "--hash", shell.run("trust").err.split("--hash ")[1].split()[0])


def _changed(file: Path, namespace: str) -> None:
    file.write_text(f'{file.read_text()}[policy."{namespace}"]\nplain = ["limits.*"]\n')


def _without_the_line(file: Path, namespace: str) -> None:
    file.write_text(f'[policy."{namespace}"]\nplain = ["limits.*"]\n')


def _gone(file: Path, namespace: str) -> None:
    del namespace
    file.unlink()


@pytest.mark.parametrize("change", [_changed, _without_the_line, _gone])
def test_an_untrusted_or_missing_file_revives_no_retired_data_key(
    service: Loopback, scene: Scene, tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    shell, known = _trusting(scene, service, tmp_path), scene.thief.loot()
    change(tmp_path / ".configsvc.toml", scene.namespace)
    assert shell.run("put", "db.password", "-", "-n", scene.namespace, given=SECRET).code == 0
    assert scene.thief.loot() == known


def test_retired_kids_apply_even_in_a_file_not_trusted_yet(service: Loopback, scene: Scene, tmp_path: Path) -> None:
    shell, known = _trusting(scene, service, tmp_path), scene.thief.loot()
    stranger = shell.but(HOME=str(tmp_path / "elsewhere"))
    assert stranger.run("put", "db.password", "-", "-n", scene.namespace, given=SECRET).code == 0
    assert scene.thief.loot() == known


def test_a_table_that_is_more_exact_brings_no_retired_data_key_back(
    service: Loopback, scene: Scene, tmp_path: Path
) -> None:
    shell, known = _trusting(scene, service, tmp_path), scene.thief.loot()
    _changed(tmp_path / ".configsvc.toml", scene.namespace)
    _trust(shell)
    shell.ok("put", "db.password", "-", given=SECRET)
    assert scene.thief.loot() == known
