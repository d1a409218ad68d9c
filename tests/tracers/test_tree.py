"""The tree of runs, as a tracer sees it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from toolrun.tracers import TracerException
from toolrun.tracers._core import UnknownRun, WrongRunType


async def an_agent(manager: Any) -> None:
    """A chain that asks a model, calls a tool, which asks a retriever, and ends."""
    chain = await manager.on_chain_start({"name": "agent"}, {"question": "why?"})
    children = await chain.get_child()
    (model,) = await children.on_llm_start({"id": ["models", "parrot"]}, ["why?"])
    await model.on_llm_end({"said": "search"})
    tool = await children.on_tool_start({"name": "search"}, "why", inputs={"query": "why"}, tool_call_id="call_1")
    retriever = await (await tool.get_child()).on_retriever_start({}, "why")
    await retriever.on_retriever_end(["because"])
    await tool.on_tool_end("because")
    await chain.on_chain_end("because")


def test_runs_of_every_kind_hang_where_they_happened(pair: Any) -> None:
    (root,) = pair.trace(an_agent).roots
    assert [(run.run_type, run.name) for run in root.walk()] == [
        ("chain", "agent"),
        ("llm", "parrot"),
        ("tool", "search"),
        ("retriever", "Retriever"),
    ]
    assert root.child_runs[1].child_runs[0].parent_run_id == root.child_runs[1].id


def test_a_run_has_what_went_in_and_what_came_out(pair: Any) -> None:
    (root,) = pair.trace(an_agent).roots
    model, tool = root.child_runs
    assert (root.inputs, root.outputs) == ({"question": "why?"}, {"output": "because"})
    assert (model.inputs, model.outputs) == ({"prompts": ["why?"]}, {"said": "search"})
    assert (tool.inputs, tool.outputs) == ({"query": "why"}, {"output": "because"})
    assert tool.extra["tool_call_id"] == "call_1"
    assert tool.child_runs[0].outputs == {"documents": ["because"]}


def test_all_runs_of_a_trace_sort_by_dotted_order(pair: Any) -> None:
    (root,) = pair.trace(an_agent).roots
    runs = list(root.walk())
    assert sorted(runs, key=lambda run: run.dotted_order) == runs
    assert {run.trace_id for run in runs} == {root.id}


def test_tags_and_metadata_are_kept(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        manager.subject.add_tags(["fast"])
        manager.subject.add_metadata({"user": 7})
        await (await manager.on_tool_start({"name": "t"}, "x")).on_tool_end(1)

    (run,) = pair.trace(scenario).roots
    assert (run.tags, run.metadata) == (["fast"], {"user": 7})


def test_a_failure_is_kept_with_its_traceback(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        run = await manager.on_tool_start({"name": "t"}, "x")
        try:
            raise ValueError("too loud")
        except ValueError as error:
            await run.on_tool_error(error)

    (run,) = pair.trace(scenario).roots
    assert run.error.startswith("ValueError('too loud')") and "Traceback" in run.error
    assert [event["name"] for event in run.events] == ["start", "error"]


def test_tokens_and_retries_are_events_of_the_run(pair: Any) -> None:
    attempt = SimpleNamespace(idle_for=1.5, attempt_number=2, outcome=None)

    async def scenario(manager: Any) -> None:
        (model,) = await manager.on_llm_start({}, ["hi"])
        await model.on_llm_new_token("ho")
        await model.on_retry(attempt)
        await model.on_llm_end({"said": "ho"})

    (run,) = pair.trace(scenario).roots
    assert [event["name"] for event in run.events] == ["start", "new_token", "retry", "end"]
    assert run.events[1]["kwargs"] == {"token": "ho"}
    assert run.events[2]["kwargs"] == {"slept": 1.5, "attempt": 2, "outcome": "N/A"}


def test_a_chat_model_is_traced_as_text_unless_asked_for_otherwise(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        message = SimpleNamespace(type="human", content="hi", model_dump=lambda: {"content": "hi"})
        (model,) = await manager.on_chat_model_start({"name": "parrot"}, [[message]])
        await model.on_llm_end({"said": "ho"})

    (as_text,) = pair.trace(scenario).roots
    assert (as_text.run_type, as_text.inputs) == ("llm", {"prompts": ["Human: hi"]})
    (as_chat,) = pair.trace(scenario, _schema_format="original+chat").roots
    assert (as_chat.run_type, as_chat.inputs) == ("chat_model", {"messages": [[{"content": "hi"}]]})


def test_hooks_come_in_order_with_those_of_every_kind_first(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        await (await manager.on_tool_start({}, "x")).on_tool_end(1)

    assert pair.trace(scenario).hooks == ["create", "tool_start", "update", "tool_end"]


def test_a_run_whose_parent_is_not_here_is_a_root(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        await (await manager.on_tool_start({}, "x", parent_run_id=uuid4())).on_tool_end(1)

    (run,) = pair.trace(scenario).roots
    assert run.parent_run_id is None
    assert run.trace_id == run.id


def test_an_event_of_an_unknown_run_is_refused(sync_tracer: Any) -> None:
    with pytest.raises(UnknownRun, match="has ended"):
        sync_tracer.tracer().on_tool_end("late", run_id=uuid4())


def test_an_event_of_another_kind_of_run_is_refused(sync_tracer: Any) -> None:
    tracer, run_id = sync_tracer.tracer(), uuid4()
    tracer.on_llm_start({}, ["hi"], run_id=run_id)
    with pytest.raises(WrongRunType, match="is a llm run, but the event is one of a tool run"):
        tracer.on_tool_end("x", run_id=run_id)
    assert issubclass(WrongRunType, TracerException)


def test_a_models_answer_keeps_its_messages_in_the_form_that_they_choose(pair: Any) -> None:
    message = SimpleNamespace(tool_calls=["a", "b"], to_json=lambda: {"lc": 1, "kwargs": {"content": "ho"}})
    response = SimpleNamespace(
        generations=[[SimpleNamespace(message=message)]],
        model_dump=lambda: {"generations": [[{"text": "ho", "message": {"content": "ho"}}]]},
    )

    async def scenario(manager: Any) -> None:
        (model,) = await manager.on_llm_start({}, ["hi"])
        await model.on_llm_end(response)

    (run,) = pair.trace(scenario).roots
    assert run.outputs["generations"][0][0]["message"] == {"lc": 1, "kwargs": {"content": "ho"}}
    assert run.extra["tool_call_count"] == 2


def test_what_a_model_had_said_before_it_failed_is_kept(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        (model,) = await manager.on_llm_start({}, ["hi"])
        await model.on_llm_error(ConnectionError(), response={"said": "so f"})

    (run,) = pair.trace(scenario).roots
    assert run.outputs == {"said": "so f"}


def test_the_name_given_to_a_call_wins_over_the_tools_own(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        await (await manager.on_tool_start({"name": "search"}, "x", name="second try")).on_tool_end(1)

    assert [run.name for run in pair.trace(scenario).roots] == ["second try"]
