"""A tracer that lives as long as its process keeps nothing of runs that have ended."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import Any
from uuid import uuid4

from toolrun.tracers import BaseTracer, Run


async def a_nested_run(manager: Any) -> None:
    chain = await manager.on_chain_start({}, {})
    tool = await (await chain.get_child()).on_tool_start({}, "x")
    await tool.on_tool_error(ValueError())
    await chain.on_chain_end({})


def test_nothing_keyed_by_a_run_outlives_it(pair: Any) -> None:
    async def scenario(manager: Any) -> None:
        for _ in range(50):
            await a_nested_run(manager)

    tracer = pair.trace(scenario)
    kept = {name: value for name, value in vars(tracer).items() if name not in ("roots", "hooks")}
    assert not [name for name, value in kept.items() if isinstance(value, dict | list | set) and value]


def test_a_run_is_freed_also_when_it_cannot_be_persisted() -> None:
    class Failing(BaseTracer):
        def _persist_run(self, run: Run) -> None:
            raise OSError("disk full")

    tracer = Failing()
    run = weakref.ref(tracer.on_tool_start({}, "x", run_id=(run_id := uuid4())))
    with suppress(OSError):
        tracer.on_tool_end(1, run_id=run_id)
    assert not tracer.run_map
    assert run() is None
