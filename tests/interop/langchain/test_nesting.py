"""One tree of runs, whichever library opened them, and whoever's handlers listen."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import BaseCallbackHandler as TheirHandler
from langchain_core.callbacks import dispatch_custom_event as dispatch_theirs
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from tests.interop.langchain.fakes import QUESTION, agent_wanting
from tests.interop.meeting import assert_each_start_has_its_end, tree

from toolrun import tool
from toolrun.callbacks import CallbackManager, flush_sync
from toolrun.interop._agents import manager_here, within
from toolrun.interop.langchain import for_langchain, to_langchain
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@pytest.fixture(params=[RecordingHandler, AsyncRecordingHandler])
def handler(request: pytest.FixtureRequest) -> Any:
    return request.param()


def test_our_tool_called_in_a_chain_is_its_child(handler: Any, driver: Any) -> None:
    chain = RunnableLambda(lambda x: add.invoke({"a": x}), name="chain")
    assert driver.invoke(chain, 1, {"callbacks": [handler]}) == 2
    assert tree(handler) == {"chain": None, "add": "chain"}
    assert_each_start_has_its_end(handler)


def test_a_chain_called_in_our_tool_is_its_child_and_so_on(handler: Any, driver: Any) -> None:
    inner = RunnableLambda(lambda x: add.invoke({"a": x}), name="inner")

    @tool
    def outer(x: int) -> int:
        """Call."""
        result: int = inner.invoke(x)
        return result

    assert driver.invoke(outer, {"x": 1}, {"callbacks": [handler]}) == 2
    assert tree(handler) == {"outer": None, "inner": "outer", "add": "inner"}
    assert_each_start_has_its_end(handler)


def test_a_tool_called_in_our_tool_in_a_chain_is_the_tools_child(handler: Any, driver: Any) -> None:
    @tool
    def middle(x: int) -> int:
        """Call."""
        result: int = add.invoke({"a": x})
        return result

    chain = RunnableLambda(lambda x: middle.invoke({"x": x}), name="chain")
    assert driver.invoke(chain, 1, {"callbacks": [handler]}) == 2
    assert tree(handler) == {"chain": None, "middle": "chain", "add": "middle"}


@pytest.mark.parametrize("around", ["a chain", "a tool"])
def test_a_run_of_a_third_framework_is_in_the_tree_where_it_is_called(around: str, async_driver: Any) -> None:
    async def agent() -> Any:
        run = await manager_here().on_chain_start({"name": "agent"}, {}, name="agent")
        inner = RunnableLambda(lambda x: add.invoke({"a": x}), name="inner")
        return await within(run, "chain", lambda: inner.ainvoke(1))

    async def calls(x: int) -> Any:
        """Call."""
        result = await agent()
        add.invoke({"a": x}, {"run_name": "afterwards"})
        return result

    handler = RecordingHandler()
    caller: Any = RunnableLambda(calls, name="caller") if around == "a chain" else tool("caller", calls)
    async_driver.invoke(caller, 1 if around == "a chain" else {"x": 1}, {"callbacks": [handler]})
    expected = {"caller": None, "agent": "caller", "inner": "agent", "add": "inner", "afterwards": "caller"}
    assert tree(handler) == expected


def test_tags_and_metadata_of_a_chain_are_inherited(driver: Any) -> None:
    handler = RecordingHandler()
    chain = RunnableLambda(lambda x: add.invoke({"a": x}))
    driver.invoke(chain, 1, {"callbacks": [handler], "tags": ["t"], "metadata": {"m": 1}})
    start = handler.named("on_tool_start")[0]
    assert start.keywords["tags"] == ["t"]
    assert start.keywords["metadata"]["m"] == 1


def test_one_trace_holds_the_agents_models_chains_and_tools(handler: Any, driver: Any) -> None:
    agent = agent_wanting([("add", {"a": 1}), ("add", {"a": 2})], [to_langchain(add)])
    driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    kinds = {event.name for event in handler.events if event.name.endswith("_start")}
    assert kinds == {"on_chain_start", "on_chat_model_start", "on_tool_start"}
    assert sum(event.parent_run_id is None for event in handler.events if event.name.endswith("_start")) == 1
    assert len(handler.named("on_tool_end")) == 2
    assert_each_start_has_its_end(handler)


def test_a_tracer_of_langchains_has_the_whole_tree(driver: Any) -> None:
    inner = RunnableLambda(lambda x: add.invoke({"a": x}), name="inner")

    @tool
    def outer(x: int) -> int:
        """Call."""
        result: int = inner.invoke(x)
        return result

    collector = RunCollectorCallbackHandler()
    driver.invoke(outer, {"x": 1}, {"callbacks": [collector]})
    (root,) = collector.traced_runs
    assert (root.name, root.run_type) == ("outer", "tool")
    (chain,) = root.child_runs
    assert (chain.name, [run.name for run in chain.child_runs]) == ("inner", ["add"])


def test_a_custom_event_of_langchains_belongs_to_our_run(handler: Any, driver: Any) -> None:
    @tool
    def tells() -> None:
        """Tell."""
        dispatch_theirs("half", {"percent": 50})

    driver.invoke(tells, {}, {"callbacks": [handler]})
    assert [event.name for event in handler.events] == ["on_tool_start", "on_custom_event", "on_tool_end"]
    assert len({event.run_id for event in handler.events}) == 1


def test_a_background_handler_of_ours_keeps_its_lane_under_langchain(driver: Any) -> None:
    handler = RecordingHandler()
    handler.background = True
    driver.invoke(RunnableLambda(lambda x: x), 1, {"callbacks": [for_langchain(handler)]})
    assert flush_sync(10)
    assert handler.names == ["on_chain_start", "on_chain_end"]
    assert "MainThread" not in {event.thread for event in handler.events}


def test_the_config_of_our_tool_makes_what_it_calls_its_child(handler: Any, driver: Any) -> None:
    @tool
    def outer(x: int, config: RunnableConfig) -> int:
        """Call."""
        result: int = RunnableLambda(lambda y: y + 1, name="inner").invoke(x, config)
        return result

    assert driver.invoke(outer, {"x": 1}, {"callbacks": [handler]}) == 2
    assert tree(handler) == {"outer": None, "inner": "outer"}


def test_a_handler_of_langchains_that_overrides_nothing_is_told_nothing() -> None:
    run = CallbackManager([TheirHandler()]).on_tool_start({"name": "x"}, "")
    assert run._delivery.plan["on_tool_start"] is None
    run.on_tool_end(1)
