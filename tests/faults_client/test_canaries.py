"""Two hundred planted values through every flow and fault: none shows in a log, repr, exception, pickle or file."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, Throttled, Unavailable
from configsvc.model.snapshot import ContentType
from configsvc_client import Config
from tests.support.client.configs import Stage
from tests.support.client.error_texts import collect_texts
from tests.support.client.sealing import make_data_key, make_envelope, make_kms_entry, make_snapshot
from tests.support.client.stub_service import run_service

WORDS = [f"canary-{number:03}-x" for number in range(200)]
NOT_WHAT_THEY_SAY = [
    make_envelope("k1", b'{"pw": %b}' % WORDS[1].encode(), content_type="application/json"),
    make_envelope("k0", b"%b\xff" % WORDS[0].encode()),
]


def planted(revision: int = 1) -> Any:  # noqa: ANN401  # a FetchedSnapshot
    """Text, JSON, bytes, in both sealed forms."""
    kinds: list[ContentType] = ["text/plain", "application/json", "application/octet-stream"]
    entries = [
        make_envelope(
            f"k{n}", (json.dumps({"deep": [word]}) if n % 3 == 1 else word).encode(), content_type=kinds[n % 3]
        )
        for n, word in enumerate(WORDS[:190])
    ]
    return make_snapshot(
        [*entries, *(make_kms_entry(f"k{190 + n}", word.encode()) for n, word in enumerate(WORDS[190:]))],
        revision=revision,
    )


class Heard:
    """Everything that was said anywhere."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def attempt(self, act: Callable[[], object]) -> None:
        """Does it; what it raises is written as every way of logging an error would."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  # any
            self.texts.append(collect_texts(error))
            self.attempt_pickle(error)

    def attempt_pickle(self, what: object) -> None:
        try:
            self.texts.append(pickle.dumps(what).decode("latin-1"))
        except Exception as error:  # noqa: BLE001  # refused: that is said too
            self.texts.append(repr(error))

    def shows(self, what: object) -> None:
        """However it may be written by mistake."""
        self.texts += [repr(what), str(what), f"{what}", pprint.pformat(what), "%s %r" % (what, what)]  # noqa: UP031  # as logs do
        self.attempt_pickle(what)
        self.attempt(lambda: copy.deepcopy(what))
        self.attempt(lambda: self.texts.append(json.dumps(what, default=repr)))


def faults(stage: Stage) -> Iterator[None]:
    """One fault after the other."""
    for error in (Unavailable("down"), Throttled("slow", retry_after=1), CannotOpen("no")):
        stage.gateway.fail = [error]
        yield
    stage.kms.down = Unavailable("KMS is down")
    stage.serve(
        make_snapshot(
            [make_envelope("k0", WORDS[0].encode(), raw=bytes(32))], revision=2, data_keys=[make_data_key(bytes(32))]
        )
    )
    yield
    stage.kms.down = None
    for n in range(3):
        entries = list(planted().sealed.entries)
        entries[n] = entries[n]._replace(version=7)
        stage.serve(make_snapshot(entries, revision=3 + n))
        yield
    for n, wrong in enumerate(NOT_WHAT_THEY_SAY):
        stage.serve(make_snapshot([wrong], revision=6 + n))
        yield
    stage.serve(planted(0))
    yield
    stage.serve(planted(9))
    yield


def test_no_planted_value_shows_in_any_flow_or_fault(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    heard, stage = Heard(), Stage(planted(), CONFIGSVC_MAX_STALE_SECONDS="300")
    config = stage.config

    def raising(_: object) -> None:
        raise ValueError(config["k0"])

    config.on_change("", raising)
    heard.attempt(lambda: [config[f"k{n}"] for n in range(200)])
    for _ in faults(stage):
        heard.attempt(config.refresh)
        stage.clock.advance(400)
        for n in (0, 1, 2, 195):
            heard.attempt(lambda n=n: config[f"k{n}"])  # type: ignore[misc]  # bound
            for kind in (int, bool, json.loads):
                heard.attempt(lambda n=n, kind=kind: config.get(f"k{n}", as_=kind))  # type: ignore[misc]  # bound
            heard.attempt(lambda n=n: heard.shows(config.secret(f"k{n}")))  # type: ignore[misc]  # bound
        heard.attempt(lambda: config["nope"])
        held = config._keeper()  # noqa: SLF001  # its parts may be logged as well
        for what in (config, held.held, held.held and held.held.layers, held._rules, config.last_error, stage.warnings):  # noqa: SLF001  # as above
            heard.shows(what)
        heard.attempt(lambda: heard.shows(config.snapshot()))
    assert config.counts["failures"] > 3
    said = "\n".join([*heard.texts, caplog.text])
    assert len(heard.texts) > 500
    assert [word for word in WORDS if word in said] == []
    assert list(tmp_path.iterdir()) == []


def test_a_cold_start_does_not_show_values_of_the_wrong_type() -> None:
    stage = Stage(make_snapshot(NOT_WHAT_THEY_SAY))
    assert stage.config.broken == {"k0", "k1"}
    held = stage.config._keeper().held  # noqa: SLF001  # what it keeps may be logged as well
    assert held
    kept = held.layers[0].broken.values()
    said = "\n".join(map(collect_texts, kept))
    assert len(kept) == 2
    assert [word for word in WORDS if word in said] == []
    assert [error.__traceback__ for error in kept] == [None, None]


def test_over_the_wire_neither_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    heard = Heard()
    with run_service(planted()) as running:
        config = Config(environ=running.environ, refresh_seconds=20, start_seconds=20)
        heard.attempt(lambda: [config[f"k{n}"] for n in range(200)])
        running.serve(make_snapshot([make_envelope("k0", b"canary-000-x", version=2)._replace(version=3)], revision=2))
        heard.attempt(config.refresh)
        running.api.close()
        heard.attempt(config.refresh)
        made = config._keeper()._world  # noqa: SLF001  # its parts may be logged as well
        for what in (made, made.gateway, made.kms, config.last_error):
            heard.texts += [repr(what), str(what)]
        config.close()
    assert isinstance(config.last_error, ConfigsvcError)
    said = "\n".join([*heard.texts, caplog.text])
    assert [word for word in [*WORDS, "k" * 20, "AWS4-HMAC"] if word in said] == []
