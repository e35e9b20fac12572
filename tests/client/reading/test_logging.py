from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.errors import Unavailable
from configsvc_client import Config
from configsvc_client._reading.mask import SHORTEST, Mask
from configsvc_client.logging import SecretFilter
from configsvc_client.testing import FakeService
from tests.support.trackers.tools import walked

CANARY = 'canary-77 "quoted" \\ ž\nsecond line'
PLAIN = "public-value-of-a-plain-key"


class Shows:
    """An object whose text is the given one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"<{self.text}>"


class Written:
    """A logger with one handler, and what that wrote."""

    def __init__(self, config: Config) -> None:
        self.stream = io.StringIO()
        self.filter = SecretFilter(config)
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(logging.Formatter("%(message)s %(extra)s", defaults={"extra": ""}))
        self.handler.addFilter(self.filter)
        self.logger = logging.Logger("of a test")  # noqa: LOG001  # known to this test alone
        self.logger.addHandler(self.handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def config(configsvc_fake: FakeService) -> Iterator[Config]:
    configsvc_fake.put_all({"password": CANARY, "short": "secret7", "json": {"deep": ["canary-in-json", 5]}})
    configsvc_fake.put("bytes", b"\x00canary-bytes\xff")
    configsvc_fake.put("plain", PLAIN, form="plain")
    made = configsvc_fake.config()
    made.refresh()
    yield made
    made.close()


@pytest.fixture
def written(config: Config) -> Written:
    return Written(config)


@pytest.mark.parametrize(
    "spelt",
    [
        CANARY, repr(CANARY), json.dumps(CANARY), json.dumps(CANARY, ensure_ascii=False), quote(CANARY), repr([CANARY]),
        "canary-in-json", repr(b"\x00canary-bytes\xff"), f"postgres://u:{quote(CANARY, safe='')}@host",
    ],
)  # fmt: skip
def test_a_secret_is_masked_wherever_it_stands_in_a_record(config: Config, written: Written, spelt: str) -> None:
    log, snapshot = written.logger, config.snapshot()
    log.warning(spelt)
    log.warning("it is %s", spelt)
    log.warning("it is %(it)s", {"it": spelt})
    log.warning("an object: %s", Shows(spelt))
    log.warning(Shows(spelt))
    log.warning("extra", extra={"extra": {"deep": [spelt]}})
    log.warning("a list: %s", [spelt, (spelt,)])
    log.warning("the whole of it: %s", snapshot["json"])
    log.warning("extra", extra={"extra": snapshot["json"]})
    assert "***" in written.text
    assert written.text.count("***") >= 10
    for part in ("canary", "second line"):
        assert part not in written.text


def test_a_message_of_a_str_subclass_is_masked_as_it_prints(written: Written) -> None:
    class Lazy(str):
        __slots__ = ()

        def __str__(self) -> str:
            return f"it is {CANARY}"

    written.logger.warning(Lazy("a name"))
    assert written.text == "it is *** \n"


def test_a_secret_in_a_traceback_is_masked_and_the_rest_kept(written: Written) -> None:
    try:
        raise ValueError(CANARY)  # noqa: TRY301  # its traceback is what is logged
    except ValueError:
        written.logger.exception("failed with %s", CANARY, stack_info=True)
    assert "canary" not in written.text
    assert "ValueError: ***" in written.text
    assert "test_logging.py" in written.text


def test_formatters_of_others_get_no_exception_that_shows_it(config: Config) -> None:
    try:
        raise ValueError(CANARY)  # noqa: TRY301  # its traceback is what is logged
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "m", None, sys.exc_info())
    assert SecretFilter(config).filter(record)
    assert record.exc_info is None
    assert "canary" not in str(vars(record))


def test_what_holds_no_secret_is_left_as_it_is(written: Written) -> None:
    arguments = ({"a": [1, "b"]}, 7)
    try:
        raise KeyError("public")  # noqa: TRY301  # its traceback is what is logged
    except KeyError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "%s and %s", arguments, sys.exc_info())
    before = dict(vars(record))
    written.filter.filter(record)
    assert vars(record) == before
    assert record.args is arguments
    written.logger.warning("%s secret7", PLAIN)
    assert PLAIN + " secret7" in written.text


def test_a_message_that_does_not_fit_its_arguments_shows_none_of_them(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written.logger.warning("%d", CANARY)
    assert "canary" not in written.text
    assert capsys.readouterr().err == ""


def test_new_secrets_are_masked_at_once_and_old_ones_a_while_longer(
    configsvc_fake: FakeService, config: Config, written: Written
) -> None:
    configsvc_fake.put("password", "canary-the-second")
    config.refresh()
    written.logger.warning("%s %s", CANARY, "canary-the-second")
    assert "canary" not in written.text


def test_it_never_loads_refreshes_or_fails(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("password", CANARY)
    config = configsvc_fake.config()
    written = Written(config)
    written.logger.warning("not loaded")
    assert configsvc_fake.requests == []
    assert config["password"] == CANARY
    configsvc_fake.fail(Unavailable("down"))
    configsvc_fake.clock.advance(1_000)
    written.logger.warning(CANARY)
    assert len(configsvc_fake.requests) == 1
    assert "canary" not in written.text


def test_values_that_do_not_open_are_passed_over(configsvc_fake: FakeService) -> None:
    configsvc_fake.put_all({"broken": "x" * 20, "password": CANARY})
    configsvc_fake.damage("broken")
    config = configsvc_fake.config()
    assert config.broken == {"broken"}
    written = Written(config)
    written.logger.warning(CANARY)
    assert "canary" not in written.text


def test_nothing_is_rebuilt_while_nothing_changes(config: Config) -> None:
    mask = Mask()
    snapshot = config.snapshot()
    mask.follow(snapshot)
    wanted = mask._wanted  # noqa: SLF001  # whether it is the same object is what is asked
    mask.follow(snapshot)
    assert mask._wanted is wanted  # noqa: SLF001  # as above
    assert "canary" not in repr(mask)


TEXTS = st.characters(codec="utf-8")


@given(st.text(TEXTS, min_size=SHORTEST), st.text(TEXTS), st.text(TEXTS))
def test_no_text_holds_a_value_any_more(secret: str, before: str, after: str) -> None:
    fake = FakeService()
    fake.put("password", secret)
    mask = Mask()
    mask.follow(fake.config().snapshot())
    masked = mask.mask_text(before + secret + after)
    assert secret not in masked.replace("***", "\0")


def test_a_record_that_cannot_be_searched_is_withheld_and_no_call_fails(config: Config) -> None:
    holds_itself: list[object] = [CANARY]
    holds_itself.append(holds_itself)

    class Fails:
        def __str__(self) -> str:
            raise LookupError(CANARY)

    for extra in (holds_itself, Fails()):
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "a message", None, None)
        record.extra = extra
        assert SecretFilter(config).filter(record)
        assert "canary" not in str(vars(record))
        assert "withheld" in record.getMessage()


def test_extra_members_of_any_kind_are_masked(config: Config) -> None:
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "a message", None, None)
    record.extra = {"a set": {CANARY}, CANARY: 1}
    members = vars(record)
    members["shows"] = Shows(CANARY)
    assert SecretFilter(config).filter(record)
    assert "canary" not in str(members) + str(members["shows"])
    assert record.getMessage() == "a message"


def test_the_filter_itself_shows_nothing(config: Config) -> None:
    made = SecretFilter(config)
    assert "canary" not in "\n".join(walked(made, 9, set()))
