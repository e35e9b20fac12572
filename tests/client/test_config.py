import copy
import pickle

import pytest

from configsvc.model.errors import Forbidden, NotFound, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import CannotOpen, Config, ConfigUnavailable, Misconfigured
from tests.support.client.configs import Stage
from tests.support.client.error_texts import collect_texts
from tests.support.client.sealing import NS, make_envelope, make_kms_entry, make_plain_entry, make_snapshot, seal_values


def test_making_a_config_asks_nobody_and_needs_no_settings() -> None:
    config = Config(environ={})
    assert repr(config) == "Config(: not loaded)"
    assert config.age == float("inf")
    stage = Stage(seal_values({"db.url": "x"}))
    assert stage.gateway.asked == []


def test_any_number_of_sealed_values_costs_one_request_and_one_kms_call() -> None:
    stage = Stage(seal_values({f"k{number}": f"v{number}" for number in range(300)}))
    assert stage.config["k7"] == "v7"
    assert len(stage.config) == 300
    assert (len(stage.gateway.asked), len(stage.kms.calls)) == (1, 1)


def test_each_content_type_gives_its_python_type() -> None:
    stage = Stage(
        make_snapshot(
            [
                make_envelope("text", "grüße".encode()),
                make_envelope("json", b'{"a":[1,null]}', content_type="application/json"),
                make_envelope("bytes", b"\xff\x00", content_type="application/octet-stream"),
                make_envelope("empty", b""),
                make_plain_entry("plain", "p"),
                make_plain_entry("plain.json", "[1]", "application/json"),
                make_kms_entry("kms", b"k"),
            ]
        )
    )
    expected = {
        "text": "grüße", "json": {"a": [1, None]}, "bytes": b"\xff\x00", "empty": "",
        "plain": "p", "plain.json": [1], "kms": "k",
    }  # fmt: skip
    assert dict(stage.config) == expected


def test_plain_values_cost_no_kms_call_and_need_no_pin() -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", "1")], data_keys=()), CONFIGSVC_KMS_KEYS="")
    assert stage.config["a"] == "1"
    assert stage.kms.calls == []


def test_the_first_namespace_that_has_a_key_wins() -> None:
    shared = Namespace("shared.prod")
    stage = Stage(
        seal_values({"a": "own"}, revision=4),
        seal_values({"a": "shared", "b": "shared"}, revision=9, namespace=shared),
    )
    assert dict(stage.config) == {"a": "own", "b": "shared"}
    assert stage.config.revisions == {"payments.prod": 4, "shared.prod": 9}
    assert len(stage.gateway.asked) == 1


def test_a_broken_key_does_not_fall_through_to_the_next_namespace() -> None:
    shared = Namespace("shared.prod")
    moved = make_envelope("other", b"x")._replace(key=make_envelope("a", b"").key)
    stage = Stage(make_snapshot([moved]), seal_values({"a": "shared"}, namespace=shared))
    with pytest.raises(CannotOpen):
        stage.config["a"]
    assert stage.config.broken == {"a"}
    assert "a" in stage.config
    assert stage.config.snapshot().broken == {"a"}


def test_at_a_cold_start_a_broken_key_blocks_no_other() -> None:
    moved = make_envelope("other", b"x")._replace(key=make_envelope("bad", b"").key)
    stage = Stage(make_snapshot([moved, make_envelope("good", b"1")]))
    assert stage.config["good"] == "1"
    assert list(stage.config) == ["good", "bad"]
    with pytest.raises(CannotOpen, match="bad"):
        stage.config.get("bad", "a default would hide it")


@pytest.mark.parametrize("value", ["text", "\ud800"])
def test_a_plain_entry_of_bytes_is_broken_and_blocks_no_other(value: str) -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", value, "application/octet-stream"), make_plain_entry("b", "1")]))
    with pytest.raises(CannotOpen, match="a is not valid application/octet-stream"):
        stage.config["a"]
    assert stage.config["b"] == "1"


def test_get_converts_and_gives_the_default_only_where_there_is_no_key() -> None:
    stage = Stage(seal_values({"pool": "7", "flag": "off", "word": "canary-7f3a"}))
    config = stage.config
    assert config.get("pool", 10, as_=int) == 7
    assert config.get("nope", 10, as_=int) == 10
    assert config.get("nope") is None
    assert config.get("flag", as_=bool) is False
    for kind in (int, bool):
        with pytest.raises(ValueError, match=f"word cannot be read as {kind.__name__}") as caught:
            config.get("word", 10, as_=kind)
        assert "canary" not in collect_texts(caught.value)


def test_a_missing_key_is_a_key_error_that_names_it() -> None:
    with pytest.raises(KeyError, match="nope"):
        Stage(seal_values({})).config["nope"]


