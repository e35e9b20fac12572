from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from configsvc.model import limits, names
from configsvc.model.envelope import Header, split
from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc.model.snapshot import DataKey
from configsvc_client._opening.cipher import Cipher
from configsvc_client.admin import make_draft
from configsvc_client.admin.sealing.keyrings import Sealer, StoredDataKey, choose_newest_live
from configsvc_client.admin.sealing.sealer import seal_draft
from tests.support.client.fakes import KMS_KEY

NAMESPACE = names.parse_namespace("payments.prod")


def _listed(state: str = "live", seals: int = 0, revision: int = 1) -> StoredDataKey:
    data_key = DataKey(Cipher(os.urandom(32)).kid, KMS_KEY, "AAAA")
    return StoredDataKey(data_key, state, seals, 0, revision, "2027-01-01T00:00:00.000Z")


def test_values_are_sealed_under_the_live_data_key_of_highest_revision() -> None:
    retired, newest, older = _listed("retired", revision=9), _listed(revision=8), _listed(revision=7)
    for listed in ([retired, newest, older], [older, newest, retired]):
        assert choose_newest_live(NAMESPACE, listed) == newest.data_key


def test_a_retired_kid_seals_nothing_whatever_the_service_says() -> None:
    back, other = _listed(revision=10**9), _listed(revision=2)
    assert choose_newest_live(NAMESPACE, [back, other], {back.kid}) == other.data_key
    with pytest.raises(Misconfigured, match="--fresh") as refused:
        choose_newest_live(NAMESPACE, [back], {back.kid})
    assert refused.value.members["kids"] == [back.kid]


_ADDED = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
_DAYS = 86400


@pytest.mark.parametrize(
    ("state", "days", "seals", "reasons"),
    [
        ("live", 90, 0, ()),
        ("live", 91, 0, ("age",)),
        ("live", 0, limits.SEALS_NEAR - 1, ()),
        ("live", 0, limits.SEALS_NEAR, ("seals",)),
        ("live", 91, limits.SEALS_PER_DATA_KEY, ("age", "seals")),
        ("retired", 91, limits.SEALS_PER_DATA_KEY, ()),
    ],
)
def test_a_live_data_key_is_due_by_age_or_seals(state: str, days: int, seals: int, reasons: tuple[str, ...]) -> None:
    assert _listed(state, seals).find_reasons(_ADDED + days * _DAYS) == reasons


def test_a_used_up_data_key_is_not_replaced_by_an_older_one() -> None:
    spent = _listed(seals=limits.SEALS_PER_DATA_KEY, revision=2)
    older = _listed(seals=limits.SEALS_PER_DATA_KEY - 1)
    assert choose_newest_live(NAMESPACE, [older]) == older.data_key
    with pytest.raises(Misconfigured, match="data-key rotate"):
        choose_newest_live(NAMESPACE, [spent, older])


def test_without_a_data_key_the_error_says_how_to_add_one() -> None:
    for listed in ([], [_listed("retired")]):
        with pytest.raises(Misconfigured, match="configsvc data-key add"):
            choose_newest_live(NAMESPACE, listed)


def test_a_sealed_draft_is_bound_to_its_key_namespace_and_version() -> None:
    cipher = Cipher(os.urandom(32))
    put = seal_draft(make_draft("db.url", "value"), 7, Sealer(NAMESPACE, cipher), os.urandom(12))
    header = Header(NAMESPACE, names.parse_key("db.url"), 7, "text/plain", cipher.kid)
    assert cipher.open(header, put.value).reveal() == b"value"
    for other in (header._replace(version=8), header._replace(key=names.parse_key("db.uri"))):
        with pytest.raises(CannotOpen):
            cipher.open(other, put.value)


def test_the_nonce_is_the_one_that_was_drawn() -> None:
    nonce = os.urandom(12)
    put = seal_draft(make_draft("k", "value"), 1, Sealer(NAMESPACE, Cipher(os.urandom(32))), nonce)
    assert split(put.value).nonce == nonce


def test_everything_else_that_a_draft_says_is_kept() -> None:
    made = make_draft("k", "v")._replace(activate=False, declassify=True, rotate_by="2030-01-31", if_match=4)
    put = seal_draft(made, 1, Sealer(NAMESPACE, Cipher(os.urandom(32))), os.urandom(12))
    assert (put.activate, put.declassify, put.rotate_by, put.if_match) == (False, True, "2030-01-31", 4)
