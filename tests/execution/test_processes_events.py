"""Worker processes: what bodies tell comes to the handlers of the parent, in order, and nested runs are children."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tenacity import Retrying, stop_after_attempt

from toolrun.callbacks import (
    AsyncCallbackHandler,
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    dispatch_custom_event,
)
from toolrun.callbacks.base import EVENTS
from toolrun.callbacks.context import current_run, run_context
from toolrun.execution.body import Body
from toolrun.execution.errors import ToolTimeout, WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes import PROCESSES

pytestmark = pytest.mark.timeout(30)


class Listener(BaseCallbackHandler):
    """Writes down every event: name, arguments, keywords."""

    run_inline = True

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name for name, _, _ in self.events]

    def of(self, name: str) -> list[Any]:
        return [args[0] for each, args, _ in self.events if each == name]


class AsyncListener(AsyncCallbackHandler):
    events: list[tuple[str, tuple[Any, ...], dict[str, Any]]]
    names = Listener.names
    of = Listener.of

    def __init__(self) -> None:
        self.events = []


def _hear(event: str) -> Any:
    def hear(self: Any, *args: Any, **kwargs: Any) -> None:
        self.events.append((event, args, kwargs))

    return hear


def _ahear(event: str) -> Any:
    async def hear(self: Any, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.events.append((event, args, kwargs))

    return hear


for _event in EVENTS:
    setattr(Listener, _event, _hear(_event))
    setattr(AsyncListener, _event, _ahear(_event))


@pytest.fixture(params=[Listener, AsyncListener])
def listener(request: pytest.FixtureRequest) -> Any:
    return request.param()


def tell_everything() -> str:
    run: Any = current_run()
    run.on_text("one")
    run.on_tool_progress(1, 2, "half")
    run.on_tool_output("chunk")
    dispatch_custom_event("mine", {"key": os.getpid()})
    run.on_text("last")
    return "done"


async def atell_everything() -> str:
    run: Any = current_run()
    await run.on_text("one")
    await run.on_tool_progress(1, 2, "half")
    await run.on_tool_output("chunk")
    await run.on_custom_event("mine", {"key": os.getpid()})
    await run.on_text("last")
    return "done"


@pytest.mark.parametrize("body", [tell_everything, atell_everything])
def test_what_a_body_tells_comes_in_order_and_before_its_end(workers: Any, listener: Any, body: Any) -> None:
    assert workers.call_in_run(body, handlers=[listener]) == "done"
    assert listener.names() == [
        *("on_tool_start", "on_text", "on_tool_progress", "on_tool_output"),
        *("on_custom_event", "on_text", "on_tool_end"),
    ]
    assert listener.of("on_text") == ["one", "last"]
    assert listener.events[2][1] == (1, 2, "half")
    name, data = listener.events[4][1]
    assert name == "mine"
    assert data["key"] != os.getpid()
    assert len({kwargs["run_id"] for _, _, kwargs in listener.events}) == 1


def generate() -> Iterator[int]:
    yield from range(5)


async def agenerate() -> AsyncIterator[int]:
    for one in range(5):
        yield one


@pytest.mark.parametrize("body", [generate, agenerate])
def test_what_a_generator_yields_comes_as_output(workers: Any, listener: Any, body: Any) -> None:
    assert workers.call_in_run(body, handlers=[listener]) == 4
    assert listener.of("on_tool_output") == [0, 1, 2, 3, 4]


def flood() -> None:
    run: Any = current_run()
    for one in range(5000):
        run.on_text(str(one))


def test_a_flood_comes_whole_and_in_order(workers: Any) -> None:
    listener = Listener()
    workers.call_in_run(flood, handlers=[listener])
    assert listener.of("on_text") == [str(one) for one in range(5000)]


def look_around() -> Any:
    run: Any = current_run()
    return run.run_id, run.parent_run_id, run.tags, run.inheritable_tags, run.metadata, run.cancelled


def test_the_run_in_the_worker_is_the_run_here(workers: Any) -> None:
    listener = Listener()
    found = workers.call_in_run(
        look_around, handlers=[listener], inheritable_tags=["a"], local_tags=["b"], local_metadata={"key": 1}
    )
    run_id = listener.events[0][2]["run_id"]
    assert found == (run_id, None, ["a", "b"], ["a"], {"key": 1}, False)


def test_without_handlers_there_is_a_run_all_the_same(workers: Any) -> None:
    run_id, *rest = workers.call_in_run(look_around, handlers=[])
    assert run_id is not None
    assert rest == [None, [], [], {}, False]


def test_without_a_run_there_is_none(workers: Any) -> None:
    assert workers.call(current_run) is None


def tell_the_unsendable() -> None:
    run: Any = current_run()
    run.on_tool_output({"lock": threading.Lock(), "plain": 1})


def test_what_cannot_be_sent_of_an_event_is_shown(workers: Any) -> None:
    listener = Listener()
    workers.call_in_run(tell_the_unsendable, handlers=[listener])
    [chunk] = listener.of("on_tool_output")
    assert chunk["plain"] == 1
    assert "lock" in chunk["lock"]


class Raising(BaseCallbackHandler):
    raise_error = True

    def on_text(self, text: str, **kwargs: Any) -> None:
        raise LookupError(text)


def test_a_handler_that_raises_fails_the_call_when_the_body_has_ended(workers: Any) -> None:
    listener = Listener()
    with pytest.raises(LookupError, match="one"):
        workers.call_in_run(tell_everything, handlers=[Raising(), listener])
    assert listener.of("on_text") == ["one", "last"]
    assert listener.names()[-1] == "on_tool_error"


def try_again() -> None:
    run: Any = current_run()
    inner = run.get_child().on_tool_start({"name": "nested"}, "")
    for attempt in Retrying(stop=stop_after_attempt(2), before_sleep=inner.on_retry):
        with attempt:
            if attempt.retry_state.attempt_number == 1:
                raise LookupError("not yet")
    inner.on_tool_end("done")


def test_a_retry_in_a_worker_is_told_with_its_attempt_and_error(workers: Any) -> None:
    listener = Listener()
    workers.call_in_run(try_again, handlers=[listener])
    [state] = listener.of("on_retry")
    assert state.attempt_number == 1
    assert isinstance(state.outcome.exception(), LookupError)


call_has_ended = threading.Event()


def leave_a_thread_behind() -> None:
    run: Any = current_run()

    def speak_late() -> None:
        call_has_ended.wait()
        run.on_text("late")

    threading.Thread(target=speak_late).start()


def test_what_a_thread_says_after_the_end_is_dropped(new_workers: Any) -> None:
    workers = new_workers(1)
    listener = Listener()
    workers.call_in_run(leave_a_thread_behind, handlers=[listener])
    workers.call_in_run(_wait_for_threads, handlers=[listener])
    assert "on_text" not in listener.names()


def _wait_for_threads() -> None:
    call_has_ended.set()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)


# ── runs inside ────────────────────────────────────────────────────────────────────────────────────────


def call_inside(manager: CallbackManager | None = None) -> None:
    outer: Any = current_run()
    manager = manager or outer.get_child("inner")
    chain = manager.on_chain_start({"name": "chain"}, {"x": 1})
    tool = chain.get_child().on_tool_start({"name": "nested"}, "input", inputs={"x": 1})
    tool.on_text("from inside")
    tool.on_tool_error(ValueError("nested"))
    chain.on_chain_end({"y": 2})


def test_runs_inside_are_children_with_the_handlers_that_are_handed_down(workers: Any, listener: Any) -> None:
    workers.call_in_run(call_inside, handlers=[listener], inheritable_tags=["all"], inheritable_metadata={"key": 1})
    assert listener.names() == [
        *("on_tool_start", "on_chain_start", "on_tool_start", "on_text"),
        *("on_tool_error", "on_chain_end", "on_tool_end"),
    ]
    outer, chain, tool = (listener.events[position][2] for position in range(3))
    assert chain["parent_run_id"] == outer["run_id"]
    assert tool["parent_run_id"] == chain["run_id"]
    assert chain["tags"] == ["all", "inner"]
    assert tool["tags"] == ["all"]
    assert tool["metadata"] == {"key": 1}
    assert tool["inputs"] == {"x": 1}
    assert listener.events[3][2]["run_id"] == tool["run_id"]
    [error] = listener.of("on_tool_error")
    assert isinstance(error, ValueError)


def take_run_and_manager(run: Any, manager: CallbackManager) -> bool:
    call_inside(manager)
    return run is current_run()


def test_run_and_manager_among_the_arguments_are_those_of_the_worker() -> None:
    listener = Listener()
    run = CallbackManager.configure(inheritable_callbacks=[listener]).on_tool_start({"name": "tool"}, "")
    job = Job(Body(take_run_and_manager), (run, run.get_child()), {}, run_context(run), run=run)
    assert PROCESSES.run(job) is True
    assert listener.events[1][2]["parent_run_id"] == run.run_id


def open_and_hang() -> None:
    run: Any = current_run()
    run.get_child().on_chain_start({"name": "chain"}, {}).get_child().on_tool_start({"name": "nested"}, "")
    while True:
        pass


def open_and_die() -> None:
    run: Any = current_run()
    run.get_child().on_chain_start({"name": "chain"}, {}).get_child().on_tool_start({"name": "nested"}, "")
    os._exit(3)


def open_and_return() -> None:
    run: Any = current_run()
    run.get_child().on_chain_start({"name": "chain"}, {}).get_child().on_tool_start({"name": "nested"}, "")


def test_runs_that_are_open_when_the_worker_dies_end_with_it(workers: Any, listener: Any) -> None:
    with pytest.raises(WorkerCrashed):
        workers.call_in_run(open_and_die, handlers=[listener])
    assert listener.names()[3:] == ["on_tool_error", "on_chain_error", "on_tool_error"]
    assert all(isinstance(error, WorkerCrashed) for error in listener.of("on_tool_error"))


def test_runs_that_are_open_when_the_body_ends_end_with_it(workers: Any, listener: Any) -> None:
    workers.call_in_run(open_and_return, handlers=[listener])
    assert listener.names()[3:] == ["on_tool_error", "on_chain_error", "on_tool_end"]


def test_runs_that_are_open_at_the_deadline_end_with_it(workers: Any, listener: Any) -> None:
    with pytest.raises(ToolTimeout):
        workers.call_in_run(open_and_hang, handlers=[listener], timeout=0.1)
    assert listener.names()[3:] == ["on_tool_error", "on_chain_error", "on_tool_error"]


def test_runs_that_are_open_when_the_caller_is_closed_end_with_it(async_driver: Any) -> None:
    listener = Listener()

    async def close_in_the_middle() -> None:
        manager = AsyncCallbackManager.configure(inheritable_callbacks=[listener])
        run = await manager.on_tool_start({"name": "tool"}, "")
        sync_run = run.get_sync()
        call = PROCESSES.arun(Job(Body(open_and_hang), (), {}, run_context(sync_run), run=sync_run))
        waits_for = call.send(None)
        while len(listener.events) < 3:
            waits_for._asyncio_future_blocking = False
            await asyncio.wait([waits_for], timeout=10)
            waits_for = call.send(None)
        call.close()

    async_driver.run(close_in_the_middle())
    assert listener.names()[3:] == ["on_tool_error", "on_chain_error"]
    assert all(isinstance(error, GeneratorExit) for error in listener.of("on_tool_error"))
