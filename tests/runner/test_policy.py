"""What a runner says for all its tools, and what results tell of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolrun import Cache, CallRequest, CallResult, InvalidPolicy, Retry, ToolRunner, tool
from toolrun.execution.engine import UnknownEngine
from toolrun.run import RunStatus


class Flaky:
    """Fails until it was called so often."""

    def __init__(self, failures: int) -> None:
        self.calls, self.failures = 0, failures

    def work(self, x: int = 0) -> int:
        """Work."""
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError("again")
        return self.calls


def call(name: str = "work", **arguments: Any) -> CallRequest:
    return CallRequest(name, arguments)


def told(result: CallResult) -> dict[str, Any]:
    return dict(json.loads(result.line))


AT_ONCE = Retry(3, wait=0)


def test_a_runners_retry_holds_for_tools_that_say_nothing() -> None:
    [result] = ToolRunner(Flaky(2), retry=AT_ONCE).run_all([call()])
    assert (result.output, result.attempts, told(result)["attempts"]) == (3, 3, 3)


def test_attempts_are_told_of_calls_that_fail_too() -> None:
    [result] = ToolRunner(Flaky(9), retry=AT_ONCE).run_all([call()])
    assert (result.status, told(result)["attempts"]) == (RunStatus.ERROR, 3)


def test_one_attempt_is_not_worth_telling() -> None:
    [result] = ToolRunner(Flaky(0), retry=AT_ONCE).run_all([call()])
    assert result.attempts == 1
    assert {"attempts", "cached", "stopped_by"}.isdisjoint(told(result))


def test_what_the_tool_says_wins() -> None:
    flaky = Flaky(9)
    once = tool("work", retry=1)(flaky.work)
    [result] = ToolRunner([once], retry=AT_ONCE).run_all([call()])
    assert (flaky.calls, result.attempts) == (1, 1)


def test_a_runners_retry_and_cache_leave_out_what_is_not_idempotent() -> None:
    flaky = Flaky(1)
    pay = tool("pay", idempotent=False)(flaky.work)
    results = ToolRunner([pay], retry=AT_ONCE, cache=True).run_all([call("pay"), call("pay")])
    assert sorted(result.status for result in results) == ["error", "ok"]
    assert flaky.calls == 2


@pytest.mark.parametrize(
    ("own", "runners"),
    [
        ({"engine": "inline"}, {"timeout": 5}),
        ({"timeout": 5}, {"engine": "inline"}),
        ({"engine": "threads"}, {"engine": "processes", "memory_limit": 1 << 30}),
    ],
)
def test_what_a_runner_says_leaves_out_tools_that_it_contradicts(own: Any, runners: Any) -> None:
    work = tool("work", **own)(Flaky(0).work)
    assert [result.output for result in ToolRunner([work], **runners).run_all([call()])] == [1]


def test_a_hit_of_the_cache_is_marked() -> None:
    runner = ToolRunner(Flaky(0), cache=Cache(ttl=60))
    first, again, other = (runner.run_all([call(x=x)])[0] for x in (1, 1, 2))
    assert [result.output for result in (first, again, other)] == [1, 1, 2]
    assert [told(result).get("cached") for result in (first, again, other)] == [None, True, None]


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_sessions_do_not_share_a_cache(engine: str) -> None:
    requests = [CallRequest("count", {}, None, session) for session in ("a", "b", "a")]
    results = ToolRunner(counter, engine=engine, cache=True).run_all(requests)
    assert [(result.output, result.cached) for result in results] == [([], False), ([], False), ([], True)]


def counter(session: Any) -> Any:
    """A factory of one tool."""

    def count() -> list[int]:
        return []

    return [count]


@pytest.mark.parametrize(("answer", "status"), [(True, "ok"), (False, "denied"), ("no", "denied")])
def test_a_runner_can_have_all_calls_approved(answer: Any, status: str) -> None:
    asked: list[Any] = []

    def approve(name: str, arguments: dict[str, Any]) -> Any:
        asked.append((name, arguments))
        return answer

    [result] = ToolRunner(Flaky(0), requires_approval=approve).run_all([call(x="1")])
    assert (told(result)["status"], asked) == (status, [("work", {"x": 1})])


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"retry": 0},
        {"max_concurrency": -1},
        {"rate_limit": 0},
        {"memory_limit": 1 << 30},
        {"cache": -1},
        {"requires_approval": "me"},
        {"timeout": 1, "engine": "inline"},
    ],
)
def test_what_cannot_be_is_refused_when_the_runner_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy):
        ToolRunner(Flaky(0), **wrong)


def test_an_unknown_engine_is_refused_when_the_runner_is_made() -> None:
    with pytest.raises(UnknownEngine, match="There are: 'inline', 'threads', 'processes'"):
        ToolRunner(Flaky(0), engine="ray")
