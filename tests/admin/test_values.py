"""Values through the real service on loopback: what is put is what readers get, and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from configsvc.model import limits
from configsvc.model.errors import (
    CannotOpen,
    Forbidden,
    Misconfigured,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
    VersionClaimed,
)
from configsvc_client.admin import Draft, make_draft
from configsvc_client.admin.sealing.drafts import DraftJson
from tests.support.admin.kms_server import FOREIGN_KEY, Call
from tests.support.admin.loopback import Loopback, lost

CANARY = "canary-0b7e4d"


@pytest.mark.parametrize("value", ["text", "", "žluťoučký 🐎", "a\nb\n", b"\x00\xff", {"a": [1, "é"]}, 2.5, None])
@pytest.mark.parametrize("form", ["envelope", "kms"])
def test_a_sealed_value_round_trips_unseen_by_the_service(
    service: Loopback, namespace: str, value: DraftJson | bytes, form: str
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "key.one", value, form=form)  # type: ignore[arg-type]  # forms by name
    found = service.admin().values.get(namespace, "key.one")
    assert (found.data, found.version, found.form) == (make_draft("key.one", value).data, 1, form)


def test_a_plain_value_needs_neither_kms_nor_credentials_to_be_read(service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "log.level", "info", form="plain")
    environ = {name: text for name, text in service.environ("reader").items() if name.startswith("CONFIGSVC_")}
    del environ["CONFIGSVC_KMS_KEYS"]
    admin = service.from_environ({**environ, "AWS_REGION": "us-east-1"})
    assert admin.values.get(namespace, "log.level").data == b"info"
    assert not service.kms.calls


def test_a_reader_s_config_has_what_an_admin_put(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "db.password", CANARY)
    admin.values.put(namespace, "pool", {"size": 5})
    admin.values.put(namespace, "by.kms", "k", form="kms")
    reads = "import configsvc_client as c; v = c.Config(); print(repr((v['db.password'], v['pool'], v['by.kms'])))"
    done = subprocess.run(
        [sys.executable, "-c", reads],
        env=service.environ("reader", namespace), check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == repr((CANARY, {"size": 5}, "k"))


def test_the_service_logs_no_value(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    for form in ("envelope", "kms", "plain"):
        admin.values.put(namespace, f"key.{form}", CANARY, form=form)
    assert namespace in service.log.getvalue()
    assert CANARY not in service.log.getvalue()


def test_several_puts_take_one_kms_call_and_three_requests_for_the_first(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "one", "1")
    assert len(service.requests) == 3  # the key's next version, the keyring, the put
    admin.values.put(namespace, "two", "2")
    assert len(service.requests) == 5
    assert service.kms.calls == [Call("Decrypt", {"configsvc:namespace": namespace})]


def test_a_put_whose_answer_is_lost_is_done_once(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "one", "1")
    service.failing.append(lost)
    service.requests.clear()
    stored = admin.values.put(namespace, "one", "2")
    assert [each for each in service.requests if each.startswith("PUT")] == [
        f"PUT /v1/namespaces/{namespace}/keys/one"
    ] * 2
    assert (stored.version, stored.revision) == (2, service.admin().values.get_snapshot(namespace).revision)


def test_if_match_and_create_only_hold(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    first = admin.values.put_draft(namespace, make_draft("one", "1")._replace(create_only=True))
    with pytest.raises(PreconditionFailed):
        admin.values.put_draft(namespace, make_draft("one", "2")._replace(create_only=True))
    admin.values.put(namespace, "one", "2", if_match=first.revision)
    with pytest.raises((PreconditionFailed, VersionClaimed)):
        admin.values.put(namespace, "one", "3", if_match=first.revision)
    assert admin.values.get(namespace, "one").data == b"2"


def test_a_staged_value_is_stored_and_not_served(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    stored = admin.values.put_draft(namespace, make_draft("one", "1")._replace(activate=False))
    assert (stored.version, stored.active) == (1, None)
    with pytest.raises(NotFound):
        admin.values.get(namespace, "one")


def test_a_data_key_under_a_foreign_kms_key_is_never_used(service: Loopback) -> None:
    namespace = service.namespace("foreign.one")
    service.admin("admin").data_keys.add(namespace, FOREIGN_KEY)
    with pytest.raises(CannotOpen, match="CONFIGSVC_KMS_KEYS"):
        service.admin().values.put(namespace, "one", CANARY)
    careless = service.from_environ({**service.environ("writer"), "CONFIGSVC_KMS_KEYS": "*"})
    careless.values.put(namespace, "one", CANARY)
    with pytest.raises(CannotOpen, match="CONFIGSVC_KMS_KEYS"):
        service.admin().values.get(namespace, "one")
    with pytest.raises(CannotOpen):
        service.admin().values.get_all(namespace)


@pytest.mark.parametrize("form", ["envelope", "kms"])
def test_sealing_without_a_pin_is_refused_before_kms_is_asked(service: Loopback, namespace: str, form: str) -> None:
    unpinned = service.from_environ({**service.environ("writer"), "CONFIGSVC_KMS_KEYS": ""})
    with pytest.raises(Misconfigured, match="CONFIGSVC_KMS_KEYS"):
        unpinned.values.put(namespace, "one", CANARY, form=form)  # type: ignore[arg-type]  # forms by name
    assert not service.kms.calls


def test_a_namespace_without_a_data_key_says_how_to_add_one(service: Loopback) -> None:
    service.admin("admin").namespaces.create("keyless.one")
    with pytest.raises(Misconfigured, match="configsvc data-key add -n keyless"):
        service.admin().values.put("keyless.one", "one", CANARY)


def test_an_entry_opens_as_itself_only(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "one", "1")
    admin.values.put(namespace, "two", "2")
    snapshot = admin.values.get_snapshot(namespace)
    one, two = snapshot.entries
    moved = [one._replace(value=two.value), one._replace(version=2), one._replace(content_type="application/json")]
    for opened in (admin.values.open_entries(snapshot, [each])[one.key] for each in moved):
        assert isinstance(opened, CannotOpen)


def test_too_large_a_value_is_refused_by_name(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    with pytest.raises(TooLarge):
        admin.values.put(namespace, "one", "x" * limits.STORED_VALUE)
    with pytest.raises(TooLarge, match="4096"):
        admin.values.put(namespace, "one", "x" * (limits.KMS_PLAINTEXT + 1), form="kms")


def test_replacing_a_sealed_value_with_plain_needs_declassify_and_a_right(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "one", CANARY)
    plain = Draft(make_draft("one", "x").key, b"public", form="plain")
    with pytest.raises(Unprocessable, match="declassify"):
        admin.values.put_draft(namespace, plain)
    with pytest.raises(Forbidden, match="admin"):
        admin.values.put_draft(namespace, plain._replace(declassify=True))


def test_no_repr_and_no_error_shows_a_value_or_a_secret(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "one", CANARY)
    shown = [
        repr(admin.values.get(namespace, "one")),
        repr(admin.values.get_entry(namespace, "one")),
        repr(admin),
        repr(vars(admin)),
    ]
    service.kms.refused.add("Decrypt")
    try:
        with pytest.raises(CannotOpen) as caught:
            service.admin().values.get(namespace, "one")
    finally:
        service.kms.refused.clear()
    shown.append(json.dumps([str(caught.value), caught.value.members], default=str))
    for text in shown:
        assert CANARY not in text
        assert "secret-of-writer" not in text