def test_a_missing_key_error_names_searched_namespaces_and_similar_keys() -> None:
    one = Stage(seal_values({"db.url": "canary"})).config
    with pytest.raises(KeyError) as caught:
        one["db.urll"]
    assert str(caught.value) == f"'db.urll' is not in {NS}. Did you mean db.url?"
    two = Stage(seal_values({"a": "1"}), seal_values({"smtp.host": "2"}, namespace=Namespace("shared.prod"))).config
    for read in (two.__getitem__, two.secret, two.snapshot().__getitem__):
        with pytest.raises(KeyError) as caught:
            read("SMTP_HOST")
        assert str(caught.value) == (
            f"'SMTP_HOST' is in none of the namespaces {NS}, shared.prod. Did you mean smtp.host?"
        )
    assert (caught.value.args, "canary" in collect_texts(caught.value)) == (("SMTP_HOST",), False)
    assert str(copy.deepcopy(caught.value)) == str(caught.value)
    with pytest.raises(KeyError, match=r"^'nope' is in none of the namespaces [\w., ]+\.$"):
        two["nope"]


def test_secret_refuses_an_entry_that_was_not_sealed() -> None:
    stage = Stage(make_snapshot([make_plain_entry("user", "app"), make_envelope("password", b"canary")]))
    assert stage.config.secret("password").reveal() == "canary"
    with pytest.raises(CannotOpen, match="was not sealed"):
        stage.config.secret("user")
    with pytest.raises(KeyError):
        stage.config.secret("nope")


def test_a_plain_entry_is_not_sealed_by_a_later_layer() -> None:
    stage = Stage(
        make_snapshot([make_plain_entry("a", "1")]), seal_values({"a": "2"}, namespace=Namespace("shared.prod"))
    )
    with pytest.raises(CannotOpen, match="was not sealed"):
        stage.config.secret("a")


def test_configs_and_snapshots_show_no_value_and_refuse_pickling() -> None:
    stage = Stage(seal_values({"password": "canary-91"}))
    config = stage.config
    secret = config.secret("password")
    shown = [repr(config), repr(config.snapshot()), repr(secret), str(secret), f"{secret:>12}", f"{secret}"]
    assert not [text for text in shown if "canary" in text]
    for each in (config, config.snapshot(), secret):
        with pytest.raises(TypeError):
            pickle.dumps(each)
    for each in (config, config.snapshot()):
        with pytest.raises(TypeError):
            copy.deepcopy(each)


def test_all_missing_settings_are_named_in_one_error_on_the_first_read() -> None:
    with pytest.raises(Misconfigured) as caught:
        Config(environ={})["a"]
    assert caught.value.members["missing"] == ["CONFIGSVC_URL", "CONFIGSVC_API_KEY", "CONFIGSVC_NAMESPACES"]


def test_a_cold_start_is_tried_until_its_deadline_and_then_says_why() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [*[Unavailable("down")] * 7, Unavailable("still down"), Unavailable("never asked")]
    with pytest.raises(ConfigUnavailable, match="still down"):
        stage.config["a"]
    stage.gateway.fail = [Unavailable("down")] * 6
    assert stage.config["a"] == "1"


@pytest.mark.parametrize("answer", [Forbidden("no"), NotFound("none such")])
def test_a_refusal_at_a_cold_start_is_not_repeated(answer: Exception) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [answer]
    with pytest.raises(ConfigUnavailable) as caught:
        stage.config["a"]
    assert caught.value.__cause__ is answer
    assert len(stage.gateway.asked) == 1


def test_a_cold_start_ends_at_its_deadline() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.during = lambda: stage.clock.advance(8)
    stage.gateway.fail = [Unavailable("slow")] * 3
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    assert len(stage.gateway.asked) == 1


def test_a_kms_outage_at_a_cold_start_breaks_no_key() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.kms.down = Unavailable("KMS is down")
    with pytest.raises(ConfigUnavailable, match="KMS is down"):
        stage.config["a"]


def test_kms_refuses_a_data_key_once_for_all_its_values() -> None:
    stage = Stage(seal_values({"a": "1", "b": "2", "c": "3"}))
    stage.kms.down = CannotOpen("AccessDeniedException")
    assert stage.config.broken == {"a", "b", "c"}
    assert len(stage.kms.calls) == 1


def test_opening_is_prepared_once_while_the_first_answer_is_pending() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.config.refresh()
    assert stage.prepared == 1


def test_closing_drops_the_connections_and_keeps_what_is_held() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.close()
    assert stage.closed == 0
    assert stage.config["a"] == "1"
    stage.config.close()
    assert stage.closed == 1
    assert stage.config["a"] == "1"
    assert len(stage.gateway.asked) == 1
