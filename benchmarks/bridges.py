"""Agents of other frameworks with tools of ours beside their own, and LangChain before and after `install()`.

Frameworks that are absent are left out. Their models are the fakes that they ship: nothing but the turn is measured.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

from benchmarks.harness import OURS, PEER, Bound, Figures, Measure, Metric, Scenario, on_loop, per_async_run
from benchmarks.libraries import ARGUMENTS, add, async_add

CALLS = 60
SECONDS = 0.5
TURN = (Metric("wall", "ms", Bound(800, scales=False)),)
ALONE = "alone"


def scenarios() -> Iterator[Scenario]:
    turns = {"langgraph": _langgraph, "agents": _openai_agents, "pydantic_ai": _pydantic_ai}
    for package, turn in turns.items():
        if find_spec(package) is not None and find_spec("langchain" if package == "langgraph" else package):
            name = f"{CALLS} blocking {SECONDS} s tools in one turn of {package}"
            yield Scenario(name, TURN, {OURS: _wall(turn(ours=True)), ALONE: _wall(turn(ours=False))}, rounds=3)
    if find_spec("langchain_core") is not None:
        for label, function in (("an async", async_add), ("a sync", add)):
            yield _installed(f"ainvoke of {label} tool of LangChain", _ainvoke(function))
    if find_spec("langgraph") is not None:
        yield _installed("LangGraph's tool node, one async tool", _tool_node())


def block(x: int) -> int:
    """Blocks for a while."""
    time.sleep(SECONDS)
    return x


def _wall(turn: Callable[[], Awaitable[Any]]) -> Measure:
    async def measure() -> Figures:
        started = time.perf_counter()
        await turn()
        return ((time.perf_counter() - started) * 1e3,)

    return on_loop(measure)


# ── LangChain before and after ─────────────────────────────────────────────────────────────────────────

Call = Callable[[], Awaitable[Any]]


def _installed(name: str, call: Call) -> Scenario:
    """The same call of LangChain's, as it is (the peer's figure) and after `install()` (ours)."""
    return Scenario(
        f"{name}, before and after install()",
        (Metric("per run", "us", Bound(faster_than_peer=1)),),
        {PEER: per_async_run(call), OURS: _while_installed(per_async_run(call))},
    )


def _while_installed(measure: Measure) -> Measure:
    from toolrun.interop.langchain import install, uninstall

    def measured() -> Figures:
        install()
        try:
            return measure()
        finally:
            uninstall()

    return measured


def _ainvoke(function: Any) -> Call:
    from langchain_core.tools import tool

    return partial(tool(function).ainvoke, ARGUMENTS)


def _tool_node() -> Call:
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode

    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool(async_add)]))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    call = {"type": "tool_call", "id": "c0", "name": "async_add", "args": ARGUMENTS}
    return partial(graph.compile().ainvoke, {"messages": [AIMessage("", tool_calls=[call])]})


# ── one turn of an agent ───────────────────────────────────────────────────────────────────────────────


def _langgraph(*, ours: bool) -> Call:
    from langchain.agents import create_agent
    from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool as their_tool

    import toolrun
    from toolrun.interop.langchain import to_langchain

    class Model(FakeMessagesListChatModel):
        def bind_tools(self, tools: Any, **options: Any) -> Any:
            return self

    calls = [{"type": "tool_call", "id": f"c{x}", "name": "block", "args": {"x": x}} for x in range(CALLS)]
    tool = to_langchain(toolrun.tool(block)) if ours else their_tool(block)
    agent = create_agent(Model(responses=[AIMessage("", tool_calls=calls), AIMessage("done")]), [tool])
    return partial(agent.ainvoke, {"messages": [("user", "Go on.")]})


def _openai_agents(*, ours: bool) -> Call:
    from agents import Agent, Runner, function_tool, set_tracing_disabled
    from agents.testing import ScriptedModel, assistant_message, function_call

    import toolrun
    from toolrun.interop.openai_agents import to_openai_agents

    set_tracing_disabled(True)
    tool = to_openai_agents(toolrun.tool(block)) if ours else function_tool(block)

    async def turn() -> Any:
        calls = [function_call("block", {"x": x}, call_id=f"c{x}") for x in range(CALLS)]
        model = ScriptedModel([calls, [assistant_message("done")]])
        return await Runner.run(Agent("helper", model=model, tools=[tool]), "Go on.")

    return turn


def _pydantic_ai(*, ours: bool) -> Call:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    import toolrun
    from toolrun.interop.pydantic_ai import to_pydantic_ai

    def answer(messages: Any, info: Any) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse([TextPart("done")])
        return ModelResponse([ToolCallPart("block", {"x": x}, f"c{x}") for x in range(CALLS)])

    tool = to_pydantic_ai(toolrun.tool(block)) if ours else block
    return partial(Agent(FunctionModel(answer), tools=[tool]).run, "Go on.")
