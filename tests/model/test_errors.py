"""Errors: one tree, one code each, and the same error at the other end of the wire."""

import inspect
import re

import pytest

from configsvc.model import errors
from configsvc.model.errors import SENT, ConfigsvcError, from_problem, to_problem


@pytest.mark.parametrize("error", SENT)
def test_an_error_comes_back_from_its_problem_body(error: type[ConfigsvcError]) -> None:
    problem = to_problem(error("what to do next", limit=7), "request-1")
    assert problem["status"] == error.status
    assert str(problem["type"]).endswith(error.code.replace("_", "-"))
    back = from_problem(error.status, problem)
    assert type(back) is error
    assert (back.detail, back.members) == ("what to do next", {"limit": 7})


def test_each_code_belongs_to_one_error() -> None:
    assert len({error.code for error in SENT}) == len(SENT)


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (418, "invalid_request"), (502, "unavailable")])
def test_an_unknown_code_falls_back_to_the_status(status: int, code: str) -> None:
    assert from_problem(status, {"code": "brand_new", "detail": "x"}).code == code


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    told = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    defined = [
        name
        for name, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, ConfigsvcError) and each is not ConfigsvcError
    ]
    assert sorted(told) == sorted(defined)
