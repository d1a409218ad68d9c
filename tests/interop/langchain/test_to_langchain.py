"""One of our tools as LangChain's: called by hand as agents call tools, and with what LangGraph injects."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import BaseCallbackHandler as TheirHandler
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.utils.function_calling import convert_to_openai_tool
from tests.interop.langchain.fakes import QUESTION, agent_wanting, tool_call, tool_messages

from toolrun import tool
from toolrun.interop.langchain import to_langchain
from toolrun.testing import FakeTool, RecordingHandler
from toolrun.tools import InjectedToolCallId, StructuredTool, Tool
from toolrun.tools.exceptions import InvalidTool


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@tool
def fails() -> str:
    """Fail."""
    raise ValueError("no")


def test_a_tool_call_gets_langchains_message(driver: Any) -> None:
    message = driver.invoke(to_langchain(add), tool_call("add", a=2))
    assert message == ToolMessage("3", name="add", tool_call_id="call-1")


def test_bare_arguments_get_the_bare_value(driver: Any) -> None:
    assert driver.invoke(to_langchain(add), {"a": 2}) == 3


def test_an_artifact_goes_with_the_message(driver: Any) -> None:
    @tool(response_format="content_and_artifact")
    def both() -> tuple[str, list[int]]:
        """Two."""
        return "said", [1, 2]

    message = driver.invoke(to_langchain(both), tool_call("both"))
    assert (message.content, message.artifact, message.status) == ("said", [1, 2], "success")


def test_a_model_is_told_the_same_of_it() -> None:
    told = convert_to_openai_tool(to_langchain(add))["function"]
    assert (told["name"], told["description"]) == ("add", "Add two numbers.")
    assert told["parameters"]["required"] == ["a"]


@pytest.mark.parametrize("kind", [StructuredTool, Tool, FakeTool], ids=lambda kind: kind.__name__)
def test_every_class_of_tools_goes_over(kind: Any, driver: Any) -> None:
    if kind is FakeTool:
        ours: Any = FakeTool(outcomes=["got"])
    else:
        ours = kind.from_function(lambda text: "got", name="fake", description="Gets.")
    message = driver.invoke(to_langchain(ours), tool_call("fake", text="x"))
    assert message.content == "got"


def test_a_failing_call_is_answered_so_that_an_agent_goes_on(driver: Any) -> None:
    handler = RecordingHandler()
    message = driver.invoke(to_langchain(fails), tool_call("fails"), {"callbacks": [handler]})
    assert (message.content, message.status) == ("ValueError: no", "error")
    assert handler.names == ["on_tool_start", "on_tool_error"]


@pytest.mark.parametrize(("given", "raises"), [(tool_call("fails"), True), ({}, False), ({}, True)])
def test_an_error_is_raised_where_nothing_is_to_be_answered(given: Any, raises: bool, driver: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        driver.invoke(to_langchain(fails, raise_errors=raises), given)


def test_langchains_handlers_and_tracers_see_langchains_message(driver: Any) -> None:
    class Theirs(TheirHandler):
        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            seen.append((output, kwargs["tool_call_id"]))

    seen: list[Any] = []
    collector = RunCollectorCallbackHandler()
    driver.invoke(to_langchain(add), tool_call("add", a=2), {"callbacks": [Theirs(), collector]})
    assert seen == [(ToolMessage("3", name="add", tool_call_id="call-1"), "call-1")]
    (traced,) = collector.traced_runs
    assert (traced.run_type, traced.name, traced.inputs) == ("tool", "add", {"a": 2})


def test_the_config_of_the_call_reaches_tool_and_handlers(driver: Any) -> None:
    @tool
    def configured(config: RunnableConfig) -> str:
        """Say."""
        return str(config["configurable"]["user"])

    handler = RecordingHandler()
    config = {"callbacks": [handler], "tags": ["t"], "metadata": {"m": 1}, "run_name": "named"}
    config["configurable"] = {"user": "ann"}
    assert driver.invoke(to_langchain(configured), {}, config) == "ann"
    start = handler.events[0].keywords
    assert (start["tags"], start["metadata"]["m"], start["name"]) == (["t"], 1, "named")


def test_the_tool_call_id_is_injected(driver: Any) -> None:
    @tool
    def who(call: Annotated[str, InjectedToolCallId]) -> str:
        """Who."""
        return call

    assert driver.invoke(to_langchain(who), tool_call("who")).content == "call-1"


def test_langgraph_injects_state_store_and_runtime(driver: Any) -> None:
    prebuilt = pytest.importorskip("langgraph.prebuilt")
    memory = pytest.importorskip("langgraph.store.memory")

    def looks(
        x: int,
        state: Annotated[dict, prebuilt.InjectedState],  # type: ignore[type-arg]
        store: Annotated[Any, prebuilt.InjectedStore()],
        runtime: prebuilt.ToolRuntime,
    ) -> str:
        """Look."""
        return f"{x} {len(state['messages'])} {type(store).__name__} {runtime.tool_call_id}"

    looks.__annotations__ = {
        "x": int,
        "state": Annotated[dict, prebuilt.InjectedState],
        "store": Annotated[Any, prebuilt.InjectedStore()],
        "runtime": prebuilt.ToolRuntime,
    }
    ours, handler = tool(looks), RecordingHandler()
    agent = agent_wanting([("looks", {"x": 1})], [to_langchain(ours)], store=memory.InMemoryStore())
    answer = driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    assert [message.content for message in tool_messages(answer)] == ["1 2 InMemoryStore c0"]
    assert handler.named("on_tool_start")[0].keywords["inputs"] == {"x": 1}
    assert set(to_langchain(ours).args) == {"x"}


def test_a_tool_may_pause_the_agent_and_go_on_with_the_answer(driver: Any) -> None:
    types = pytest.importorskip("langgraph.types")
    memory = pytest.importorskip("langgraph.checkpoint.memory")

    @tool
    def ask(question: str) -> str:
        """Ask."""
        return f"It is {types.interrupt(question)}."

    agent = agent_wanting([("ask", {"question": "name?"})], [to_langchain(ask)], checkpointer=memory.InMemorySaver())
    handler = RecordingHandler()
    config = {"configurable": {"thread_id": "1"}, "callbacks": [handler]}
    paused = driver.invoke(agent, QUESTION, config)
    assert [interrupt.value for interrupt in paused["__interrupt__"]] == ["name?"]
    assert handler.named("on_tool_error")[0].keywords["paused"] is True
    answer = driver.invoke(agent, types.Command(resume="Ann"), config)
    assert [message.content for message in tool_messages(answer)] == ["It is Ann."]


def test_what_is_no_tool_of_ours_is_refused() -> None:
    with pytest.raises(InvalidTool, match="no tool of toolrun"):
        to_langchain(print)  # type: ignore[arg-type]
