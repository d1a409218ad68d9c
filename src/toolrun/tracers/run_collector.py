"""A tracer that keeps the finished trees of runs, and a block that collects the runs made in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from toolrun.callbacks import register_configure_hook
from toolrun.tracers.base import BaseTracer
from toolrun.tracers.schemas import Run

_collecting: ContextVar[tuple[RunCollectorCallbackHandler, ...]] = ContextVar("toolrun_run_collectors", default=())


class RunCollectorCallbackHandler(BaseTracer):
    """Keeps every finished root in `traced_runs`, each with all runs below it.

    It only ever appends to memory, so async managers call it inline.
    """

    name: str = "run-collector_callback_handler"
    run_inline = True

    def __init__(self, example_id: UUID | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.example_id = UUID(example_id) if isinstance(example_id, str) else example_id
        self.traced_runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.traced_runs.append(dataclasses.replace(run, reference_example_id=self.example_id))


@contextmanager
def collect_runs() -> Iterator[RunCollectorCallbackHandler]:
    """Collect the runs made in the block: `with collect_runs() as collected: ...; collected.traced_runs`.

    Blocks may be nested: the outer one collects the runs of the inner one too.
    """
    register_configure_hook(_collecting, inheritable=False)
    collector = RunCollectorCallbackHandler()
    token = _collecting.set((*_collecting.get(), collector))
    try:
        yield collector
    finally:
        _collecting.reset(token)
