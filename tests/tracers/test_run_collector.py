"""Collecting the runs made in a block."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from toolrun.callbacks import AsyncCallbackManager, CallbackManager
from toolrun.tracers import RunCollectorCallbackHandler, collect_runs


async def one_tool_run(manager: Any) -> None:
    await (await manager.on_tool_start({"name": "t"}, "x")).on_tool_end(1)


def configured(manager: Any) -> Any:
    """What a tool makes of it when it is called: hooks join here."""
    kind = type(manager.subject)
    return type(manager)(kind.configure(manager.subject))


def test_the_runs_of_the_block_are_collected_and_no_others(sync_tracer: Any) -> None:
    async def scenario(manager: Any) -> Any:
        await one_tool_run(configured(manager))
        with collect_runs() as collected:
            await one_tool_run(configured(manager))
        await one_tool_run(configured(manager))
        return collected

    assert [run.name for run in sync_tracer.run(scenario, []).traced_runs] == ["t"]


def test_blocks_may_be_nested(sync_tracer: Any) -> None:
    async def scenario(manager: Any) -> Any:
        with collect_runs() as outer:
            await one_tool_run(configured(manager))
            with collect_runs() as inner:
                await one_tool_run(configured(manager))
        return len(outer.traced_runs), len(inner.traced_runs)

    assert sync_tracer.run(scenario, []) == (2, 1)


def test_collected_runs_carry_the_example_that_they_belong_to() -> None:
    example = uuid4()
    collector = RunCollectorCallbackHandler(example_id=str(example))
    CallbackManager([collector]).on_tool_start({}, "x").on_tool_end(1)
    assert collector.traced_runs[0].reference_example_id == example


def test_a_thousand_blocks_leave_nothing_behind() -> None:
    for _ in range(1000):
        with collect_runs():
            pass
    assert AsyncCallbackManager.configure().handlers == []
