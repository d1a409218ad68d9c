"""Engines: where the body of a tool runs.

An engine runs one body with its arguments in a context, once for a sync caller and once for an async one.
The context is a copy made for this run; the current run is set in it, and by it an engine that leaves this thread,
process or machine finds whom to tell of progress and output.

All engines keep these rules:
- `run` and `arun` return what the body returned and raise what it raised, `BaseException` too.
- An engine says where *sync* bodies run. Async bodies always run on an event loop: the caller's own under `arun`, the
  background loop under `run`.
- When the caller is cancelled, `arun` returns at once. What became of the body is the engine's to know.
"""

from __future__ import annotations

from contextvars import Context
from typing import Any, Literal, Protocol

from toolrun.errors import ToolrunError
from toolrun.execution.body import Body
from toolrun.execution.inline import INLINE
from toolrun.execution.threads import THREADS

EngineName = Literal["inline", "threads"]


class Engine(Protocol):
    """Runs bodies somewhere."""

    name: str

    def run(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        """Run the body and wait for it."""
        ...

    async def arun(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        """Run the body while the event loop goes on."""
        ...


ENGINES: dict[str, Engine] = {engine.name: engine for engine in (INLINE, THREADS)}


class UnknownEngine(ToolrunError, ValueError):
    """There is no engine of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no engine {name!r}. There are: {', '.join(map(repr, ENGINES))}.")


def engine_named(name: str) -> Engine:
    """The engine of this name."""
    try:
        return ENGINES[name]
    except KeyError:
        raise UnknownEngine(name) from None
