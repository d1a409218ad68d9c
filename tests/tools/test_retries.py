"""Retries of calls: what callers and handlers see of them."""

from __future__ import annotations

import time
from typing import Annotated, Any

import pytest
from tenacity import RetryCallState
from tests.tools.policed import Fails, both_bodies, made

from toolrun import Retry, ToolRunner, current_run, tool
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import AsyncRecordingHandler, RecordingHandler
from toolrun.tools import Secret
from toolrun.tools._call import Call, arun_call, run_call

pytestmark = pytest.mark.usefixtures("patience")


@both_bodies
def test_every_attempt_that_fails_is_told_and_tried_again(driver: Any, is_async: bool) -> None:
    body, sync, async_ = Fails(2), RecordingHandler(), AsyncRecordingHandler()
    tool = made(body, is_async, retry=Retry(3, wait=0))
    assert driver.invoke(tool, {"x": 1}, {"callbacks": [sync, async_]}) == 1
    for handler in (sync, async_):
        assert handler.names == ["on_tool_start", "on_retry", "on_retry", "on_tool_end"]
        states = [event.payload[0] for event in handler.named("on_retry")]
        assert all(isinstance(state, RetryCallState) for state in states)


@both_bodies
def test_a_retry_state_that_a_handler_keeps_stays_true(driver: Any, is_async: bool) -> None:
    body, handler = Fails(2), RecordingHandler()
    driver.invoke(made(body, is_async, retry=Retry(3, wait=0.001)), {"x": 1}, {"callbacks": [handler]})
    first, second = (event.payload[0] for event in handler.named("on_retry"))
    assert (first.attempt_number, second.attempt_number) == (1, 2)
    assert (first.outcome.exception(), second.outcome.exception()) == (body.error, body.error)
    assert (first.idle_for, second.idle_for) == (0.001, 0.002)
    assert first.next_action.sleep == first.upcoming_sleep == 0.001
    assert first.seconds_since_start <= second.seconds_since_start


@both_bodies
def test_the_retry_state_says_which_attempt_failed_and_how(driver: Any, is_async: bool) -> None:
    seen = []

    class Reads(RecordingHandler):
        def on_retry(self, retry_state: RetryCallState, **kwargs: Any) -> None:
            assert retry_state.outcome is not None
            seen.append((retry_state.attempt_number, str(retry_state.outcome.exception()), retry_state.upcoming_sleep))

    driver.invoke(made(Fails(2), is_async, retry=Retry(3, wait=0)), {"x": 1}, {"callbacks": [Reads()]})
    assert seen == [(1, "no", 0), (2, "no", 0)]


@both_bodies
def test_the_last_error_is_raised(driver: Any, is_async: bool) -> None:
    body = Fails(9)
    with pytest.raises(OSError, match="no") as raised:
        driver.invoke(made(body, is_async, retry=Retry(2, wait=0)), {"x": 1})
    assert raised.value is body.error
    assert body.calls == 2


@pytest.mark.parametrize(
    ("retry", "calls"),
    [
        (Retry(3, wait=0, on=OSError), 3),
        (Retry(3, wait=0, on=(KeyError, ValueError)), 1),
        (Retry(3, wait=0, on=lambda error: "no" in str(error)), 3),
        (Retry(3, wait=0, on=lambda error: False), 1),
        (Retry(3, wait=lambda state: 0.0), 3),
        (Retry(1), 1),
    ],
)
def test_only_the_errors_that_are_named_are_tried_again(driver: Any, retry: Retry, calls: int) -> None:
    body = Fails(9)
    with pytest.raises(OSError):
        driver.invoke(made(body, False, retry=retry), {"x": 1})
    assert body.calls == calls


def test_a_tool_that_is_not_idempotent_is_not_repeated_for_a_call_that_retries(driver: Any) -> None:
    body = Fails(9)
    once = made(body, False, idempotent=False)
    with pytest.raises(OSError):
        driver.invoke(once, {"x": 1}, {"retry": Retry(3, wait=0, not_idempotent=True)})
    assert body.calls == 3
    results = driver.run_all(ToolRunner([once], retry=3), [{"id": 1, "name": "work", "arguments": {"x": 1}}])
    assert results[0].status is RunStatus.ERROR
    assert body.calls == 4


def test_wrong_arguments_are_not_tried_again(driver: Any) -> None:
    handler = RecordingHandler()
    with pytest.raises(ValueError):
        driver.invoke(made(len, False, retry=Retry(3, wait=0)), {"x": "y"}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]


def test_an_attempt_that_timed_out_is_tried_again_with_a_fresh_state(driver: Any) -> None:
    seen = []

    def slow_at_first(x: int) -> int:
        run: Any = current_run()
        seen.append(run.cancelled)
        while len(seen) == 1 and not run.cancelled:
            time.sleep(0.001)
        return x

    call = Call(made(slow_at_first, False, timeout=0.02, retry=Retry(2, wait=0)), {"x": 1})
    assert (driver.run(arun_call(call)) if driver.is_async else run_call(call)) == 1
    assert seen == [False, False]
    assert call.status is RunStatus.OK
    assert call.stopped_by is StoppedBy.NONE


def test_a_retry_state_holds_no_arguments(driver: Any) -> None:
    handler = RecordingHandler()

    @tool(retry=Retry(2, wait=0))
    def secretive(key: Annotated[str, Secret]) -> str:
        """Keep a secret."""
        raise OSError("no")

    with pytest.raises(OSError):
        driver.invoke(secretive, {"key": "hush"}, {"callbacks": [handler]})
    state = handler.named("on_retry")[0].payload[0]
    assert "hush" not in repr((state.args, state.kwargs))
