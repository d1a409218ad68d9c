"""Policies of tools, runners and calls: which wins, and which are refused."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
from tests.tools.policed import hang, made

from toolrun import InvalidPolicy, Retry, ToolRunner, ToolTimeout
from toolrun.execution.engine import UnknownEngine
from toolrun.execution.errors import NotPicklable
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import RecordingHandler

pytestmark = pytest.mark.usefixtures("patience")


def test_the_nearest_policy_wins(driver: Any) -> None:
    def timeout_of(thing: Any, config: Any = None) -> float:
        with pytest.raises(ToolTimeout) as raised:
            driver.invoke(thing, {"x": 1}, config)
        return raised.value.seconds

    decorated = made(hang, False, timeout=0.01)
    assert timeout_of(decorated) == 0.01
    assert timeout_of(decorated.with_options(timeout=0.02)) == 0.02
    assert timeout_of(decorated.with_options(timeout=0.02), {"timeout": 0.03}) == 0.03
    assert timeout_of(made(hang, False), {"timeout": 0.03}) == 0.03


def test_a_runner_says_what_nobody_else_does(driver: Any) -> None:
    tools = {"said": made(hang, False, timeout=0.01), "unsaid": made(hang, False)}
    results = driver.run_all(
        ToolRunner(tools, timeout=0.02), [{"id": i, "name": i, "arguments": {"x": 1}} for i in tools]
    )
    assert [result.status for result in results] == [RunStatus.TIMEOUT] * 2
    assert [result.exception.seconds for result in results] == [0.01, 0.02]
    assert [result.stopped_by for result in results] == [StoppedBy.COOPERATION] * 2
    assert b'"stopped_by":"cooperation"' in results[0].line


@pytest.mark.parametrize(
    ("tools_own", "runners"),
    [
        ({"engine": "inline"}, {"timeout": 5}),
        ({"engine": "threads"}, {"engine": "processes", "memory_limit": 1 << 30}),
        ({"timeout": 5}, {"engine": "inline"}),
        ({"idempotent": False}, {"retry": 3}),
    ],
    ids=repr,
)
def test_what_a_runner_says_for_all_leaves_out_tools_that_say_otherwise(
    driver: Any, tools_own: dict[str, Any], runners: dict[str, Any]
) -> None:
    runner = ToolRunner([made(lambda x: x, False, **tools_own)], **runners)
    [result] = driver.run_all(runner, [{"id": 1, "name": "work", "arguments": {"x": 1}}])
    assert result.output == 1


def test_a_tool_that_cannot_be_sent_to_a_worker_is_refused_when_it_is_made() -> None:
    lock = threading.Lock()
    with pytest.raises(NotPicklable, match="lock"):
        made(lambda x: lock.locked(), False, engine="processes")
    made(lambda x: x, False, engine="processes")


def test_a_runner_refuses_what_cannot_be() -> None:
    with pytest.raises(InvalidPolicy, match="memory_limit"):
        ToolRunner([], memory_limit=1 << 30)


@pytest.mark.parametrize(
    "options",
    [{"timeout": -1}, {"timeout": 1, "engine": "inline"}, {"memory_limit": 1}, {"retry": 2, "idempotent": False}],
    ids=repr,
)
def test_a_tool_that_contradicts_itself_is_refused_when_it_is_made(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy, match="'work'"):
        made(hang, False, **options)
    with pytest.raises(InvalidPolicy, match="'work'"):
        made(hang, False).with_options(**options)


def test_a_timeout_inline_is_allowed_for_a_tool_that_is_only_async(driver: Any) -> None:
    assert driver.invoke(made(lambda x: x, True, timeout=5, engine="inline"), {"x": 1}) == 1


@pytest.mark.parametrize(
    ("config", "error"),
    [({"timeout": -1}, InvalidPolicy), ({"engine": "mars"}, UnknownEngine), ({"retry": [1]}, InvalidPolicy)],
)
def test_a_bad_policy_of_a_call_is_the_outcome_of_that_call(driver: Any, config: Any, error: type[Exception]) -> None:
    handler = RecordingHandler()
    with pytest.raises(error):
        driver.invoke(made(lambda x: x, False), {"x": 1}, {"callbacks": [handler], **config})
    assert handler.names == ["on_tool_start", "on_tool_error"]


def test_copies_share_limits_and_results() -> None:
    calls = []
    one = made(lambda x: calls.append(x), False, cache=True)
    other = one.with_options(name="other")
    one.invoke({"x": 1})
    other.invoke({"x": 1})
    copy.copy(one).invoke({"x": 1})
    one.model_copy(update={"description": "Else."}).invoke({"x": 1})
    assert calls == [1]


def test_a_tool_with_a_policy_can_be_copied_deeply() -> None:
    tool = made(len, False, cache=True, timeout=1, retry=Retry(2))
    assert copy.deepcopy(tool).policy == tool.policy
