"""Tools of ours in agents of the OpenAI SDK, and its runs in our traces; the model is the SDK's own `ScriptedModel`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import pytest

pytest.importorskip("agents", reason="could not import 'agents': the OpenAI Agents SDK")

import agents
from agents import Agent, Runner, function_tool, handoff
from agents.testing import ScriptedModel, assistant_message, function_call
from tests.interop.meeting import (
    THREE_ANSWERS,
    THREE_CALLS,
    assert_each_start_has_its_end,
    meeting_tool,
    three_tools,
    tree,
)

from toolrun import tool
from toolrun.interop.openai_agents import Unfinished, to_openai_agents, traced
from toolrun.testing import RecordingHandler
from toolrun.tools import InjectedToolArg
from toolrun.tools.exceptions import InvalidTool

Wanted = tuple[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def nothing_leaves_this_process() -> Iterator[None]:
    agents.set_tracing_disabled(True)
    yield
    agents.set_tracing_disabled(False)


def agent_wanting(wanted: Sequence[Wanted], tools: Sequence[Any], **options: Any) -> Agent[Any]:
    """An agent whose model wants these calls in its first turn, and then is done."""
    calls = [function_call(name, arguments, call_id=f"c{n}") for n, (name, arguments) in enumerate(wanted)]
    model = ScriptedModel([calls, [assistant_message("done")]])
    return Agent("helper", model=model, tools=list(tools), **options)


async def run(agent: Agent[Any], handler: Any, **options: Any) -> Any:
    async with traced("question", [handler]) as hooks:
        return await Runner.run(agent, "Go on.", hooks=hooks, **options)


def outputs(result: Any) -> list[Any]:
    return [item["output"] for item in result.to_input_list() if item.get("type") == "function_call_output"]


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def test_a_tool_runs_with_validated_arguments_and_a_run_of_ours(handler: Any, async_driver: Any) -> None:
    result = async_driver.run(run(agent_wanting([("add", {"a": "2"})], [to_openai_agents(add)]), handler))
    assert outputs(result) == ["3"]
    end = handler.named("on_tool_end")[0]
    assert (end.keywords["tool_call_id"], end.keywords["engine"]) == ("c0", "threads")


def test_a_model_is_told_the_same_of_it() -> None:
    theirs = to_openai_agents(add)
    assert (theirs.name, theirs.description) == ("add", "Add two numbers.")
    assert theirs.params_json_schema["required"] == ["a"]
    assert to_openai_agents(add, strict=True).params_json_schema["additionalProperties"] is False


def test_a_blocking_an_async_and_a_failing_tool_of_one_turn_meet_and_all_answer(
    handler: Any, async_driver: Any
) -> None:
    agent = agent_wanting(THREE_CALLS, [to_openai_agents(one) for one in three_tools()])
    result = async_driver.run(run(agent, handler))
    assert outputs(result) == THREE_ANSWERS
    assert result.final_output == "done"
    assert len(handler.named("on_tool_start")) == 3
    assert_each_start_has_its_end(handler)


def test_sixty_blocking_tools_of_one_turn_meet(handler: Any, async_driver: Any) -> None:
    wanted = [("meets", {"x": x}) for x in range(60)]
    result = async_driver.run(run(agent_wanting(wanted, [to_openai_agents(meeting_tool(60))]), handler))
    assert outputs(result) == [str(x) for x in range(60)]
    assert len(handler.named("on_tool_end")) == 60


def test_one_trace_holds_agents_models_and_all_tools(handler: Any, async_driver: Any) -> None:
    @function_tool
    def theirs(x: int) -> int:
        """Double."""
        return 2 * x

    agent = agent_wanting([("add", {"a": 1}), ("theirs", {"x": 1})], [to_openai_agents(add), theirs])
    async_driver.run(run(agent, handler))
    shown = tree(handler)
    assert (shown["add"], shown["theirs"], shown["helper"], shown["question"]) == ("helper", "helper", "question", None)
    assert len(handler.named("on_chat_model_start")) == len(handler.named("on_llm_end")) == 2
    assert_each_start_has_its_end(handler)


def test_an_agent_that_hands_over_ends_and_the_next_one_begins(handler: Any, async_driver: Any) -> None:
    second = Agent("second", model=ScriptedModel([[assistant_message("done")]]))
    over = handoff(second)
    first = Agent("first", model=ScriptedModel([[function_call(over.tool_name, {}, call_id="c0")]]), handoffs=[over])
    async_driver.run(run(first, handler))
    shown = tree(handler)
    assert (shown["first"], shown["second"]) == ("question", "question")
    assert_each_start_has_its_end(handler)


def test_an_exception_ends_the_run_where_that_is_wanted_and_leaves_nothing_open(
    handler: Any, async_driver: Any
) -> None:
    @tool
    def fails() -> None:
        """Fail."""
        raise ValueError("no")

    with pytest.raises(Exception, match="no"):
        async_driver.run(run(agent_wanting([("fails", {})], [to_openai_agents(fails, raise_errors=True)]), handler))
    assert handler.names[-1] == "on_chain_error"
    assert_each_start_has_its_end(handler)


def test_what_the_sdk_leaves_open_is_ended_with_the_block(handler: Any, async_driver: Any) -> None:
    async def leaves() -> None:
        async with traced("question", [handler]) as hooks:
            await hooks.on_agent_start(None, Agent("helper"))

    async_driver.run(leaves())
    assert handler.names == ["on_chain_start", "on_chain_start", "on_chain_error", "on_chain_end"]
    assert isinstance(handler.events[2].payload[0], Unfinished)


def test_without_a_trace_a_tool_runs_all_the_same(async_driver: Any) -> None:
    agent = agent_wanting([("add", {"a": 1})], [to_openai_agents(add)])
    assert outputs(async_driver.run(Runner.run(agent, "Go on."))) == ["2"]


def test_the_context_is_injected(handler: Any, async_driver: Any) -> None:
    @tool
    def who(x: int, context: Annotated[Any, InjectedToolArg]) -> str:
        """Who."""
        return f"{context.context} {context.tool_call_id}"

    agent = agent_wanting([("who", {"x": 1})], [to_openai_agents(who)])
    assert outputs(async_driver.run(run(agent, handler, context="ann"))) == ["ann c0"]
    assert set(to_openai_agents(who).params_json_schema["properties"]) == {"x"}


def test_content_blocks_are_named_as_the_sdk_does(handler: Any, async_driver: Any) -> None:
    @tool
    def shows() -> list[Any]:
        """Show."""
        image = {"type": "image_url", "image_url": {"url": "data:,x"}}
        return ["a", {"type": "text", "text": "b"}, image, {"type": "json", "json": {"c": 1}}]

    (output,) = outputs(async_driver.run(run(agent_wanting([("shows", {})], [to_openai_agents(shows)]), handler)))
    assert [block["type"] for block in output] == ["input_text", "input_text", "input_image", "input_text"]
    assert json.loads(output[3]["text"])["json"] == {"c": 1}


@pytest.mark.parametrize("arguments", ["{", "[1]", '{"a": "x"}'])
def test_wrong_arguments_are_told_to_the_model_and_harm_no_sibling(
    arguments: str, handler: Any, async_driver: Any
) -> None:
    calls = [function_call("add", arguments, call_id="c0"), function_call("add", {"a": 1}, call_id="c1")]
    agent = Agent("helper", model=ScriptedModel([calls, [assistant_message("done")]]), tools=[to_openai_agents(add)])
    wrong, right = outputs(async_driver.run(run(agent, handler)))
    assert "Error" in wrong
    assert right == "2"


def test_what_is_no_tool_of_ours_is_refused() -> None:
    with pytest.raises(InvalidTool, match="no tool of toolrun"):
        to_openai_agents(print)  # type: ignore[arg-type]
