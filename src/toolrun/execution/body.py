"""A body: any callable, reduced to one that runs it to its end.

A function and a coroutine function are taken as they are. A generator is drained: every value that it yields is
told to the current run as partial output, and the result is what it returned, else the last value yielded.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import aclosing
from typing import Any

from toolrun._signature import Kind, kind_of
from toolrun.callbacks.context import current_run


class Body:
    """What an engine runs. `call` is a plain function, or a coroutine function if `is_async`."""

    __slots__ = ("call", "function", "is_async", "kind", "shipment")

    def __init__(self, function: Callable[..., Any], kind: Kind | None = None) -> None:
        """The kind is found out, unless it is known already."""
        self.function = function
        self.kind = kind or kind_of(function)
        self.is_async = self.kind.is_async
        self.call = _runs_to_its_end(function, self.kind)
        self.shipment: Any = None
        """How it goes to worker processes, found out by their engine at the first call."""

    def __reduce__(self) -> Any:
        return Body, (self.function,)

    def __repr__(self) -> str:
        return f"Body({self.function!r})"


def _runs_to_its_end(function: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
    if kind is Kind.GENERATOR:
        return lambda *args, **kwargs: _drain(function(*args, **kwargs))
    if kind is Kind.ASYNC_GENERATOR:
        return lambda *args, **kwargs: _adrain(function(*args, **kwargs))
    return function


def _drain(values: Generator[Any, None, Any]) -> Any:
    run: Any = current_run()
    last = None
    try:
        while True:
            last = next(values)
            if run is not None:
                run.on_tool_output(last)
    except StopIteration as end:
        return last if end.value is None else end.value
    finally:
        values.close()


async def _adrain(values: AsyncIterator[Any]) -> Any:
    run: Any = current_run()
    last = None
    async with aclosing(values):  # type: ignore[type-var]
        async for last in values:
            if run is not None:
                told = run.on_tool_output(last)
                if inspect.isawaitable(told):
                    await told
    return last
