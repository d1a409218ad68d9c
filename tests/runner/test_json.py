"""A value is written as JSON exactly when reading it back gives an equal value, a tuple counting as a list."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.runner._json import encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


@dataclass
class Point:
    x: int


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None


def cycle() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@given(value=JSON)
def test_json_values_of_any_shape_and_size_come_back_equal(value: Any) -> None:
    text, exact = encode(value)
    assert exact
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**64, str(2**64)),
        ((1, (2, 3)), "[1,[2,3]]"),
        ({"a": (2**70, "b")}, f'{{"a":[{2**70},"b"]}}'),
        ("\ud800", '"\\ud800"'),
        (OrderedDict(a=1), '{"a":1}'),
        (defaultdict(int, a=1), '{"a":1}'),
        (Level.LOW, "1"),
    ],
)
def test_what_python_writes_differently_is_still_json(value: Any, written: str) -> None:
    text, exact = encode(value)
    assert (text.decode().replace(" ", ""), exact) == (written, True)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        [1.0, math.nan],
        {1: "a"},
        {None: "a"},
        {"a": {1, 2}},
        Colour.RED,
        Point(1),
        datetime(2026, 1, 1, tzinfo=UTC),
        UUID(int=1),
        Decimal("1.5"),
        b"bytes",
        ...,
        [object],
    ],
    ids=repr,
)
def test_what_is_no_json_is_written_as_its_repr(value: Any) -> None:
    text, exact = encode(value)
    assert (json.loads(text), exact) == (repr(value), False)


def test_a_cycle_is_written_as_its_repr() -> None:
    assert encode(cycle()) == (b'"[[...]]"', False)


def test_nesting_too_deep_for_any_reader_is_no_json() -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    assert encode(value)[1] is False


def test_an_object_that_cannot_even_be_shown_is_named() -> None:
    text, exact = encode([Rude()])
    assert not exact
    assert b"whose repr raised RuntimeError" in text
