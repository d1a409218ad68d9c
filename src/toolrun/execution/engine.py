"""Engines: where the body of a tool runs.

An engine runs jobs, for a sync caller or for an async one. A job is a body with its arguments and a context made for
this run; the current run is set in it, and by it an engine that leaves this thread, process or machine finds whom to
tell of progress and output.

All engines keep these rules:
- `run` and `arun` return what the body returned and raise what it raised, `BaseException` too.
- An engine says where *sync* bodies run. Async bodies always run on an event loop: the caller's own under `arun`, the
  background loop under `run`.
- A body that has not ended `job.timeout` seconds after it began is asked to stop, then made to; the caller gets
  `ToolTimeout` without waiting for it. `job.stopped_by` says what is known then, and is corrected when more is known.
- When the caller is cancelled, `arun` returns at once, and the body is stopped behind its back.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal, Protocol

from toolrun.errors import ToolrunError
from toolrun.execution.inline import INLINE
from toolrun.execution.job import Job
from toolrun.execution.threads import THREADS

EngineName = Literal["inline", "threads", "processes"]


class Engine(Protocol):
    """Runs bodies somewhere."""

    name: str

    def run(self, job: Job) -> Any:
        """Run the body and wait for it."""
        ...

    def arun(self, job: Job) -> Awaitable[Any]:
        """Run the body while the event loop goes on."""
        ...


ENGINES: dict[str, Engine] = {engine.name: engine for engine in (INLINE, THREADS)}
"""Engines by name, as far as they are imported."""

_LATER = {"processes": ("toolrun.execution.processes", "PROCESSES")}


class UnknownEngine(ToolrunError, ValueError):
    """There is no engine of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no engine {name!r}. There are: {', '.join(map(repr, [*ENGINES, *_LATER]))}.")


def engine_named(name: str) -> Engine:
    """The engine of this name."""
    engine = ENGINES.get(name)
    if engine is None:
        if name not in _LATER:
            raise UnknownEngine(name)
        from importlib import import_module

        module, attribute = _LATER[name]
        engine = ENGINES[name] = getattr(import_module(module), attribute)
    return engine
