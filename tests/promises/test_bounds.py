"""Promise 10: what is kept for a run goes with the run; a million of them leave memory flat."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

RUNS = 200


def work() -> str:
    """Works."""
    return "done"


@pytest.mark.defect(10)
def test_a_usage_callback_leaves_nothing_behind(lib: Any) -> None:
    tool = lib.tool(work)

    def use(times: int) -> None:
        for _ in range(times):
            with lib.get_usage_metadata_callback():
                tool.invoke({})

    use(RUNS)
    before = _allocated_blocks()
    use(RUNS)
    assert _allocated_blocks() - before < RUNS


@pytest.mark.defect(10)
def test_a_tracer_keeps_nothing_of_a_run_that_ended(lib: Any, driver: Any) -> None:
    base = lib.AsyncBaseTracer if driver.is_async else lib.BaseTracer
    tracer = _persisting(base)()
    tool = lib.tool(work)
    for _ in range(RUNS):
        driver.invoke(tool, {}, {"callbacks": [tracer]})

    assert {
        name: len(kept) for name, kept in vars(tracer).items() if isinstance(kept, dict | list | set) and kept
    } == {}


def _allocated_blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def _persisting(base: type) -> type:
    """A tracer that drops its finished traces."""

    def persist(self: Any, run: Any) -> None: ...

    async def apersist(self: Any, run: Any) -> None: ...

    is_async = base.__name__.startswith("Async")
    return type("Dropping", (base,), {"_persist_run": apersist if is_async else persist})
