"""Cached results: what is found again, for how long, and how many."""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from toolrun.execution.body import Body
from toolrun.execution.cache import Cache, Results, frozen, key_of
from toolrun.execution.job import Job


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_result_is_found_until_its_time_is_over() -> None:
    clock = Clock()
    results = Results(Cache(ttl=10), clock)
    assert results.get("a") == (False, None)
    results.put("a", None)
    clock.now = 9.9
    assert results.get("a") == (True, None)
    clock.now = 10
    assert results.get("a") == (False, None)
    assert len(results) == 0


def test_of_too_many_the_one_that_was_not_asked_for_longest_goes() -> None:
    results = Results(Cache(size=2))
    results.put("a", 1)
    results.put("b", 2)
    results.get("a")
    results.put("c", 3)
    assert [results.get(key)[0] for key in "abc"] == [True, False, True]
    assert len(results) == 2


class Point(BaseModel):
    x: int


@dataclass
class Size:
    width: int


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5]) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


def typed(value: Any) -> Any:
    """The value with its types, as text that is the same in any order of keys."""
    if isinstance(value, dict):
        return "dict", sorted(f"{typed(key)}:{typed(each)}" for key, each in value.items())
    if isinstance(value, list):
        return list(map(typed, value))
    return f"{type(value).__name__} {value}"


@given(JSON, JSON)
def test_keys_are_equal_if_and_only_if_values_and_types_are(one: Any, other: Any) -> None:
    assert (frozen(one) == frozen(other)) is (typed(one) == typed(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1, "b": 2}, {"b": 2, "a": 1}), (Point(x=1), Point(x=1)), (Size(1), Size(1)), ({1, 2}, {2, 1})],
)
def test_equal_values_have_equal_keys(one: Any, other: Any) -> None:
    assert frozen(one) == frozen(other)
    assert hash(frozen(one)) == hash(frozen(other))


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), ([1], (1,)), (Point(x=1), Point(x=2)), (Point(x=1), {"x": 1}), ("", None)]
)
def test_values_that_differ_have_other_keys(one: Any, other: Any) -> None:
    assert frozen(one) != frozen(other)


def job(function: Any, **kwargs: Any) -> Job:
    job = Job(Body(function), (), kwargs, copy_context())
    job.given = (), kwargs
    return job


def test_another_body_has_other_results() -> None:
    class Counter:
        def count(self, x: int) -> int:
            return x

    one, other = Counter(), Counter()
    assert key_of(job(one.count, x=1)) == key_of(job(one.count, x=1)) != key_of(job(other.count, x=1))


def test_arguments_that_cannot_be_compared_are_not_cached() -> None:
    class Odd:
        __hash__: Any = None

    assert key_of(job(print, x=Odd())) is None
