"""LangChain on toolrun: its own tools, handlers and agents, without a change in them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import AsyncCallbackHandler as TheirAsyncHandler
from langchain_core.callbacks import BaseCallbackHandler as TheirHandler
from langchain_core.callbacks import CallbackManager as TheirManager
from langchain_core.callbacks import manager as their_manager
from langchain_core.callbacks.manager import handle_event as imported_by_name
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools import tool
from tests.interop.langchain.fakes import QUESTION, agent_wanting, tool_call, tool_messages

import toolrun.interop.langchain
from toolrun import InvalidPolicy, ToolTimeout
from toolrun.callbacks import flush_sync, register_configure_hook
from toolrun.interop.langchain import AlreadyRunning, install, is_installed, uninstall
from toolrun.testing import RecordingHandler
from toolrun.tools.exceptions import InvalidTool


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    install()
    yield
    uninstall()


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@tool
def process_id() -> int:
    """Say where."""
    return os.getpid()


def test_their_tools_have_runs_of_ours(driver: Any) -> None:
    handler = RecordingHandler()
    message = driver.invoke(add, tool_call("add", a=1), {"callbacks": [handler]})
    assert (type(message).__module__, message.content) == ("langchain_core.messages.tool", "2")
    assert handler.names == ["on_tool_start", "on_tool_end"]
    assert handler.events[1].keywords["engine"] in ("inline", "threads")
    assert {event.keywords["tool_call_id"] for event in handler.events} == {"call-1"}


def test_a_timeout_for_all_tools_stops_one_that_hangs(driver: Any) -> None:
    gate = threading.Event()

    @tool
    def hangs() -> bool:
        """Hang."""
        return gate.wait(60)

    install(timeout=0.02)
    try:
        with pytest.raises(ToolTimeout):
            driver.invoke(hangs, {})
    finally:
        gate.set()


def test_a_tool_by_name_has_a_policy_of_its_own_and_an_engine_of_its_own(driver: Any) -> None:
    install(timeout=60, tools={"process_id": {"engine": "processes"}})
    assert driver.invoke(process_id, {}) != os.getpid()
    assert driver.invoke(add, {"a": 1}) == 2


def test_a_blocking_tool_that_is_awaited_leaves_the_loop_for_our_pool(async_driver: Any) -> None:
    @tool
    def where() -> str:
        """Say where."""
        return threading.current_thread().name

    assert async_driver.invoke(where, {}).startswith("toolrun")


def test_sixty_blocking_tools_of_one_turn_meet(driver: Any) -> None:
    barrier, handler = threading.Barrier(60), RecordingHandler()

    @tool
    def meets(x: int) -> int:
        """Meet."""
        barrier.wait(60)
        return x

    agent = agent_wanting([("meets", {"x": x}) for x in range(60)], [meets])
    answer = driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    assert [message.content for message in tool_messages(answer)] == [str(x) for x in range(60)]
    assert len(handler.named("on_tool_start")) == len(handler.named("on_tool_end")) == 60


def test_chains_tell_their_events_by_our_rules(driver: Any) -> None:
    """A background handler has its lane, and a handler one context for its run: LangChain alone gives neither."""

    class Tokens(TheirHandler):
        def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            self.token = variable.set("in the run")

        def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
            seen.append(variable.get(None))
            variable.reset(self.token)

    variable: ContextVar[str] = ContextVar("variable")
    seen: list[str | None] = []
    handler = RecordingHandler()
    handler.background = True
    driver.invoke(RunnableLambda(lambda x: x), 1, {"callbacks": [handler, Tokens()]})
    assert flush_sync(10)
    assert handler.names == ["on_chain_start", "on_chain_end"]
    assert "MainThread" not in {event.thread for event in handler.events}
    assert seen == ["in the run"]


def test_a_handler_that_joins_every_run_joins_those_of_chains_and_models(driver: Any) -> None:
    handler, variable = RecordingHandler(), ContextVar[Any]("variable", default=None)
    undo = register_configure_hook(variable, inheritable=True)
    token = variable.set(handler)
    try:
        driver.invoke(agent_wanting([("add", {"a": 1})], [add]), QUESTION)
    finally:
        variable.reset(token)
        undo()
    kinds = {event.name for event in handler.events if event.name.endswith("_start")}
    assert kinds == {"on_chain_start", "on_chat_model_start", "on_tool_start"}
    starts = [event for event in handler.events if event.name.endswith("_start")]
    assert len({event.run_id for event in starts}) == len(starts)


def test_a_failing_handler_harms_no_other_and_is_named(driver: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(TheirHandler):
        def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            raise ValueError("broken")

    handler = RecordingHandler()
    assert driver.invoke(RunnableLambda(lambda x: x), 1, {"callbacks": [Broken(), handler]}) == 1
    assert handler.names == ["on_chain_start", "on_chain_end"]
    assert "Broken.on_chain_start failed for run" in caplog.text


def test_their_async_handlers_of_sync_runs_share_one_loop() -> None:
    class Loops(TheirAsyncHandler):
        async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
            loops.append(asyncio.get_running_loop())

        async def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
            loops.append(asyncio.get_running_loop())

    loops: list[Any] = []
    add.invoke({"a": 1}, {"callbacks": [Loops()]})
    assert loops[0] is loops[1]


def test_an_async_handler_has_each_event_of_sync_code_in_a_loop_before_that_code_goes_on(async_driver: Any) -> None:
    """As the handlers of event streams need it, whose stream ends with the code."""

    class Counts(TheirAsyncHandler):
        async def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            counted.append("start")

        async def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
            counted.append("end")

    counted: list[str] = []
    seen: list[list[str]] = []
    inner = RunnableLambda(lambda x: x)

    async def outer(x: int) -> int:
        inner.invoke(x)
        seen.append(list(counted))
        return x

    async_driver.invoke(RunnableLambda(outer), 1, {"callbacks": [Counts()]})
    assert seen == [["start", "start", "end"]]


def test_what_was_made_before_and_what_is_made_after_are_installed_alike() -> None:
    made_before = TheirManager([RecordingHandler()])
    made_before.on_tool_start({"name": "x"}, "").on_tool_end(1)
    assert made_before.handlers[0].names == ["on_tool_start", "on_tool_end"]
    assert imported_by_name is their_manager.handle_event
    assert sys.modules[__name__].imported_by_name is their_manager.handle_event  # type: ignore[attr-defined]


def test_a_tool_that_is_renamed_or_set_anew_is_called_as_it_is_now(driver: Any) -> None:
    @tool(response_format="content_and_artifact")
    def both() -> tuple[str, int]:
        """Two."""
        return "said", 1

    handler = RecordingHandler()
    assert driver.invoke(both, tool_call("both")).artifact == 1
    both.name, both.response_format = "renamed", "content"
    message = driver.invoke(both, tool_call("renamed"), {"callbacks": [handler]})
    assert (message.name, message.artifact) == ("renamed", None)
    assert handler.events[0].payload[0]["name"] == "renamed"


def test_tools_are_not_kept() -> None:
    import gc

    @tool
    def short_lived() -> None:
        """Go."""

    known = toolrun.interop.langchain._known.known
    short_lived.invoke({})
    assert id(short_lived) in known
    key = id(short_lived)
    del short_lived
    gc.collect()
    assert key not in known


def test_nothing_is_kept_of_runs_that_have_ended(async_driver: Any) -> None:
    """Also where LangGraph tells some handlers the start of a model apart, and the end together."""

    async def stream() -> list[Any]:
        agent = agent_wanting([("add", {"a": 1})], [add])
        modes = ["messages", "tools", "updates"]
        return [part async for part in agent.astream(QUESTION, {"callbacks": [RecordingHandler()]}, stream_mode=modes)]

    assert async_driver.run(stream())
    assert not toolrun.interop.langchain._events._open


def test_uninstalling_puts_everything_back() -> None:
    uninstall()
    try:
        before = TheirTool.run, TheirTool.arun, their_manager.handle_event
        assert all(function.__module__.startswith("langchain_core") for function in before)
        handler = RecordingHandler()
        add.invoke({"a": 1}, {"callbacks": [handler]})
        assert "engine" not in handler.events[1].keywords
        assert not is_installed()
        install()
        uninstall()
        assert (TheirTool.run, TheirTool.arun, their_manager.handle_event) == before
        uninstall()
    finally:
        install()
    assert is_installed()


@pytest.mark.parametrize("change", [install, uninstall])
def test_inside_a_run_it_is_too_late(change: Any, driver: Any) -> None:
    chain = RunnableLambda(lambda _: change())
    with pytest.raises(AlreadyRunning, match=r"Call it before the first invoke"):
        driver.invoke(chain, 1)


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(InvalidTool, match="timeuot"):
        install(timeuot=3)
    with pytest.raises(InvalidPolicy, match="search"):
        install(tools={"search": {"timeout": -1}})
