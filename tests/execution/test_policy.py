"""Policies: which wins, and which cannot be."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.execution.cache import Cache
from toolrun.execution.errors import InvalidPolicy
from toolrun.execution.policy import NO_POLICY, Policy, check, check_wishes
from toolrun.execution.retry import Retry

policies = st.builds(Policy, **{field.name: st.none() | st.integers(1, 9) for field in fields(Policy)})


@given(policies, policies, policies)
def test_merging_is_by_nearness_in_any_grouping(a: Policy, b: Policy, c: Policy) -> None:
    assert a.over(b).over(c) == a.over(b.over(c))
    assert a.over(NO_POLICY) == a == NO_POLICY.over(a)
    for field in fields(Policy):
        said = [getattr(policy, field.name) for policy in (a, b, c)]
        assert getattr(a.over(b).over(c), field.name) == next((one for one in said if one is not None), None)


def test_what_is_not_said_is_nothing_to_do() -> None:
    assert not NO_POLICY.limits_calls()
    assert not Policy(timeout=1, engine="threads").limits_calls()
    assert NO_POLICY.attempts == 1
    assert NO_POLICY.seconds is None is Policy(timeout=math.inf).seconds


def test_shorthands_are_spelt_out() -> None:
    assert Policy(retry=4).retrying == Retry(4)
    assert Policy(cache=True).caching == Cache()
    assert Policy(cache=60).caching == Cache(ttl=60)
    assert Policy(cache=False).caching is None


def test_what_is_not_idempotent_is_not_repeated_unless_asked() -> None:
    assert Policy(retry=3, idempotent=False).attempts == 1
    assert Policy(retry=Retry(3, not_idempotent=True), idempotent=False).attempts == 3
    assert Policy(cache=True, idempotent=False).caching is None


@pytest.mark.parametrize(
    "bad",
    [
        *({"timeout": value} for value in (0, -1, math.nan, "1", True)),
        *({"retry": value} for value in (0, -1, 1.5, True, [3], Retry(0), Retry(3, wait=-1), Retry(3, on=3))),  # type: ignore[arg-type]
        *({"max_concurrency": value} for value in (0, -1, 1.5, True)),
        *({"rate_limit": value} for value in (0, -2.0, "x")),
        *({"memory_limit": value, "engine": "processes"} for value in (0, -1, 0.5)),
        *({"cache": value} for value in (0, -1, "x", Cache(ttl=0), Cache(size=0))),
        {"requires_approval": "yes"},
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy, match=next(iter(bad))) as raised:
        check(Policy(**bad), "t")
    assert raised.value.tool == "t"
    assert raised.value.remedy in str(raised.value)


@pytest.mark.parametrize(
    ("contradiction", "problem"),
    [
        ({"timeout": 1, "engine": "inline"}, "nobody is there to stop the body"),
        ({"memory_limit": 1 << 30}, "for worker processes alone"),
        ({"memory_limit": 1 << 30, "engine": "threads"}, "for worker processes alone"),
    ],
)
def test_contradictions_are_refused(contradiction: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidPolicy, match=problem):
        check(Policy(**contradiction), has_sync_body=True)


@pytest.mark.parametrize("wish", [{"retry": 3}, {"cache": True}], ids=repr)
def test_what_is_not_idempotent_may_not_be_wished_to_be_repeated_or_skipped(wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy, match="not idempotent"):
        check_wishes(Policy(**wish, idempotent=False), "t")
    check_wishes(Policy(**wish), "t")
    check_wishes(Policy(retry=Retry(3, not_idempotent=True), idempotent=False), "t")


@pytest.mark.parametrize(
    "good",
    [
        {"timeout": 0.5, "retry": 3, "max_concurrency": 1, "rate_limit": 0.1, "cache": 60, "engine": "threads"},
        {"memory_limit": 1 << 30, "engine": "processes", "timeout": 1},
        {"timeout": math.inf, "engine": "inline"},
        {"retry": 1, "idempotent": False},
        {"retry": Retry(3, wait=0, on=(OSError, ValueError))},
        {"retry": Retry(3, on=lambda error: True)},
    ],
    ids=repr,
)
def test_what_can_be_is_taken(good: dict[str, Any]) -> None:
    check(Policy(**good), has_sync_body=True)


def test_a_timeout_inline_is_no_contradiction_for_an_async_body() -> None:
    check(Policy(timeout=1, engine="inline"), has_sync_body=False)
