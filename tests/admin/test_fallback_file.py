from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from configsvc.model import names
from configsvc.model.errors import CannotOpen, InvalidRequest, Misconfigured, NotFound
from configsvc.model.snapshot import ContentType
from configsvc_client._opening import fallback_file
from configsvc_client._opening.fallback_file import BadFallback
from tests.support.admin.kms_server import OTHER_KEY
from tests.support.admin.loopback import Loopback

CANARY = "canary-5f1c90"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fallback.json"


@pytest.fixture
def other(service: Loopback, namespace: str) -> str:
    """A second namespace; both serve values of every form."""
    made = service.namespace(f"{namespace}.shared")
    admin = service.admin()
    for each in (namespace, made):
        admin.values.put(each, "text", CANARY)
        admin.values.put(each, "json", {"a": [1]})
        admin.values.put(each, "bytes", b"\x00\xff")
        admin.values.put(each, "by.kms", CANARY, form="kms")
        admin.values.put(each, "plain", "public", form="plain")
    service.kms.calls.clear()
    return made


def test_a_saved_file_is_sealed_complete_and_private(service: Loopback, namespace: str, other: str, path: Path) -> None:
    admin = service.admin("reader")
    saved = admin.fallback_file.save(path, namespace, other)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CANARY not in path.read_text()
    assert service.kms.calls == []
    found = fallback_file.decode(path.read_bytes())
    assert found.snapshots == (admin.values.get_snapshot(namespace), admin.values.get_snapshot(other))
    assert (saved.url, saved.saved_at, saved.revisions, saved.entries) == (
        service.url, found.saved_at, found.revisions, 10,
    )  # fmt: skip
    assert list(path.parent.iterdir()) == [path]


def test_verifying_opens_everything_and_shows_nothing(
    service: Loopback, namespace: str, other: str, path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    admin = service.admin("reader")
    admin.fallback_file.save(path, namespace, other)
    service.requests.clear()
    verified = admin.fallback_file.verify(path)
    assert verified.entries == 10
    assert (service.requests, service.kms.count("Decrypt")) == ([], 4)  # a data key and a kms value for each
    assert CANARY not in repr(verified)
    assert capfd.readouterr() == ("", "")


def test_an_old_file_is_replaced_completely_or_kept_on_failure(
    service: Loopback, namespace: str, other: str, path: Path
) -> None:
    path.write_text("before")
    path.chmod(0o644)
    admin = service.admin("reader")
    with pytest.raises(NotFound):
        admin.fallback_file.save(path, namespace, "no.such")
    assert path.read_text() == "before"
    admin.fallback_file.save(path, other)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert admin.fallback_file.verify(path).revisions == {
        names.parse_namespace(other): admin.values.get_snapshot(other).revision
    }


@pytest.mark.usefixtures("other")
def test_a_symbolic_link_is_replaced_and_not_followed(service: Loopback, namespace: str, path: Path) -> None:
    target = path.parent / "target"
    target.write_text("untouched")
    path.symlink_to(target)
    service.admin("reader").fallback_file.save(path, namespace)
    assert (target.read_text(), path.is_symlink()) == ("untouched", False)


def test_a_folder_that_does_not_take_it_is_named(service: Loopback, namespace: str, path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        service.admin("reader").fallback_file.save(path / "below" / "file", namespace)
    path.mkdir()
    with pytest.raises(Misconfigured, match="is not a file"):
        service.admin("reader").fallback_file.save(path, namespace)
    assert list(path.parent.iterdir()) == [path]


def test_no_namespace_or_one_twice_is_refused(service: Loopback, namespace: str, path: Path) -> None:
    for namespaces in ((), (namespace, namespace)):
        with pytest.raises(InvalidRequest):
            service.admin("reader").fallback_file.save(path, *namespaces)
    assert not path.exists()


@pytest.mark.usefixtures("other")
def test_values_that_do_not_open_are_all_named_with_why(service: Loopback, namespace: str, path: Path) -> None:
    service.admin("reader").fallback_file.save(path, namespace)
    elsewhere = service.from_environ({**service.environ("reader"), "CONFIGSVC_KMS_KEYS": OTHER_KEY})
    with pytest.raises(CannotOpen, match=r"4 values in .* do not open") as caught:
        elsewhere.fallback_file.verify(path)
    for key in ("text", "json", "bytes", "by.kms"):
        assert f"{namespace} {key}: " in str(caught.value.members["problems"])
    assert CANARY not in str(caught.value.members)


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_a_value_that_is_not_what_it_says_is_named(
    service: Loopback, namespace: str, path: Path, kind: ContentType
) -> None:
    service.admin("reader").fallback_file.save(path, namespace)
    fallback = fallback_file.decode(path.read_bytes())
    (snapshot,) = fallback.snapshots
    entries = tuple(each._replace(content_type=kind) if each.form == "plain" else each for each in snapshot.entries)
    path.write_bytes(fallback_file.encode(fallback._replace(snapshots=(snapshot._replace(entries=entries),))))
    with pytest.raises(CannotOpen) as caught:
        service.admin("reader").fallback_file.verify(path)
    assert f"plain is not valid {kind}" in str(caught.value.members["problems"])


@pytest.mark.usefixtures("other")
def test_a_damaged_file_and_one_from_elsewhere_are_refused(service: Loopback, namespace: str, path: Path) -> None:
    admin = service.admin("reader")
    admin.fallback_file.save(path, namespace)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(BadFallback):
        admin.fallback_file.verify(path)
    path.write_bytes(fallback_file.encode(fallback_file.decode(whole)._replace(url="https://api.example/prod")))
    with pytest.raises(BadFallback, match="CONFIGSVC_URL"):
        admin.fallback_file.verify(path)
    members = json.loads(whole)
    members["fallback"]["snapshots"][0]["entries"][0]["value"] += "A"
    path.write_text(json.dumps(members))
    with pytest.raises(BadFallback, match="digest"):
        admin.fallback_file.verify(path)
