"""Policies of tools and of calls: what callers, handlers and bodies see of them."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from tenacity import RetryCallState

from toolrun import Cache, InvalidPolicy, Retry, ToolDenied, ToolRunner, ToolTimeout, current_run, tool
from toolrun.execution import _stopping, approval, leaving, threads
from toolrun.execution.engine import UnknownEngine
from toolrun.execution.errors import NotPicklable
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import AsyncRecordingHandler, RecordingHandler
from toolrun.tools import BaseTool, Secret
from toolrun.tools._call import Call, arun_call, run_call

CALL = {"type": "tool_call", "id": "call-1", "name": "work", "args": {"x": 1}}


def made(body: Callable[[int], Any], is_async: bool, **options: Any) -> BaseTool:
    """A tool of the body, sync or async."""

    def work(x: int) -> Any:
        """Work."""
        return body(x)

    async def awork(x: int) -> Any:
        """Work."""
        await asyncio.sleep(0)
        return body(x)

    return tool("work", awork if is_async else work, **options)


both_bodies = pytest.mark.parametrize("is_async", [False, True], ids=["sync body", "async body"])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """More time for bodies to stop, for a machine that is busy with other things."""
    for module in (_stopping, leaving):
        monkeypatch.setattr(module, "GRACE", 5)
    monkeypatch.setattr(threads, "LATE", 10)


class Fails:
    """A body that fails so many times, then returns its argument."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.times, self.calls, self.error = times, 0, error or OSError("no")

    def __call__(self, x: int) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return x


def hang(x: int) -> None:
    run: Any = current_run()
    while not run.cancelled:
        time.sleep(0.001)


# --- where it is said ---


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


# --- timeouts ---


