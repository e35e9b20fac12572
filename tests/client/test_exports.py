"""Every error that a reader can meet is exported from `configsvc_client`, and documented."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import configsvc_client
from configsvc.model.errors import SENT, ClientError, ConfigsvcError

CLIENT = Path(configsvc_client.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "CLIENT.md"


def _raised_by_the_read_side() -> Iterator[type[BaseException]]:
    """The client's own classes of errors, and those that its modules name in a `raise` or a `return`."""
    for path in CLIENT.rglob("[a-z_]*.py"):
        inner = path.relative_to(CLIENT).with_suffix("").parts
        if not re.match("_[a-z]", inner[0]) or inner == ("_pytest",) or inner[-1] == "__init__":
            continue
        module = importlib.import_module(".".join(("configsvc_client", *inner)))
        yield from (
            each
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, (ConfigsvcError, configsvc_client.NoSuchKey))
        )


def _met() -> dict[str, type[BaseException]]:
    """By name: what the service can answer, and what the read side knows of."""
    return {each.__name__: each for each in (*SENT, *_raised_by_the_read_side())}


def test_the_search_finds_errors_of_the_service_the_model_and_the_client() -> None:
    assert {"Forbidden", "Expired", "BadFallback", "NoSuchKey", "ConfigsvcError"} <= _met().keys()


@pytest.mark.parametrize("name", sorted(_met()))
def test_an_error_that_a_reader_can_meet_is_exported(name: str) -> None:
    assert name in configsvc_client.__all__
    assert getattr(configsvc_client, name) is _met()[name]


@pytest.mark.parametrize("name", sorted(_met()))
def test_an_error_that_a_reader_can_meet_is_in_the_document(name: str) -> None:
    errors = re.search(r"\n## Errors\n(.*?)\n## ", DOCS.read_text(), re.DOTALL)
    assert errors
    assert f"`{name}`" in errors[1]


def test_every_error_of_the_client_is_found() -> None:
    known = {each for each in ClientError.__subclasses__() if each.__module__.startswith("configsvc.")}
    assert known <= set(_met().values())
