"""Records behave like named tuples."""

import copy
import pickle
from typing import NamedTuple

import pytest

from configsvc.model.record import Record


class Point(Record):
    """A record."""

    across: int
    down: int = 2
    name: str = ""

    @property
    def sum(self) -> int:
        """Of both."""
        return self.across + self.down


class Twin(NamedTuple):
    """The same as a named tuple."""

    across: int
    down: int = 2
    name: str = ""


CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((1,), {}),
    ((1, 5, "x"), {}),
    ((), {"across": 4}),
    ((1,), {"name": "n"}),
    ((), {"name": "n", "across": 3, "down": 1}),
]


@pytest.mark.parametrize(("given", "named"), CALLS)
def test_a_record_is_created_compared_shown_and_replaced_like_a_named_tuple(
    given: tuple[object, ...], named: dict[str, object]
) -> None:
    record, twin = Point(*given, **named), Twin(*given, **named)  # type: ignore[arg-type]  # whatever a caller passes
    assert tuple(record) == tuple(twin)
    assert hash(record) == hash(twin)
    assert repr(record) == repr(twin).replace("Twin", "Point")
    assert record._asdict() == twin._asdict()
    assert tuple(record._replace(down=9)) == tuple(twin._replace(down=9))
    assert (record.across, record.down, record.name) == (twin.across, twin.down, twin.name)
    assert record.sum == twin.across + twin.down


WRONG: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((), {}),
    ((1, 2, "x", 4), {}),
    ((1,), {"across": 1}),
    ((1,), {"other": 1}),
    ((), {"down": 1}),
]


@pytest.mark.parametrize(("given", "named"), WRONG)
def test_a_record_refuses_the_arguments_that_a_named_tuple_refuses(
    given: tuple[object, ...], named: dict[str, object]
) -> None:
    for kind in (Point, Twin):
        with pytest.raises(TypeError):
            kind(*given, **named)  # type: ignore[arg-type]  # wrong on purpose


def test_a_record_is_immutable_and_has_no_further_attributes() -> None:
    point = Point(1)
    with pytest.raises(AttributeError):
        point.across = 3  # type: ignore[misc]  # wrong on purpose
    with pytest.raises(AttributeError):
        point.further = 3  # type: ignore[attr-defined]  # wrong on purpose
    with pytest.raises((TypeError, ValueError)):
        point._replace(other=1)  # type: ignore[call-arg]  # wrong on purpose


def test_a_record_is_copied_pickled_and_matched() -> None:
    point = Point(1, name="n")
    assert copy.deepcopy(point) == point
    assert type(pickle.loads(pickle.dumps(point))) is Point  # noqa: S301  # our own
    match point:
        case Point(across, down, _):
            assert (across, down) == (1, 2)