@both_bodies
@pytest.mark.parametrize("handler_type", [RecordingHandler, AsyncRecordingHandler])
def test_a_timeout_is_the_runs_one_end(driver: Any, is_async: bool, handler_type: Any) -> None:
    handler = handler_type()
    body = asyncio.Event().wait if is_async else None

    async def awork(x: int) -> None:
        """Work."""
        await body()  # type: ignore[misc]

    tool_ = tool("work", awork, timeout=0.01) if is_async else made(hang, False, timeout=0.01)
    with pytest.raises(ToolTimeout):
        driver.invoke(tool_, {"x": 1}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(handler.events[1].payload[0], ToolTimeout)


def test_the_call_knows_how_its_body_was_stopped(driver: Any) -> None:
    call = Call(made(hang, False, timeout=0.01), {"x": 1})
    with pytest.raises(ToolTimeout):
        driver.run(arun_call(call)) if driver.is_async else run_call(call)
    assert call.status is RunStatus.TIMEOUT
    assert call.stopped_by is StoppedBy.COOPERATION
    assert call.run is not None and call.run.cancelled


def test_a_sync_call_with_a_timeout_runs_in_a_thread() -> None:
    assert made(lambda x: threading.current_thread(), False).invoke({"x": 1}) is threading.current_thread()
    assert made(lambda x: threading.current_thread().name, False, timeout=5).invoke({"x": 1}).startswith("toolrun-tool")


@both_bodies
@pytest.mark.parametrize("options", [{}, {"timeout": 9}, {"retry": 2}], ids=repr)
def test_a_cancelled_call_stops_its_body(async_driver: Any, is_async: bool, options: dict[str, Any]) -> None:
    began, ended = threading.Event(), threading.Event()

    def work(x: int) -> None:
        """Work."""
        began.set()
        hang(x)
        ended.set()

    async def awork(x: int) -> None:
        """Work."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def main() -> Call:
        call = Call(tool(awork if is_async else work, **options), {"x": 1})
        task = asyncio.create_task(arun_call(call))
        while not began.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not ended.is_set():
            await asyncio.sleep(0.001)
        return call

    call = async_driver.run(main())
    assert call.status is RunStatus.CANCELLED
    assert call.run is not None and call.run.cancelled
    assert is_async is False or call.stopped_by in (StoppedBy.COOPERATION, StoppedBy.ABANDONED)


@pytest.mark.parametrize("handle", [True, "Try another tool."])
def test_a_timeout_is_answered_where_tool_errors_are(driver: Any, handle: Any) -> None:
    message = driver.invoke(made(hang, False, timeout=0.01, handle_tool_error=handle), CALL)
    assert message.status == "error"
    assert message.content == handle if isinstance(handle, str) else "timeout of 0.01 s" in message.content


# --- retries ---


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


# --- limits ---


@both_bodies
def test_no_more_calls_run_at_once_than_allowed(async_driver: Any, is_async: bool) -> None:
    running = most = 0
    lock = threading.Lock()

    def enter() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)

    def leave() -> None:
        nonlocal running
        with lock:
            running -= 1

    def work(x: int) -> int:
        """Work."""
        enter()
        time.sleep(0.001)
        leave()
        return x

    async def awork(x: int) -> int:
        """Work."""
        enter()
        await asyncio.sleep(0.001)
        leave()
        return x

    limited = tool(awork if is_async else work, max_concurrency=2)

    async def main() -> list[int]:
        return await limited.abatch([{"x": i} for i in range(20)])

    assert async_driver.run(main()) == list(range(20))
    assert limited.batch([{"x": i} for i in range(20)]) == list(range(20))
    assert most == 2


def test_waiting_for_a_slot_does_not_count_for_the_timeout(async_driver: Any) -> None:
    async def work(x: int) -> int:
        """Work."""
        await asyncio.sleep(0.02)
        return x

    limited = tool(work, max_concurrency=1, timeout=0.5)

    async def main() -> Any:
        return await limited.abatch([{"x": i} for i in range(30)])  # 0.6 s for the last one

    assert async_driver.run(main()) == list(range(30))


# --- the cache ---


@both_bodies
def test_a_hit_is_a_run_too_and_is_marked(driver: Any, is_async: bool) -> None:
    body, handler = Fails(0), RecordingHandler()
    tool = made(body, is_async, cache=True)
    for given in ({"x": 1}, {"x": "1"}, {"x": 2}):
        assert driver.invoke(tool, given, {"callbacks": [handler]}) == int(given["x"])
    assert body.calls == 2  # "1" is validated to 1
    assert handler.names == ["on_tool_start", "on_tool_end"] * 3
    assert [event.keywords.get("cached") for event in handler.named("on_tool_end")] == [None, True, None]


def test_errors_are_not_cached(driver: Any) -> None:
    body = Fails(1)
    tool = made(body, False, cache=Cache(ttl=60))
    with pytest.raises(OSError):
        driver.invoke(tool, {"x": 1})
    assert driver.invoke(tool, {"x": 1}) == 1
    assert body.calls == 2


# --- approval ---


def approve_sync(name: str, arguments: dict[str, Any]) -> Any:
    return arguments["x"] > 0 or "x is too small"


async def approve_async(name: str, arguments: dict[str, Any]) -> Any:
    await asyncio.sleep(0)
    return arguments["x"] > 0 or "x is too small"


@both_bodies
@pytest.mark.parametrize("approve", [approve_sync, approve_async])
def test_a_call_runs_if_it_is_approved_and_else_is_denied(driver: Any, is_async: bool, approve: Any) -> None:
    body, handler = Fails(0), RecordingHandler()
    tool = made(body, is_async, requires_approval=approve)
    assert driver.invoke(tool, {"x": 1}) == 1
    with pytest.raises(ToolDenied, match="x is too small"):
        driver.invoke(tool, {"x": 0}, {"callbacks": [handler]})
    assert body.calls == 1
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert handler.events[1].payload[0].run_status is RunStatus.DENIED


@pytest.mark.parametrize("answer", [False, None, "no", 1, "yes"])
def test_only_true_approves(driver: Any, answer: Any) -> None:
    with pytest.raises(ToolDenied):
        driver.invoke(made(len, False, requires_approval=lambda name, arguments: answer), {"x": 1})


def test_whoever_approves_does_not_see_secrets(driver: Any) -> None:
    seen = []

    @tool(requires_approval=lambda name, arguments: seen.append((name, arguments)))
    def secretive(key: Annotated[str, Secret], x: int) -> None:
        """Keep a secret."""

    with pytest.raises(ToolDenied):
        driver.invoke(secretive, {"key": "hush", "x": "3"})
    [(name, arguments)] = seen
    assert (name, arguments["x"]) == ("secretive", 3)
    assert "hush" not in repr(arguments)


def test_where_nobody_can_be_asked_a_call_is_denied(driver: Any) -> None:
    message = driver.invoke(made(len, False, requires_approval=True, handle_tool_error=True), CALL)
    assert message.status == "error"
    assert "nobody to ask" in message.content


def test_the_user_at_the_terminal_is_asked(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "_at_terminal", lambda name, arguments: arguments == {"x": 1})
    asks = made(lambda x: x, False, requires_approval=True)
    assert driver.invoke(asks, {"x": 1}) == 1
    with pytest.raises(ToolDenied):
        driver.invoke(asks, {"x": 2})


def test_a_denied_call_is_a_result(driver: Any) -> None:
    runner = ToolRunner([made(len, False, requires_approval=True)])
    [result] = driver.run_all(runner, [{"id": 1, "name": "work", "arguments": {"x": 1}}])
    assert result.status is RunStatus.DENIED


def test_errors_of_policies_survive_a_pickle() -> None:
    for error in (ToolTimeout("t", 1.5, StoppedBy.KILL), ToolDenied("t", "no"), InvalidPolicy("t", "bad", "Mend it")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
